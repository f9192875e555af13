#include <gtest/gtest.h>

#include <boost/asio/steady_timer.hpp>

#include "async/manual_timer.h"
#include "async/run.h"
#include "async/signal.h"
#include "async/task_group.h"
#include "async/thread_pool.h"

namespace ac {
namespace {

Task<int> doubled(ThreadPool& pool, int value) {
    auto work = [value]() -> Result<int> { return value * 2; };
    AC_CO_TRY(const int twice, co_await pool.run(work));
    co_return twice;
}

TEST(thread_pool, a_task_awaits_work_on_another_thread) {
    Loop loop;
    ThreadPool pool(2);
    EXPECT_EQ(run_on(loop, doubled(pool, 21)).value(), 42);
}

TEST(thread_pool, an_error_of_the_work_reaches_the_task) {
    Loop loop;
    ThreadPool pool(1);
    auto work = []() -> Result<int> { return fail(ErrorCode::not_found, "no such thing"); };
    const auto result = run_on(loop, pool.run(work));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::not_found);
}

Detached note_signal(Signal& signal, int& told, int& cancelled) {
    const Result<> ended = co_await signal.wait();
    ++(ended ? told : cancelled);
}

TEST(signal, wakes_all_that_wait_and_those_that_come_later) {
    Loop loop;
    Signal signal;
    TaskGroup group(loop.executor());
    TaskGroup leavers(loop.executor());
    int told = 0;
    int cancelled = 0;
    group.spawn("one", note_signal(signal, told, cancelled));
    group.spawn("two", note_signal(signal, told, cancelled));
    leavers.spawn("leaver", note_signal(signal, told, cancelled));
    leavers.cancel();
    ASSERT_TRUE(run_on(loop, leavers.join()));
    EXPECT_EQ(cancelled, 1);
    EXPECT_EQ(told, 0);
    signal.raise();
    ASSERT_TRUE(run_on(loop, group.join()));
    EXPECT_EQ(told, 2);
    EXPECT_TRUE(run_on(loop, signal.wait()));
}

Detached note_after(Timer& timer, Milliseconds delay, bool& done) {
    done = (co_await sleep_for(timer, delay)).has_value();
}

Task<> join(TaskGroup& group) {
    co_return co_await group.join();
}

TEST(task_group, join_waits_for_every_task) {
    Loop loop;
    ManualTimer timer;
    TaskGroup group(loop.executor());
    bool first = false;
    bool second = false;
    group.spawn("first", note_after(timer, Milliseconds{10}, first));
    group.spawn("second", note_after(timer, Milliseconds{20}, second));
    asio::post(loop.executor(), [&] { timer.advance(Milliseconds{15}); });
    asio::post(loop.executor(),
               [&] { asio::post(loop.executor(), [&] { timer.advance(Milliseconds{15}); }); });
    EXPECT_TRUE(run_on(loop, join(group)));
    EXPECT_TRUE(first);
    EXPECT_TRUE(second);
}

TEST(task_group, cancel_ends_a_sleeping_task) {
    Loop loop;
    const SystemClock clock;
    AsioTimer timer(clock);
    TaskGroup group(loop.executor());
    bool slept = true;
    group.spawn("sleeper", note_after(timer, std::chrono::hours{1}, slept));
    group.cancel();
    EXPECT_TRUE(run_on(loop, join(group)));
    EXPECT_FALSE(slept);
}

// A task that ignores the first cancelled sleep must still not be able to sleep again.
Detached sleep_twice(Timer& timer, int& ended) {
    for (int i = 0; i < 2; ++i)
        if (!(co_await sleep_for(timer, std::chrono::hours{1}))) ++ended;
}

TEST(task_group, cancel_ends_every_later_sleep_too) {
    Loop loop;
    const SystemClock clock;
    AsioTimer real(clock);
    ManualTimer manual;
    TaskGroup group(loop.executor());
    int ended = 0;
    group.spawn("real", sleep_twice(real, ended));
    group.spawn("manual", sleep_twice(manual, ended));
    group.cancel();
    EXPECT_TRUE(run_on(loop, join(group)));
    EXPECT_EQ(ended, 4);
}

}  // namespace
}  // namespace ac
