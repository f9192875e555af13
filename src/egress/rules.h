#pragma once
// Which hosts guests may reach through the egress proxy, as patterns "HOST[:PORT]": a host is a
// name, "*.example.com" (any name below it, not itself), an address, or "*"; without a port every
// port is meant.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ac::egress {

class HostRules final {
  public:
    // invalid_argument: not a pattern.
    Result<> allow(std::string_view pattern);
    // `host` as in a URL, an IPv6 address without brackets; case does not matter.
    bool allows(std::string_view host, std::uint16_t port) const;

  private:
    struct Rule {
        std::string host;        // lower case; after the star of a wildcard: ".example.com"
        bool below = false;      // "*.": names that end in `host`
        bool any = false;        // "*"
        std::uint16_t port = 0;  // 0: every
    };
    std::vector<Rule> rules_;
};

// "host:443", "[::1]:443"; the port is required. invalid_argument.
struct HostPort {
    std::string host;
    std::uint16_t port = 0;
};
Result<HostPort> parse_host_port(std::string_view text);

}  // namespace ac::egress
