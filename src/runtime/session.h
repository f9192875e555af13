#pragma once
// One session: its machine, its guest and the connections to it.

#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "async/completion.h"
#include "runtime/catalog.h"
#include "runtime/guest.h"
#include "runtime/kept_token.h"
#include "runtime/platform_door.h"
#include "runtime/runtime_service.h"
#include "runtime/session_machine.h"

namespace ac::runtime {

// An agent that keeps MCP sessions of its own gives them ids. Callers know theirs only, which leads
// to the session; this is what the agent calls it. Thread-safe.
class AgentMcpSession final {
  public:
    void learn(std::string_view id) {
        const std::lock_guard lock(mutex_);
        id_ = id;
    }
    std::string id() const {  // empty: it has none, or none yet
        const std::lock_guard lock(mutex_);
        return id_;
    }

  private:
    mutable std::mutex mutex_;
    std::string id_;
};

struct Session {
    Session(SessionAddress where, Resolved what, SessionTimes times, SteadyTime now, WallTime wall)
        : address(std::move(where)),
          target(std::move(what)),
          started_wall(wall),
          machine(times, now) {}

    const SessionAddress address;
    const Resolved target;
    const WallTime started_wall;
    mutable AgentMcpSession mcp;
    mutable KeptToken token;
    mutable std::atomic<std::size_t> commands{0};  // under way

    // Guarded by the host's mutex.
    SessionMachine machine;
    WallTime last_used_wall = started_wall;
    std::vector<Completion<void>> ready_waiters;
    std::vector<Completion<void>> end_waiters;
    std::optional<Error> end_error;  // once stopped
    SteadyTime next_measure;         // of its storage
    bool is_background = false;      // where its guest was moved to
    std::shared_ptr<sandbox::Monitor> monitor;

    // Set before the session is ready, constant while it is.
    std::vector<std::string> environment;  // of its agent, for further commands
    std::string folder;
    std::vector<std::filesystem::path> storage;  // the host's folders of its mounts
    std::unique_ptr<GuestConnector> connector;
    std::unique_ptr<net::ClientPool> pool;   // keep-alive, for what can be sent again
    std::unique_ptr<net::ClientPool> fresh;  // a new connection each time, for large bodies

    // The service's loop only.
    std::unique_ptr<PlatformDoor::Open> platform;
    std::unique_ptr<PlatformDoor::Open> egress;
    std::shared_ptr<GuestOutput> output;  // nullptr: nothing has been started yet
    std::optional<Error> start_error;
};

}  // namespace ac::runtime
