#include "server/egress_door.h"

#include "base/log.h"

namespace ac::server {
namespace {

// Tunnels whose session has ended have nobody left to carry bytes for.
constexpr Milliseconds kCloseTime{100};

}  // namespace

class EgressDoor::Handle final : public Open {
  public:
    Handle(EgressDoor& door, std::shared_ptr<net::HttpServer> server)
        : door_(door), server_(std::move(server)) {}
    ~Handle() override { door_.tasks_.spawn("egress door", door_.close(std::move(server_))); }

  private:
    EgressDoor& door_;
    std::shared_ptr<net::HttpServer> server_;
};

EgressDoor::EgressDoor(Loops& loops, const Clock& clock, egress::Proxy& proxy)
    : loops_(loops), clock_(clock), proxy_(proxy), tasks_(loops.main().executor()) {}

Result<std::unique_ptr<runtime::PlatformDoor::Open>> EgressDoor::open(UniqueFd listener,
                                                                      runtime::GuestIdentity) {
    AC_TRY(std::shared_ptr<net::HttpServer> server,
           net::make_http_server(loops_, clock_, proxy_, std::move(listener),
                                 egress::server_limits()));
    return std::make_unique<Handle>(*this, std::move(server));
}

Detached EgressDoor::close(std::shared_ptr<net::HttpServer> server) {
    const SteadyTime deadline = clock_.steady() + kCloseTime;
    const auto drained = co_await server->drain(deadline);
    if (!drained && drained.error().code == ErrorCode::internal)
        AC_LOG(error, "an agent's egress proxy did not end", {"reason", drained.error().message});
}

Task<> EgressDoor::drain() {
    co_return co_await tasks_.join();
}

}  // namespace ac::server
