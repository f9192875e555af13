#pragma once
// Templates of Python agents: for a version at an endpoint, a process whose imports are done
// (guest/agent_template.py), from which sessions go on instead of importing anew. Made when the
// first session of the version has come, and tried once before any session is given it; a version
// whose packages cannot be shared like that is started as ever.

#include <atomic>
#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "runtime/guest_starter.h"
#include "runtime/pool_options.h"
#include "runtime/runtime_service.h"
#include "sandbox/template.h"

namespace ac::runtime {

class AgentTemplates final {
  public:
    using TemplatePointer = std::shared_ptr<const sandbox::Template>;

    // All outlive the templates; `tasks` may be constructed later.
    AgentTemplates(sandbox::Sandbox& sandbox, GuestStarter& starter, Timer& timer,
                   const RuntimeLimits& limits, const PoolOptions& options,
                   const std::atomic<std::size_t>& sessions_starting, TaskGroup& tasks);

    // nullptr: there is none; it is being made then, where one can be. Thread-safe.
    TemplatePointer find(const SessionAddress& address, const Resolved& target);
    // One is being made: what is started now would not be of it. Thread-safe.
    bool is_making(const SessionAddress& address) const;
    // How a start from a template ended. One from which several in a row failed is given up.
    // Thread-safe.
    void note_start(const SessionAddress& address, std::int64_t version, bool worked);
    // What the resource leads to has changed or is gone. Thread-safe.
    void discard(const Scope& scope, const Resource& resource);
    void close();
    // Those that sessions can start from. Thread-safe.
    std::size_t count() const;

  private:
    struct Entry {
        SessionAddress address;  // without a session
        std::int64_t version = 0;
        TemplatePointer made;  // nullptr: being made, or it cannot be
        bool is_making = true;
        int failures = 0;  // of starts, in a row
    };
    using EntryPointer = std::shared_ptr<Entry>;

    void bound_bytes();  // mutex_ held
    Detached make(EntryPointer entry, Resolved target);
    Task<TemplatePointer> try_to_make(const Resolved& target, const SessionAddress& address);
    Task<> await_quiet();
    Task<> try_out(const SessionAddress& address, const Resolved& target, TemplatePointer made);

    sandbox::Sandbox& sandbox_;
    GuestStarter& starter_;
    Timer& timer_;
    const RuntimeLimits& limits_;
    const std::size_t most_;
    const std::uint64_t bytes_most_;
    const std::atomic<std::size_t>& sessions_starting_;
    TaskGroup& tasks_;

    mutable std::mutex mutex_;
    std::list<EntryPointer> entries_;  // the one used last is the first
    bool closed_ = false;
};

}  // namespace ac::runtime
