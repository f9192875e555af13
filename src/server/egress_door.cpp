#include "server/egress_door.h"

#include "base/log.h"
#include "net/url.h"

namespace ac::server {
namespace {

// Tunnels whose session has ended have nobody left to carry bytes for.
constexpr Milliseconds kCloseTime{100};

// The public indexes, and the operator's own wherever they are; of everything else what is public.
Result<egress::ProxyRules> rules_of_installs(const Config& config,
                                             const std::vector<std::string>& index_urls) {
    egress::ProxyRules rules;
    AC_CHECK(rules.hosts.allow("*"));
    rules.addresses.set_setting("builds.networks");
    for (const std::string& block : config.build_networks) AC_CHECK(rules.addresses.allow(block));
    for (const char* host :
         {"pypi.org:443", "files.pythonhosted.org:443", "registry.npmjs.org:443"})
        AC_CHECK(rules.trusted.allow(host));
    for (const std::string& text : index_urls) {
        const auto url = net::parse_url(text);
        if (!url) continue;  // the installer will say what is wrong with it
        const std::string host =
            url->host.find(':') == url->host.npos ? url->host : "[" + url->host + "]";
        const std::string pattern = host + ":" + std::to_string(url->port);
        if (!rules.trusted.allow(pattern))
            AC_LOG(warn, "no host of a package index", {"host", pattern});
    }
    return rules;
}

}  // namespace

class EgressDoor::Handle final : public runtime::PlatformDoor::Open,
                                 public interpreter::NetworkDoor::Open {
  public:
    Handle(EgressDoor& door, std::shared_ptr<net::HttpServer> server)
        : door_(door), server_(std::move(server)) {}
    ~Handle() override { door_.tasks_.spawn("egress door", door_.close(std::move(server_))); }

  private:
    EgressDoor& door_;
    std::shared_ptr<net::HttpServer> server_;
};

Result<std::unique_ptr<EgressDoor>> EgressDoor::open(const Config& config,
                                                     const std::vector<std::string>& index_urls,
                                                     const std::vector<std::string>& environment,
                                                     Loops& loops, Timer& timer) {
    std::unique_ptr<EgressDoor> door(new EgressDoor(loops, timer));
    egress::ProxyRules internet;
    internet.addresses.set_setting("egress.networks");
    for (const std::string& host : config.egress_allow) AC_CHECK(internet.hosts.allow(host));
    for (const std::string& block : config.egress_networks)
        AC_CHECK(internet.addresses.allow(block));
    if (!config.egress_allow.empty())
        door->internet_ = std::make_unique<egress::Proxy>(std::move(internet), timer);
    egress::ProxyRules vpc{.hosts = {}, .addresses = net::AddressGuard::allow_none()};
    vpc.addresses.set_setting("egress.vpc_networks");
    AC_CHECK(vpc.hosts.allow("*"));
    for (const std::string& block : config.egress_vpc_networks)
        AC_CHECK(vpc.addresses.allow(block));
    if (!config.egress_vpc_networks.empty())
        door->vpc_ = std::make_unique<egress::Proxy>(std::move(vpc), timer);
    AC_TRY(egress::ProxyRules installs, rules_of_installs(config, index_urls));
    auto upstream = egress::upstream_of(environment);
    if (!upstream) {
        AC_LOG(warn, "installers of packages share this machine's network",
               {"why", upstream.error().message});
        return door;
    }
    installs.upstream = *std::move(upstream);
    door->installs_ = std::make_unique<egress::Proxy>(std::move(installs), timer);
    return door;
}

bool EgressDoor::serves(runtime::NetworkMode network) const {
    return (network == runtime::NetworkMode::vpc ? vpc_ : internet_) != nullptr;
}

Result<std::unique_ptr<runtime::PlatformDoor::Open>> EgressDoor::open(
    UniqueFd listener, runtime::GuestIdentity guest) {
    egress::Proxy& proxy = guest.network == runtime::NetworkMode::vpc ? *vpc_ : *internet_;
    return serve(proxy, std::move(listener));
}

Result<std::unique_ptr<runtime::PlatformDoor::Open>> EgressDoor::open(UniqueFd listener) {
    return serve(*installs_, std::move(listener));
}

bool EgressDoor::serves(interpreter::NetworkMode network) const {
    switch (network) {
        case interpreter::NetworkMode::sandbox:
            return false;
        case interpreter::NetworkMode::internet:
            return internet_ != nullptr;
        case interpreter::NetworkMode::vpc:
            return vpc_ != nullptr;
    }
    return false;
}

Result<std::unique_ptr<interpreter::NetworkDoor::Open>> EgressDoor::open(
    UniqueFd listener, interpreter::NetworkMode network) {
    if (!serves(network))
        return fail(ErrorCode::invalid_argument, "sessions of this network mode reach nothing");
    return serve(network == interpreter::NetworkMode::vpc ? *vpc_ : *internet_,
                 std::move(listener));
}

Result<std::unique_ptr<EgressDoor::Handle>> EgressDoor::serve(egress::Proxy& proxy,
                                                              UniqueFd listener) {
    AC_TRY(
        std::shared_ptr<net::HttpServer> server,
        net::make_http_server(loops_, clock_, proxy, std::move(listener), egress::server_limits()));
    return std::make_unique<Handle>(*this, std::move(server));
}

Detached EgressDoor::close(std::shared_ptr<net::HttpServer> server) {
    const SteadyTime deadline = clock_.steady() + kCloseTime;
    const auto drained = co_await server->drain(deadline);
    if (!drained && drained.error().code == ErrorCode::internal)
        AC_LOG(error, "a guest's egress proxy did not end", {"reason", drained.error().message});
}

Task<> EgressDoor::drain() {
    co_return co_await tasks_.join();
}

}  // namespace ac::server
