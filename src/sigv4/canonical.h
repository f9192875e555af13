#pragma once
// The texts that are hashed and signed. Shared by the signer and the verifier; pure.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/hash.h"
#include "net/http_message.h"

namespace ac::sigv4 {

inline constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

// S3 signs the path encoded once, every other service the encoding of the path as sent (so %2F
// becomes %252F). Nothing is normalised: a path that we would read differently is a different path.
std::string canonical_path(std::string_view path, bool is_s3);

struct RawParameter {
    std::string_view name;
    std::string_view value;
};
std::vector<RawParameter> split_query(std::string_view query);
// Sorted; without X-Amz-Signature. As sent, or decoded and encoded anew: the same for clients that
// encode as they should, and the one or the other for those that do not.
std::string canonical_query(std::string_view query, bool reencode);

// "name:value\n" each, repeated fields joined by ',', runs of spaces made one. `host` stands for
// the Host header's value.
std::string canonical_headers(const net::Headers& headers, std::span<const std::string> names,
                              std::string_view host);

std::string joined(std::span<const std::string> names);  // "a;b"

struct CanonicalParts {
    std::string_view method;
    std::string_view path;
    std::string_view query;
    std::string_view headers;
    std::string_view signed_headers;
    std::string_view payload_hash;
};
std::string string_to_sign(const CanonicalParts& parts, std::string_view amz_date,
                           std::string_view scope);

Sha256 derive_key(std::string_view secret, std::string_view date, std::string_view region,
                  std::string_view service);

}  // namespace ac::sigv4
