#pragma once
// Signs requests the way AWS clients do: for our command line and for calls to AWS itself.

#include <string>
#include <string_view>

#include "base/clock.h"
#include "net/http_message.h"

namespace ac::sigv4 {

struct Credentials {
    std::string access_key_id;
    std::string secret;         // never logged
    std::string session_token;  // empty for a long-term key
};

struct Signing {
    std::string region;
    std::string service;  // "bedrock-agentcore"; "s3" encodes paths differently
    WallTime now{};
};

// Adds X-Amz-Date, X-Amz-Content-Sha256, X-Amz-Security-Token and Authorization. Host must be set.
// `body_sha256`: lower case hex.
void sign(net::RequestHead& head, std::string_view body_sha256, const Credentials& credentials,
          const Signing& signing);

// The target with X-Amz-... query parameters that make it valid for `expires`; signs Host only, and
// an empty body (for S3 any body).
std::string presign(const net::RequestHead& head, const Credentials& credentials,
                    const Signing& signing, Seconds expires);

}  // namespace ac::sigv4
