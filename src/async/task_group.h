#pragma once
// TaskGroup owns background coroutines of one Loop: no work is detached. Make it the last member,
// so that it is destroyed first. cancel() asks them to stop: the wait they are in (Timer, socket)
// ends with ErrorCode::cancelled, and so does every later sleep; a task that sees it returns. Waits
// for the store or the pool are not cut short. join() waits until all have ended.

#include <boost/asio/cancellation_signal.hpp>
#include <list>
#include <memory>
#include <string>

#include "async/completion.h"
#include "async/task.h"

namespace ac {

class TaskGroup final {
  public:
    explicit TaskGroup(Executor executor);
    // Asserts that nothing runs any more, unless the loop has been stopped.
    ~TaskGroup();
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;

    // Thread-safe. An exception out of `work` is a bug: it is logged with `name`.
    void spawn(std::string name, Detached work);

    // Thread-safe; the tasks are cancelled on the group's loop.
    void cancel();
    // Ends when the group is empty. One waiter at a time.
    Task<> join();
    std::size_t size() const;

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace ac
