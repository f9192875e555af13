#pragma once
// The bounded queue between the loops that submit transactions and the threads that run them.
// Closing it lets the takers finish what is queued; nothing is dropped silently. Thread-safe.

#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

#include "storage/limits.h"

namespace ac::storage {

template <class Job>
class JobQueue final {
  public:
    explicit JobQueue(std::size_t jobs_max = kQueuedJobsMax) : jobs_max_(jobs_max) {}

    // False when full or closed; `job` is then untouched.
    bool push(Job& job) {
        {
            const std::lock_guard lock(mutex_);
            if (closed_ || jobs_.size() >= jobs_max_) return false;
            jobs_.push_back(std::move(job));
            if (jobs_.size() < wake_at_) return true;
        }
        ready_.notify_one();
        return true;
    }

    // Waits for work; empty only when the queue is closed and drained. With `expected` > 1 it waits
    // a moment (kGroupWaitMax) for that many before it takes fewer: group commit.
    std::vector<Job> take(std::size_t jobs_max, std::size_t expected = 1) {
        std::unique_lock lock(mutex_);
        ready_.wait(lock, [this] { return closed_ || !jobs_.empty(); });
        if (jobs_.size() < expected && !closed_) {
            wake_at_ = expected;
            ready_.wait_for(lock, kGroupWaitMax,
                            [&] { return closed_ || jobs_.size() >= expected; });
            wake_at_ = 0;
        }
        std::vector<Job> taken;
        while (!jobs_.empty() && taken.size() < jobs_max) {
            taken.push_back(std::move(jobs_.front()));
            jobs_.pop_front();
        }
        return taken;
    }

    void close() {
        {
            const std::lock_guard lock(mutex_);
            closed_ = true;
        }
        ready_.notify_all();
    }

  private:
    const std::size_t jobs_max_;
    std::mutex mutex_;
    std::condition_variable ready_;
    std::deque<Job> jobs_;
    std::size_t wake_at_ = 0;  // pushes below this do not wake the (single) group taker
    bool closed_ = false;
};

}  // namespace ac::storage
