#pragma once
// What a request says about who signed it (AWS Signature Version 4), in the Authorization header or
// in presigned query parameters. Parsing looks at the head only and believes nothing: whose key it
// is decides where the key lives, and only Verifier decides whether the signature is right.

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "net/http_message.h"

namespace ac::sigv4 {

struct Authorization {
    bool presigned = false;
    std::string access_key_id;
    std::string date;  // 20260102, of the credential scope
    std::string region;
    std::string service;
    std::vector<std::string> signed_headers;  // lower case, ascending
    std::string signature;                    // 64 lower case hex digits
    std::string amz_date;                     // 20260102T030405Z
    WallTime signed_at{};
    Seconds expires{0};          // presigned only
    std::string security_token;  // empty: none
    // x-amz-content-sha256 as sent; empty: none. A hash, UNSIGNED-PAYLOAD or STREAMING-...
    std::string content_sha256;

    // "20260102/us-west-2/s3/aws4_request"
    std::string scope() const { return date + '/' + region + '/' + service + "/aws4_request"; }
};

// Whether the request claims to be signed this way at all (it may be a bearer token instead).
bool is_signed(const net::RequestHead& head);

// Errors have the code unauthenticated and the exception's name as reason:
// MissingAuthenticationTokenException, IncompleteSignatureException.
Result<Authorization> parse_authorization(const net::RequestHead& head);

inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";
inline constexpr std::string_view kStreamingPrefix = "STREAMING-";

}  // namespace ac::sigv4
