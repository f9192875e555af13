#pragma once
// What a token endpoint answered (RFC 6749 5.1 and 5.2, with the vendors' own ways). It is somebody
// else's text: bounded, checked, and its words are never passed on.

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/secret_bytes.h"
#include "net/http_message.h"

namespace ac::identity {

struct TokenAnswer {
    SecretBytes access_token;
    SecretBytes refresh_token;  // empty: none was given
    std::optional<Seconds> expires_in;
    std::string scope;  // as it came; empty: what was asked for
};

inline constexpr std::string_view kInvalidGrant = "invalid_grant";

// permission_denied: the server refused, `reason` is its error code; unavailable: it failed, or
// what it answered is no token.
Result<TokenAnswer> parse_token_answer(const net::Response& response);

}  // namespace ac::identity
