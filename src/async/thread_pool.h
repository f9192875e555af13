#pragma once
// Work that would block a loop for more than a millisecond (hashing a large body, unpacking an
// archive, a synchronous library) runs here.

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "async/completion.h"
#include "async/task.h"

namespace ac {

class ThreadPool final {
  public:
    explicit ThreadPool(std::size_t threads);
    // Runs what is queued, then joins.
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    // Thread-safe; never blocks.
    void post(std::move_only_function<void()> work);

    // Runs `work` (a callable that returns Result<T>) and resumes the caller on its own loop.
    // `work` is destroyed on the pool's thread.
    template <class F, class T = typename std::invoke_result_t<F&>::value_type>
    Task<T> run(F work) {
        Completion<T> done;
        post([done, work = std::move(work)]() mutable { done.complete(work()); });
        return done.result();
    }

  private:
    void loop();

    std::mutex mutex_;
    std::condition_variable ready_;
    std::deque<std::move_only_function<void()>> queue_;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace ac
