#pragma once
// Waiting as a value passed in. AsioTimer waits for real; ManualTimer (async/manual_timer.h) wakes
// its sleepers when a test advances the clock.

#include "async/task.h"
#include "base/clock.h"

namespace ac {

// Thread-safe.
class Timer {
  public:
    virtual ~Timer() = default;
    // Ends at `deadline`; cancelled when the awaiting coroutine is cancelled.
    virtual Task<> sleep_until(SteadyTime deadline) = 0;
    virtual const Clock& clock() const = 0;
};

class AsioTimer final : public Timer {
  public:
    explicit AsioTimer(const Clock& clock) : clock_(clock) {}
    Task<> sleep_until(SteadyTime deadline) override;
    const Clock& clock() const override { return clock_; }

  private:
    const Clock& clock_;
};

Task<> sleep_for(Timer& timer, Milliseconds duration);

}  // namespace ac
