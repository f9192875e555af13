#pragma once
// What an S3 request asks for, read from its head alone. Path style, /bucket/key, and where the
// Host is one of AWS's (transparent clients) virtual-hosted style as well.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "net/http_message.h"
#include "objects/types.h"
#include "wire/query.h"

namespace ac::wire {

struct S3Request {
    std::string method;
    std::string bucket;  // empty: the service
    std::string key;     // empty: the bucket
    std::vector<QueryParameter> query;

    // nullptr when absent.
    const std::string* find(std::string_view name) const;
    bool has(std::string_view name) const { return find(name) != nullptr; }
    std::string get(std::string_view name) const;
};

// invalid_argument InvalidURI.
Result<S3Request> parse_s3_request(const net::RequestHead& head);

// The query parameter that names a sub-resource (?acl, ?policy, ...) and is none of `served`;
// empty when there is none.
std::string_view unserved_subresource(const S3Request& request,
                                      std::initializer_list<std::string_view> served);

// Headers that are stored with an object: content-type and its like, x-amz-meta-*. Without the
// aws-chunked that an upload adds to content-encoding.
objects::Attributes stored_attributes(const net::Headers& headers);

struct ByteRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;  // inclusive
};
// nullopt: no (or a malformed, or a multiple) range: the whole object (RFC 9110 14.2).
// invalid_argument InvalidRange: outside of it.
Result<std::optional<ByteRange>> parse_range(std::string_view header, std::uint64_t size);

enum class Condition { met, not_modified, failed };
// If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since in the order of RFC 9110 13.2.2.
Condition evaluate_conditions(const net::Headers& headers, std::string_view etag,
                              WallTime modified);

// x-amz-copy-source: [/]bucket/key, percent-encoded.
Result<objects::ObjectKey> parse_copy_source(std::string_view header);

}  // namespace ac::wire
