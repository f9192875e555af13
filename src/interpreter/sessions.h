#pragma once
// The live sessions of this process: each has a guest, whose agent it talks to through a link. A
// session ends when it is told to, when its time is over, or when its guest ends, however that came
// about; its row in the store then says TERMINATED.
// Thread-safe; guests are watched on one loop.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "async/loop.h"
#include "async/task_group.h"
#include "async/timer.h"
#include "base/random.h"
#include "interpreter/agent_link.h"
#include "interpreter/catalog.h"
#include "interpreter/guest_image.h"
#include "interpreter/network_door.h"
#include "interpreter/tool_call.h"

namespace ac::interpreter {

// A sandbox with an agent in it, of a session or still of none.
struct Guest {
    std::shared_ptr<sandbox::Monitor> monitor;
    std::shared_ptr<AgentLink> link;
    std::unique_ptr<NetworkDoor::Open> network;     // set and taken away on the loop
    std::shared_ptr<const sandbox::Template> from;  // what it was thawed from; null: it started
    std::string last_words;  // of the agent's standard error, bounded; read on the loop
    bool has_ended = false;  // guarded by Sessions
};

// Sessions that went on from one, and what of it they have.
struct SessionFork {
    std::vector<SessionView> sessions;
    // Of each language that had state: whether the new sessions have it too.
    std::map<std::string, bool> languages;
};

class Sessions final {
  public:
    // All outlive it.
    struct Parts {
        storage::Database& database;
        sandbox::Sandbox& sandbox;
        Timer& timer;
        Random& random;
        Loop& loop;
        Catalog& catalog;
        const GuestImage& image;
        const InterpreterLimits& limits;
        NetworkDoor* network = nullptr;
    };
    explicit Sessions(Parts parts);

    Task<> prepare();
    Task<SessionView> start(Scope scope, NewSession wanted);
    Task<SessionView> get(Scope scope, InterpreterId interpreter, SessionId id);
    Task<SessionView> stop(Scope scope, InterpreterId interpreter, SessionId id);
    Task<Page<SessionView>> list(Scope scope, SessionQuery query);
    // not_found: there is no such session, or it has ended; the message says which.
    Task<std::shared_ptr<AgentCall>> call(Scope scope, InterpreterId interpreter, SessionId id,
                                          ToolCall call);
    // New sessions with the files and the Python state that this one has now; it goes on. conflict:
    // it is running code, or is too large; the errors of call() and start().
    Task<SessionFork> fork(Scope scope, InterpreterId interpreter, SessionId id, std::size_t count);
    // An agent that does not answer in time has lost its session.
    void give_up(const Scope& scope, const InterpreterId& interpreter, const SessionId& id);
    // All sessions of an interpreter that was deleted.
    void end_of(const Scope& scope, const InterpreterId& interpreter);
    std::size_t count() const;
    Task<> drain();

  private:
    using GuestPointer = std::shared_ptr<Guest>;
    struct Live {
        Scope scope;
        SessionView view;
        GuestPointer guest;
        SteadyTime deadline;
    };

    using TemplatePointer = std::shared_ptr<const sandbox::Template>;
    struct Continuation;

    // Thawed from `from` where that is given (unavailable where it cannot be), else however it is
    // made fastest.
    Task<GuestPointer> take_guest(TemplatePointer from);
    Detached provide_guest(Completion<GuestPointer> done, TemplatePointer from);
    // With `from` it has said that it serves, or what there is instead is a plain one.
    Task<GuestPointer> make_guest(TemplatePointer from);
    Task<GuestPointer> start_guest(TemplatePointer from);
    Task<> connect(GuestPointer guest, NetworkMode network);
    Detached open_network(GuestPointer guest, NetworkMode network, Completion<void> done);
    Task<> provide_template();
    void template_failed(const TemplatePointer& which, const Error& why);
    Task<Continuation> write_down(GuestPointer guest);
    Task<GuestPointer> adopting_guest(const Continuation& from);
    Task<> adopt(GuestPointer guest, const Continuation& from);
    Task<SessionView> go_on(Scope scope, SessionView like, const Continuation& from);
    Result<Live> live_session(const Scope& scope, const InterpreterId& interpreter,
                              const SessionId& id) const;
    Task<AgentEvent> answer_of(std::shared_ptr<AgentCall> call);
    Detached watch(GuestPointer guest);
    Detached serve_link(GuestPointer guest, bool reads);
    Detached read_errors(GuestPointer guest, UniqueFd reading);
    Detached fill_pool();
    Detached keep_time();
    void start_clock();
    void use_again();
    Task<> wait_for_calm();
    std::size_t guests_wanted(SteadyTime now);  // mutex_ is held
    Task<> finish(std::string key);
    Result<> admit(const Scope& scope);
    void dismiss(const Scope& scope);  // what admit() has counted
    Task<SessionView> enter(Scope scope, SessionView view, Idempotency once, GuestPointer guest);

    const Parts parts_;

    mutable std::mutex mutex_;  // all below
    std::unordered_map<std::string, Live> live_;
    std::unordered_map<std::string, std::size_t> per_account_;
    std::vector<GuestPointer> guests_;  // every one that has not ended
    std::vector<GuestPointer> pool_;
    std::deque<SteadyTime> starts_;  // of late, in order, at most limits.pool_max
    SteadyTime last_made_{};         // a guest of the pool
    TemplatePointer template_;
    bool is_template_impossible_ = false;
    int template_failures_ = 0;  // one after the other
    bool filling_ = false;
    bool keeping_time_ = false;
    bool draining_ = false;

    TaskGroup tasks_;
};

}  // namespace ac::interpreter
