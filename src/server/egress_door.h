#pragma once
// The egress proxies inside the sandboxes of agents and code interpreters: one small server a
// session, on the listener that its service opened in there. With network mode PUBLIC they reach
// hosts by the operator's rules, with mode VPC the operator's address blocks, and nothing where
// there are none. Installers of packages have one each as well: public addresses, and the indexes
// that the operator's settings name.

#include <memory>

#include "async/loop.h"
#include "async/task_group.h"
#include "egress/proxy.h"
#include "interpreter/network_door.h"
#include "runtime/install_door.h"
#include "runtime/platform_door.h"
#include "server/config.h"

namespace ac::server {

class EgressDoor final : public runtime::PlatformDoor,
                         public interpreter::NetworkDoor,
                         public runtime::InstallDoor {
  public:
    // `environment`: the operator's settings for installers, with his proxy if he has one.
    // Both outlive the door. Servers are opened and closed on the main loop. invalid_argument: a
    // setting of egress.* that is not a pattern or an address block.
    static Result<std::unique_ptr<EgressDoor>> open(const Config& config,
                                                    const std::vector<std::string>& index_urls,
                                                    const std::vector<std::string>& environment,
                                                    Loops& loops, Timer& timer);

    bool serves(runtime::NetworkMode network) const override;
    Result<std::unique_ptr<runtime::PlatformDoor::Open>> open(
        UniqueFd listener, runtime::GuestIdentity guest) override;
    bool serves(interpreter::NetworkMode network) const override;
    Result<std::unique_ptr<interpreter::NetworkDoor::Open>> open(
        UniqueFd listener, interpreter::NetworkMode network) override;
    Result<std::unique_ptr<runtime::PlatformDoor::Open>> open(UniqueFd listener) override;
    // False: this machine's way out is a proxy that cannot be spoken to from here.
    bool serves_installs() const { return installs_ != nullptr; }
    // After the sessions have ended: waits until every server has.
    Task<> drain();

  private:
    class Handle;
    EgressDoor(Loops& loops, Timer& timer)
        : loops_(loops), clock_(timer.clock()), tasks_(loops.main().executor()) {}
    Result<std::unique_ptr<Handle>> serve(egress::Proxy& proxy, UniqueFd listener);
    Detached close(std::shared_ptr<net::HttpServer> server);

    Loops& loops_;
    const Clock& clock_;
    std::unique_ptr<egress::Proxy> internet_;  // nullptr: no hosts are allowed
    std::unique_ptr<egress::Proxy> vpc_;       // nullptr: no blocks are allowed
    std::unique_ptr<egress::Proxy> installs_;
    TaskGroup tasks_;
};

}  // namespace ac::server
