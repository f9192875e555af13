#pragma once
// http and https URLs (RFC 3986, the part that HTTP clients use).

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ac::net {

struct Url {
    bool is_secure = false;  // https
    std::string host;        // lower case; an IPv6 address without its brackets
    std::uint16_t port = 0;
    std::string target = "/";  // path and query, still encoded; never empty

    std::string authority() const;  // the Host field: the port only where it is not the scheme's
    std::string origin() const;     // "https://example.com:8443"
    std::string text() const { return origin() + target; }
};

// A fragment is dropped. invalid_argument: another scheme, user information (it hides the host from
// a reader), no host, control characters or spaces.
Result<Url> parse_url(std::string_view text);

// RFC 3986 5.2 for a Location: absolute, "//host/path", "/path" or relative to the last segment.
Result<Url> resolve_url(const Url& base, std::string_view reference);

}  // namespace ac::net
