#pragma once
// Starts agents in sandboxes, for sessions and for the warm pool. The service's loop only, but for
// has_egress().

#include <functional>
#include <memory>
#include <string>

#include "async/task_group.h"
#include "async/timer.h"
#include "runtime/guest.h"
#include "runtime/guest_plan.h"
#include "runtime/platform_door.h"
#include "sandbox/template.h"

namespace ac::runtime {

// Somebody in the guest has connected: the agent calls before anybody's session is known.
bool calls_out(const DoorListeners& listeners);

class GuestStarter final {
  public:
    struct Options {
        std::string public_url;
        PlatformDoor* platform = nullptr;  // nullptr: guests reach nothing
        PlatformDoor* egress = nullptr;
    };
    // All outlive the starter; `tasks` may be constructed later, before the first start.
    GuestStarter(sandbox::Sandbox& sandbox, Timer& timer, const RuntimeLimits& limits,
                 Options options, TaskGroup& tasks)
        : sandbox_(sandbox),
          timer_(timer),
          limits_(limits),
          options_(std::move(options)),
          tasks_(tasks) {}

    // Before the first start.
    void set_public_url(std::string url) { options_.public_url = std::move(url); }

    GuestPlan plan(const Scope& scope, const RuntimeId& runtime, const std::string& endpoint,
                   const Resolved& target) const;
    // It runs, and its output goes to `output` from now on; it goes on from `from` where there is
    // one. The sandbox's errors.
    Task<Guest> start(GuestPlan plan, ServerProtocol protocol, std::shared_ptr<GuestOutput> output,
                      std::shared_ptr<const sandbox::Template> from);
    // unavailable: the guest has ended.
    Task<DoorListeners> listen(sandbox::Monitor& monitor, const Spec& spec) const;
    // The doors behind these listeners open for `guest`. The guest's calls are answered from now
    // on.
    struct Doors {
        std::unique_ptr<PlatformDoor::Open> platform;
        std::unique_ptr<PlatformDoor::Open> egress;
    };
    Result<Doors> open(DoorListeners listeners, const GuestIdentity& guest) const;

    // It answers GET /ping, where its protocol has that, with anything but a server's error.
    Task<> ping(Guest& guest, ServerProtocol protocol) const;

    // The first connection to the agent. guest_failed: it did not listen within init_max; or what
    // `go_on` says, which is asked between two looks.
    Task<UniqueFd> await_listening(sandbox::Monitor& monitor, ServerProtocol protocol,
                                   std::function<Result<>()> go_on) const;

  private:
    bool has_egress(const Spec& spec) const {
        return options_.egress != nullptr && options_.egress->serves(spec.network);
    }
    Task<std::uint16_t> port_in_use(sandbox::Monitor& monitor) const;
    Detached read_output(std::shared_ptr<GuestOutput> output, UniqueFd reading, Stream stream);

    sandbox::Sandbox& sandbox_;
    Timer& timer_;
    const RuntimeLimits& limits_;
    Options options_;
    TaskGroup& tasks_;
};

}  // namespace ac::runtime
