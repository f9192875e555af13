#pragma once
// The life of one session, without any I/O: what happens is told to it, what is to be done comes
// back. A driver (session_host) does it and tells the result.
//
//   provisioning --ready--> ready --(idle, too old, asked)--> draining --guest ended--> stopped
//        '------------- start failed, guest ended, asked ------^------------------------^
//
// Invariant: a session becomes stopped exactly once, and only when its guest is gone.

#include <cstddef>
#include <string_view>

#include "base/clock.h"

namespace ac::runtime {

enum class SessionState { provisioning, ready, draining, stopped };
std::string_view to_string(SessionState state);

struct SessionTimes {
    Milliseconds idle_timeout{900'000};
    Milliseconds lifetime_max{28'800'000};
    Milliseconds busy_recheck{60'000};
};

// Why a session is ended by the platform.
enum class StopReason {
    none,
    idle,
    lifetime,
    requested,
    removed,
    shutdown,
    storage_full,
    start_failed
};
std::string_view to_string(StopReason reason);

// What the driver has to do.
enum class SessionAction { none, ping, stop_guest };

// Whether an operation may go on now.
enum class Admission { admitted, wait, busy };

class SessionMachine final {
  public:
    SessionMachine(SessionTimes times, SteadyTime now)
        : times_(times), started_at_(now), last_active_(now) {}

    // An invocation wants in: `wait` until it is ready (or ended), `busy` while it ends.
    Admission admit();
    // An admitted invocation is over. One whose caller went away does not count as activity.
    enum class Activity { counts, does_not_count };
    void release(SteadyTime now, Activity activity);

    // The guest listens.
    SessionAction became_ready(SteadyTime now);
    SessionAction ask_stop(StopReason reason);
    // The guest is gone; or there never was one. True the first time.
    bool guest_ended();
    // Time has passed.
    SessionAction tick(SteadyTime now);
    // The answer to a ping; a guest that does not answer is not busy.
    SessionAction ping_answered(SteadyTime now, bool busy);

    // Ready, and no invocation was under way for so long.
    bool is_calm(SteadyTime now, Milliseconds calm) const {
        return state_ == SessionState::ready && in_flight_ == 0 && now - last_active_ >= calm;
    }

    SessionState state() const { return state_; }
    StopReason stop_reason() const { return reason_; }
    std::size_t in_flight() const { return in_flight_; }
    SteadyTime started_at() const { return started_at_; }
    SteadyTime last_active() const { return last_active_; }

  private:
    bool is_idle(SteadyTime now) const;

    SessionTimes times_;
    SessionState state_ = SessionState::provisioning;
    StopReason reason_ = StopReason::none;
    SteadyTime started_at_;
    SteadyTime last_active_;
    SteadyTime next_ping_;  // while the guest says HealthyBusy
    std::size_t in_flight_ = 0;
    bool ping_under_way_ = false;
};

}  // namespace ac::runtime
