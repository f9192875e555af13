#include "runtime/session_machine.h"

#include "base/result.h"

namespace ac::runtime {

std::string_view to_string(SessionState state) {
    switch (state) {
        case SessionState::provisioning:
            return "provisioning";
        case SessionState::ready:
            return "ready";
        case SessionState::draining:
            return "draining";
        case SessionState::stopped:
            return "stopped";
    }
    return "stopped";
}

std::string_view to_string(StopReason reason) {
    switch (reason) {
        case StopReason::none:
            return "none";
        case StopReason::idle:
            return "it was idle";
        case StopReason::lifetime:
            return "it reached its maximum lifetime";
        case StopReason::requested:
            return "it was asked to stop";
        case StopReason::removed:
            return "its runtime or endpoint was deleted";
        case StopReason::shutdown:
            return "the server is shutting down";
        case StopReason::storage_full:
            return "its session storage holds more than it may";
        case StopReason::start_failed:
            return "it could not be started";
    }
    return "none";
}

Admission SessionMachine::admit() {
    switch (state_) {
        case SessionState::provisioning:
            return Admission::wait;
        case SessionState::ready:
            ++in_flight_;
            return Admission::admitted;
        case SessionState::draining:
        case SessionState::stopped:
            return Admission::busy;
    }
    return Admission::busy;
}

void SessionMachine::release(SteadyTime now, Activity activity) {
    AC_ASSERT(in_flight_ > 0);
    --in_flight_;
    if (activity == Activity::counts) last_active_ = now;
}

SessionAction SessionMachine::became_ready(SteadyTime now) {
    if (state_ != SessionState::provisioning) return SessionAction::none;
    state_ = SessionState::ready;
    last_active_ = now;
    next_ping_ = now;
    return SessionAction::none;
}

SessionAction SessionMachine::ask_stop(StopReason reason) {
    if (state_ == SessionState::draining || state_ == SessionState::stopped)
        return SessionAction::none;
    state_ = SessionState::draining;
    reason_ = reason;
    return SessionAction::stop_guest;
}

bool SessionMachine::guest_ended() {
    if (state_ == SessionState::stopped) return false;
    state_ = SessionState::stopped;
    return true;
}

bool SessionMachine::is_idle(SteadyTime now) const {
    return in_flight_ == 0 && now - last_active_ >= times_.idle_timeout;
}

SessionAction SessionMachine::tick(SteadyTime now) {
    if (state_ != SessionState::ready && state_ != SessionState::provisioning)
        return SessionAction::none;
    if (now - started_at_ >= times_.lifetime_max) return ask_stop(StopReason::lifetime);
    if (state_ != SessionState::ready || in_flight_ > 0 || ping_under_way_)
        return SessionAction::none;
    // A guest that was busy at the last look is asked again before its idle time is over, so that
    // the idle time counts from when it was last seen busy.
    const bool was_busy = next_ping_ > last_active_;
    if (is_idle(now) || (was_busy && now >= next_ping_)) {
        ping_under_way_ = true;
        return SessionAction::ping;
    }
    return SessionAction::none;
}

SessionAction SessionMachine::ping_answered(SteadyTime now, bool busy) {
    ping_under_way_ = false;
    if (state_ != SessionState::ready) return SessionAction::none;
    if (busy) {
        last_active_ = now;
        next_ping_ = now + times_.busy_recheck;
        return SessionAction::none;
    }
    next_ping_ = last_active_;
    // An invocation may have come meanwhile.
    return is_idle(now) ? ask_stop(StopReason::idle) : SessionAction::none;
}

}  // namespace ac::runtime
