#pragma once
// The live sessions of this process: each has a guest, whose agent it talks to through a link. A
// session ends when it is told to, when its time is over, or when its guest ends, however that came
// about; its row in the store then says TERMINATED.
// Thread-safe; guests are watched on one loop.

#include <functional>
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
    std::unique_ptr<NetworkDoor::Open> network;  // set and taken away on the loop
    std::string last_words;  // of the agent's standard error, bounded; read on the loop
    bool has_ended = false;  // guarded by Sessions
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

    Task<GuestPointer> take_guest();
    Detached provide_guest(Completion<GuestPointer> done);
    Task<> connect(GuestPointer guest, NetworkMode network);
    Detached open_network(GuestPointer guest, NetworkMode network, Completion<void> done);
    Task<GuestPointer> make_guest(GuestImage::Preparation preparation);
    Detached watch(GuestPointer guest);
    Detached serve_link(GuestPointer guest, bool reads);
    Detached read_errors(GuestPointer guest, UniqueFd reading);
    Detached fill_pool();
    Detached keep_time();
    void start_clock();
    void use_again();
    Task<> finish(std::string key);
    Result<> admit(const Scope& scope);
    Task<SessionView> enter(Scope scope, SessionView view, Idempotency once, GuestPointer guest);

    const Parts parts_;

    mutable std::mutex mutex_;  // all below
    std::unordered_map<std::string, Live> live_;
    std::unordered_map<std::string, std::size_t> per_account_;
    std::vector<GuestPointer> guests_;  // every one that has not ended
    std::vector<GuestPointer> pool_;
    SteadyTime last_start_{};
    bool filling_ = false;
    bool keeping_time_ = false;
    bool draining_ = false;

    TaskGroup tasks_;
};

}  // namespace ac::interpreter
