#pragma once
// Short-term memory: events of sessions of actors, append only, newest first. An event is answered
// once it is durable. Those from which records are made leave an extraction job in the same
// transaction, so that no crash loses one.

#include <functional>

#include "memory/context.h"

namespace ac::memory {

class Events final {
  public:
    struct Listener {
        std::function<void()> on_job;      // an event, or content, left an extraction job
        std::function<void()> on_restart;  // a failed job of any kind is to be tried again
    };
    Events(Context& context, Listener listener)
        : context_(context), listener_(std::move(listener)) {}

    // The event of the same token when it was there already. invalid_argument: other parameters
    // under a token (IdempotentParameterMismatchException), an unknown branch without a root, a
    // root that is not an event of the session (EventInOtherSession). quota_exceeded: the session
    // is full.
    Task<Event> create(Scope scope, NewEvent wanted);
    Task<Event> get(Scope scope, Address address, EventId id);
    Task<Page<Event>> list(Scope scope, EventQuery query);
    Task<> remove(Scope scope, Address address, EventId id);
    Task<Page<SessionSummary>> sessions(Scope scope, MemoryId memory, ActorId actor,
                                        bool with_events, PageRequest page);
    Task<Page<ActorId>> actors(Scope scope, MemoryId memory, PageRequest page);

    // Records without an event. Answers the session, a new one when `address` has none.
    Task<SessionId> ingest(Scope scope, NewEvent content);

    // Failed extraction jobs, and another try for one (not_found).
    struct JobFilter {
        std::string strategy, session, actor;  // empty: any
    };
    Task<Page<FailedJob>> failed_jobs(Scope scope, MemoryId memory, JobFilter filter,
                                      PageRequest page);
    // Leaves a job for every event that records are made from; answers the events' ids.
    Task<std::vector<EventId>> extract_again(Scope scope, MemoryId memory);
    Task<> restart_job(Scope scope, MemoryId memory, std::string id);

  private:
    Context& context_;
    Listener listener_;
};

}  // namespace ac::memory
