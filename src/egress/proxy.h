#pragma once
// The way out of a sandbox: an HTTP proxy (RFC 9110 7.6 and 9.3.6) on a listener inside the
// guest's network. CONNECT makes a tunnel, http:// requests are forwarded. Names are resolved out
// here; what they resolve to is guarded, and the operator's rules say which hosts are allowed.

#include <atomic>

#include "async/timer.h"
#include "egress/rules.h"
#include "egress/upstream.h"
#include "net/http_client.h"
#include "net/http_server.h"

namespace ac::egress {

struct ProxyLimits {
    Seconds connect_max{20};
    Seconds answer_max{900};       // from a forwarded request to the head of its answer
    Seconds tunnel_idle_max{600};  // without a byte either way
};

struct ProxyRules {
    HostRules hosts;
    net::AddressGuard addresses;
    HostRules trusted = {};  // reached wherever they are: the operator named them
    // What names lead to is then the upstream's to judge; addresses are judged here as ever.
    std::optional<Upstream> upstream = {};
};

struct ProxyStatistics {
    std::atomic<std::uint64_t> tunnels{0};
    std::atomic<std::uint64_t> requests{0};
    std::atomic<std::uint64_t> refused{0};
};

// Serves the listeners of many guests. Thread-safe.
class Proxy final : public net::Handler {
  public:
    // `timer` outlives the proxy.
    Proxy(ProxyRules rules, Timer& timer, ProxyLimits limits = {});

    Detached handle(net::Exchange& exchange) override;
    const ProxyStatistics& statistics() const { return statistics_; }

  private:
    Task<> tunnel(net::Exchange& exchange);
    Task<> forward(net::Exchange& exchange);
    // How it is connected to; permission_denied.
    struct Way {
        std::unique_ptr<net::Connector> connector;
        const Upstream* upstream = nullptr;  // nullptr: directly
    };
    Result<Way> way_to(const HostPort& target) const;
    Task<> refuse(net::Exchange& exchange, const Error& error);

    const ProxyRules rules_;
    const net::AddressGuard everywhere_ = net::AddressGuard::allow_all();
    Timer& timer_;
    const ProxyLimits limits_;
    ProxyStatistics statistics_;
};

// What a server must be told to take CONNECT, and how much one guest may open.
net::ServerLimits server_limits();

}  // namespace ac::egress
