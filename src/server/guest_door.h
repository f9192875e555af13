#pragma once
// The platform's API inside agents' sandboxes: one small server a session, on the listener that
// Runtime opened in there, behind the same pipeline as everybody's. The listener says which agent
// calls: calls count as the runtime's execution role, in that agent's session.

#include <map>
#include <memory>
#include <mutex>

#include "async/loop.h"
#include "async/task_group.h"
#include "runtime/platform_door.h"
#include "server/pipeline.h"

namespace ac::server {

class GuestDoor final : public runtime::PlatformDoor {
  public:
    // Both outlive the door. Servers are opened and closed on the main loop.
    GuestDoor(Loops& loops, const Clock& clock);
    ~GuestDoor() override;

    // Before the first session: what the pipelines of guests are made of. Its `keys` are asked for
    // keys that are not the guest's own.
    void serve_with(PipelineParts parts);

    Result<std::unique_ptr<Open>> open(UniqueFd listener, runtime::GuestIdentity guest) override;
    // After the sessions have ended: waits until every server has.
    Task<> drain();

  private:
    class Server;
    class Handle;
    Detached close(std::shared_ptr<Server> server);

    Loops& loops_;
    const Clock& clock_;
    std::unique_ptr<PipelineParts> parts_;
    TaskGroup tasks_;
};

}  // namespace ac::server
