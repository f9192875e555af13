#pragma once
// A Timer for tests: advance() moves the clock and wakes, in order of deadline, whoever waited for
// a moment up to it. Sleepers resume on their own loops.

#include <map>
#include <mutex>

#include "async/completion.h"
#include "async/timer.h"

namespace ac {

class ManualTimer final : public Timer {
  public:
    Task<> sleep_until(SteadyTime deadline) override;
    const Clock& clock() const override { return clock_; }
    void advance(Milliseconds by);
    // How many wait now: lets a test see that a machine has armed its timer.
    std::size_t sleepers() const;

  private:
    ManualClock clock_;
    mutable std::mutex mutex_;
    std::multimap<SteadyTime, Completion<void>> sleepers_;
};

}  // namespace ac
