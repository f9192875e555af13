#include "async/manual_timer.h"

#include <algorithm>
#include <vector>

namespace ac {

Task<> ManualTimer::sleep_until(SteadyTime deadline) {
    Completion<void> done;
    {
        const std::lock_guard lock(mutex_);
        if (deadline <= clock_.steady())
            done.complete({});
        else
            sleepers_.emplace(deadline, done);
    }
    return done.cancellable_result();
}

void ManualTimer::advance(Milliseconds by) {
    std::vector<Completion<void>> due;
    {
        const std::lock_guard lock(mutex_);
        clock_.advance(by);
        while (!sleepers_.empty() && sleepers_.begin()->first <= clock_.steady()) {
            due.push_back(sleepers_.begin()->second);
            sleepers_.erase(sleepers_.begin());
        }
    }
    for (const auto& sleeper : due) sleeper.complete({});
}

std::size_t ManualTimer::sleepers() const {
    const std::lock_guard lock(mutex_);
    const auto waits = [](const auto& sleeper) { return !sleeper.second.is_complete(); };
    return static_cast<std::size_t>(std::ranges::count_if(sleepers_, waits));
}

}  // namespace ac
