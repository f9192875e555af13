#pragma once
// A Loop is one thread that runs one io_context; Loops is the fixed set of them a daemon has.
// Connections are dealt out to loops and stay there. State that several loops touch is guarded by
// a mutex that is never held over a co_await.

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <thread>
#include <vector>

#include "async/task.h"

namespace ac {

class Loop final {
  public:
    Loop();
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    Executor executor() { return context_.get_executor(); }
    asio::io_context& context() { return context_; }

    // Runs on the calling thread until stop().
    void run();
    void start_thread();
    // Thread-safe. What has not run yet is destroyed with the Loop.
    void stop();

  private:
    asio::io_context context_;
    asio::executor_work_guard<Executor> work_;
    std::thread thread_;
};

class Loops final {
  public:
    // The first loop is run by the caller of run(), the others by threads of their own.
    explicit Loops(std::size_t count);
    std::size_t size() const { return loops_.size(); }
    Loop& main() { return *loops_.front(); }
    Loop& at(std::size_t index) { return *loops_[index]; }
    // Round robin. Thread-safe.
    Loop& next() { return *loops_[next_++ % loops_.size()]; }
    void run();
    void stop();

  private:
    std::vector<std::unique_ptr<Loop>> loops_;
    std::atomic<std::size_t> next_{0};
};

}  // namespace ac
