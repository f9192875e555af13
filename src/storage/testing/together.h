#pragma once
// For tests and benchmarks: many copies of a coroutine at once on one loop.

#include <functional>

#include "async/run.h"
#include "async/task_group.h"

namespace ac::storage::testing {

inline Task<> join(TaskGroup& group) {
    co_return co_await group.join();
}

// `client(i)` for i in [0, count), all at once; returns when all have ended.
inline void run_together(Loop& loop, int count, const std::function<Detached(int)>& client) {
    TaskGroup group(loop.executor());
    for (int i = 0; i < count; ++i) group.spawn("client", client(i));
    (void)run_on(loop, join(group));
}

}  // namespace ac::storage::testing
