#pragma once
// A circuit breaker: after so many failures one after another a provider is left alone for a while,
// so that callers get an answer at once instead of a timeout each; then one call tries, and its end
// decides. Sans-I/O; not thread-safe (ProviderGate guards it).

#include "base/clock.h"

namespace ac::models {

class Breaker final {
  public:
    Breaker(int failures_max, Milliseconds pause) : failures_max_(failures_max), pause_(pause) {}

    // Whether a call may go out now; the one that is let out while it is open must be reported.
    bool may_call(SteadyTime now) {
        if (failures_ < failures_max_) return true;
        if (is_trying_ || now < open_until_) return false;
        is_trying_ = true;
        return true;
    }
    // The call that tried has begun to be answered: others may call again, and one more failure
    // ends that.
    void began() {
        if (!is_trying_) return;
        is_trying_ = false;
        failures_ = failures_max_ - 1;
    }
    void succeeded() {
        failures_ = 0;
        is_trying_ = false;
    }
    void failed(SteadyTime now) {
        is_trying_ = false;
        if (failures_ < failures_max_) ++failures_;
        if (failures_ == failures_max_) open_until_ = now + pause_;
    }
    // The call ended without telling anything about the provider (its caller went away).
    void abandoned() { is_trying_ = false; }
    bool is_open(SteadyTime now) const { return failures_ >= failures_max_ && now < open_until_; }

  private:
    const int failures_max_;
    const Milliseconds pause_;
    int failures_ = 0;
    bool is_trying_ = false;
    SteadyTime open_until_{};
};

}  // namespace ac::models
