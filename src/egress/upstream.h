#pragma once
// The operator's own proxy, where that is the machine's way out: what the environment says of it
// (HTTPS_PROXY, NO_PROXY, ... as curl reads them), and how a tunnel through it is asked for.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "net/duplex.h"

namespace ac::egress {

struct Upstream {
    std::string host;
    std::uint16_t port = 0;
    std::string authorization;        // of the Proxy-Authorization field; empty: none
    std::vector<std::string> direct;  // NO_PROXY: lower case, without leading dots; "*" is all

    // Hosts that are reached without it.
    bool leaves_out(std::string_view host) const;
};

// Of "NAME=value" entries. nullopt: none is named. invalid_argument: one that is no http:// proxy.
Result<std::optional<Upstream>> upstream_of(const std::vector<std::string>& environment);

// On a connection to the proxy; afterwards it is one to `target` ("host:port"). unavailable,
// permission_denied: what the proxy answered.
Task<> open_tunnel(net::Duplex& proxy, const Upstream& upstream, std::string target,
                   SteadyTime deadline);

}  // namespace ac::egress
