#include "search/aside.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

namespace ac::search {
namespace {

TEST(Aside, who_needs_the_work_does_it_when_nobody_has_begun) {
    std::vector<std::function<void()>> posted;
    const Post never = [&](std::function<void()> work) { posted.push_back(std::move(work)); };
    int done = 0;
    {
        Aside aside(never, [&] { ++done; });
        EXPECT_EQ(done, 0);
        aside.finish();
        EXPECT_EQ(done, 1);
    }
    posted.front()();  // too late: what the work refers to may be gone
    EXPECT_EQ(done, 1);
}

TEST(Aside, nobody_needs_it_and_nobody_has_begun) {
    std::function<void()> posted;
    int done = 0;
    {
        const Aside aside([&](auto work) { posted = std::move(work); }, [&] { ++done; });
    }
    posted();
    EXPECT_EQ(done, 0);
}

TEST(Aside, another_thread_does_it_and_is_waited_for) {
    std::vector<std::jthread> threads;
    const Post elsewhere = [&](std::function<void()> work) { threads.emplace_back(work); };
    std::atomic<int> done = 0;
    for (int i = 0; i < 200; ++i) {
        Aside aside(elsewhere, [&] { ++done; });
        if (i % 2 == 0) aside.finish();
        if (i % 2 == 0) EXPECT_GE(done, i / 2 + 1);
    }
    EXPECT_LE(done, 200);
}

TEST(Aside, what_the_work_throws_reaches_who_needs_it) {
    Aside aside({}, [] { throw std::runtime_error("no"); });
    EXPECT_THROW(aside.finish(), std::runtime_error);
}

}  // namespace
}  // namespace ac::search
