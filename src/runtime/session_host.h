#pragma once
// Keeps the sessions of this process: starts each one's guest, drives its machine, ends it.
// Thread-safe; guests are driven on one loop, invocations run on their own.

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "async/loop.h"
#include "async/task_group.h"
#include "async/thread_pool.h"
#include "runtime/agent_templates.h"
#include "runtime/session.h"
#include "runtime/session_storage.h"
#include "runtime/start_turns.h"
#include "runtime/warm_pool.h"

namespace ac::runtime {

class SessionHost;

// The right to use a session's guest for one invocation. Movable; given back when destroyed.
class Lease final {
  public:
    Lease(SessionHost& host, std::shared_ptr<Session> session)
        : host_(&host), session_(std::move(session)) {}
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease();

    const Session& session() const { return *session_; }
    std::shared_ptr<sandbox::Monitor> monitor() const;
    // The caller went away: this was no activity.
    void forget() { activity_ = SessionMachine::Activity::does_not_count; }
    // Why the session has ended; nullopt while it has not.
    std::optional<Error> end_error() const;

  private:
    SessionHost* host_;
    std::shared_ptr<Session> session_;
    SessionMachine::Activity activity_ = SessionMachine::Activity::counts;
};

class SessionHost final {
  public:
    struct Options {
        std::filesystem::path folder;
        std::string public_url;
        PlatformDoor* platform = nullptr;  // nullptr: guests reach nothing
        PlatformDoor* egress = nullptr;
        PoolOptions pool = {};
    };
    bool is_live(const SessionAddress& address) const;
    const SessionStorage& storage() const { return storage_; }
    // Before the first session.
    void set_public_url(std::string url) { starter_.set_public_url(std::move(url)); }

    // All outlive the host.
    SessionHost(Catalog& catalog, sandbox::Sandbox& sandbox, Timer& timer, Random& random,
                ThreadPool& pool, Loop& loop, const RuntimeLimits& limits, Options options);

    // A ready session, started when there is none. An empty session id gets a new one.
    Task<Lease> enter(SessionAddress address);
    Task<> stop(SessionAddress address);
    // Does not wait. Empty endpoint: every session of the runtime.
    void end(const Scope& scope, const Resource& resource, StopReason reason);
    // What the resource leads to has changed: guests that wait for its sessions are stale.
    void discard_waiting(const Scope& scope, const Resource& resource) {
        warm_.discard(scope, resource);
        templates_.discard(scope, resource);
    }
    // Until no session of the runtime is left, and no guest that waits for one.
    Task<> wait_gone(Scope scope, RuntimeId id);
    Task<std::vector<SessionView>> list(Scope scope, RuntimeId id);
    std::size_t count() const;
    PoolStatistics pool_statistics() const {
        PoolStatistics statistics = warm_.statistics();
        statistics.templates = templates_.count();
        return statistics;
    }
    // Ends all; those that do not end before the deadline are killed.
    Task<> drain(SteadyTime deadline);

  private:
    friend class Lease;
    using SessionPointer = std::shared_ptr<Session>;

    struct Found {
        SessionPointer session;
        Admission admission = Admission::busy;
        std::optional<Completion<void>> ready;
    };
    std::optional<Found> find(const std::string& key);
    Task<> create(const SessionAddress& address, const Caller& caller, const std::string& key);
    Result<> insert(const SessionAddress& address, const std::string& key, Resolved target);

    Task<> wait_all_gone();
    Detached provision(SessionPointer session);
    Task<> start_guest(SessionPointer session);
    Task<bool> adopt_waiting(SessionPointer session);
    Task<> start_new_guest(SessionPointer session, AgentTemplates::TemplatePointer from);
    bool ended_by_itself(const Session& session) const;
    Result<> begin(const SessionPointer& session, Guest guest);
    Result<> open_doors(Session& session, DoorListeners listeners);
    void prune_old_logs(const SessionAddress& address);
    std::filesystem::path log_folder_of(const SessionAddress& address) const;
    Task<> open_storage(SessionPointer session, sandbox::Policy& policy);
    Detached measure(SessionPointer session);
    Task<> wait_listening(SessionPointer session, StartTurns::Turn turn);
    // Until watch() has told the end of a session that is starting; a second at most.
    Detached await_end(SessionPointer session);
    Detached watch(SessionPointer session);
    Detached ping(SessionPointer session);
    Detached keep_time();

    void release(Session& session, SessionMachine::Activity activity);
    void stop_guest(const SessionPointer& session);
    void finish(const SessionPointer& session, Error why);
    Error end_error_of(const Session& session, const sandbox::Outcome& outcome) const;

    Catalog& catalog_;
    Timer& timer_;
    Random& random_;
    ThreadPool& pool_;
    const RuntimeLimits& limits_;
    const std::filesystem::path folder_;
    const SessionStorage storage_;
    GuestStarter starter_;
    StartTurns turns_;
    std::atomic<std::size_t> starting_{0};  // sessions, without a waiting guest
    AgentTemplates templates_;
    WarmPool warm_;

    mutable std::mutex mutex_;  // all below, and the guarded part of each session
    std::unordered_map<std::string, SessionPointer> sessions_;
    std::unordered_map<std::string, std::size_t> per_account_;
    std::uint64_t ends_ = 0;  // how often something was ended: a resolution before is stale
    bool keeping_time_ = false;
    bool draining_ = false;

    TaskGroup tasks_;
};

}  // namespace ac::runtime
