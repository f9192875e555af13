#pragma once
// Guests that have been started, listen and are healthy, but belong to no session yet: a new
// session of their version takes one instead of starting its own. How many wait follows how many
// sessions were started lately (pool_demand), within bounds.
//
// What a guest is given at its start is the same for all sessions of an endpoint's version; what
// is a session's own (id, log, doors to the platform) it gets when it is taken. So a guest that
// calls the platform before it is taken cannot be anybody's: its version is started the ordinary
// way from then on. Versions with session storage, whose mounts are a session's own, likewise.

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/agent_templates.h"
#include "runtime/guest_starter.h"
#include "runtime/pool_demand.h"
#include "runtime/pool_options.h"
#include "runtime/runtime_service.h"

namespace ac::runtime {

struct WarmGuest {
    enum class State { starting, waiting, taken, leaving };

    std::string key;         // of its endpoint
    SessionAddress address;  // without a session
    std::int64_t version = 0;
    bool is_of_template = false;
    ServerProtocol protocol = ServerProtocol::http;
    // Guarded by the pool's mutex.
    State state = State::starting;
    std::shared_ptr<sandbox::Monitor> monitor;
    SteadyTime next_look;  // max: being looked at, and nobody's meanwhile
    // The loop only; moved to the session that takes it.
    Guest guest;
    DoorListeners listeners;
};

class WarmPool final {
  public:
    // All outlive the pool; `tasks` may be constructed later. `sessions_starting` is how many
    // sessions are being started the ordinary way: they come first.
    WarmPool(GuestStarter& starter, AgentTemplates& templates, Timer& timer,
             const RuntimeLimits& limits, PoolOptions options,
             const std::atomic<std::size_t>& sessions_starting, TaskGroup& tasks);

    // A session is being started. nullptr: no guest waits for it. Thread-safe.
    std::shared_ptr<WarmGuest> take(const SessionAddress& address, const Resolved& target);
    // What take() gave turned out not to be well. Thread-safe.
    void reject(WarmGuest& guest);
    // What the resource leads to has changed or is gone. Thread-safe.
    void discard(const Scope& scope, const Resource& resource);
    // Until no guest of the runtime is left.
    Task<> wait_gone(Scope scope, RuntimeId id);
    // No more guests; those there are end, at once where `grace` is 0. Thread-safe.
    void close(Milliseconds grace);
    Task<> wait_all_gone();

    PoolStatistics statistics() const;

  private:
    using GuestPointer = std::shared_ptr<WarmGuest>;
    struct Endpoint {
        SessionAddress address;          // without a session
        std::optional<Resolved> target;  // nullopt: it has changed, and nobody has come since
        PoolDemand demand;
        int failures = 0;  // in a row
        SteadyTime paused_until{};
        bool is_ordinary = false;  // its guests cannot wait
    };
    struct Work {
        std::vector<std::pair<GuestPointer, Resolved>> starting;
        std::vector<GuestPointer> looking;
        bool is_over = false;
    };

    Detached keep();
    Work next_work(SteadyTime now);
    void size(const std::string& key, Endpoint& endpoint, SteadyTime now, Work& work);
    bool may_start() const;
    Detached bring_up(GuestPointer warm, Resolved target);
    Task<> start(GuestPointer warm, const Resolved& target);
    Detached watch(GuestPointer warm, std::shared_ptr<sandbox::Monitor> monitor);
    Detached look(GuestPointer warm);

    std::vector<GuestPointer> guests_of(const std::string& prefix) const;
    bool send_away(WarmGuest& guest);  // false: it has left already
    void note_failure(const WarmGuest& warm);
    void erase(const WarmGuest& guest);
    Task<> wait_gone(std::string prefix);

    GuestStarter& starter_;
    AgentTemplates& templates_;
    Timer& timer_;
    const RuntimeLimits& limits_;
    const PoolOptions options_;
    const std::atomic<std::size_t>& sessions_starting_;
    TaskGroup& tasks_;

    mutable std::mutex mutex_;  // all below
    std::unordered_map<std::string, Endpoint> endpoints_;
    std::vector<GuestPointer> guests_;  // that have not been taken
    std::vector<Completion<void>> change_waiters_;
    PoolStatistics counts_;
    bool keeping_ = false;
    bool closed_ = false;
};

}  // namespace ac::runtime
