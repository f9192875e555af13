#pragma once
// Something that happens once and that many wait for, such as the beginning of a shutdown.
// Thread-safe.

#include <list>
#include <mutex>

#include "async/completion.h"

namespace ac {

class Signal final {
  public:
    // Once and for all; later calls do nothing.
    void raise() {
        const std::lock_guard lock(mutex_);
        raised_ = true;
        for (const auto& waiter : waiters_) waiter.complete({});
        waiters_.clear();
    }
    bool raised() const {
        const std::lock_guard lock(mutex_);
        return raised_;
    }
    // Ends when it is raised; cancelled when the waiting task is. The signal outlives the wait.
    Task<> wait() {
        std::list<Completion<void>> own(1);
        const auto place = own.begin();
        const Completion<void> waiter = *place;
        {
            const std::lock_guard lock(mutex_);
            if (raised_) co_return Result<>{};
            waiters_.splice(waiters_.end(), own);
        }
        Result<> ended = co_await waiter.cancellable_result();
        const std::lock_guard lock(mutex_);
        if (!raised_) waiters_.erase(place);
        co_return ended;
    }

  private:
    mutable std::mutex mutex_;
    std::list<Completion<void>> waiters_;
    bool raised_ = false;
};

}  // namespace ac
