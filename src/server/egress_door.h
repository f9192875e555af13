#pragma once
// The egress proxy inside agents' sandboxes: one small server a session, on the listener that
// Runtime opened in there for an agent whose network mode is PUBLIC.

#include <memory>

#include "async/loop.h"
#include "async/task_group.h"
#include "egress/proxy.h"
#include "runtime/platform_door.h"

namespace ac::server {

class EgressDoor final : public runtime::PlatformDoor {
  public:
    // All outlive the door. Servers are opened and closed on the main loop.
    EgressDoor(Loops& loops, const Clock& clock, egress::Proxy& proxy);

    Result<std::unique_ptr<Open>> open(UniqueFd listener, runtime::GuestIdentity guest) override;
    // After the sessions have ended: waits until every server has.
    Task<> drain();

  private:
    class Handle;
    Detached close(std::shared_ptr<net::HttpServer> server);

    Loops& loops_;
    const Clock& clock_;
    egress::Proxy& proxy_;
    TaskGroup tasks_;
};

}  // namespace ac::server
