#include "runtime/pool_demand.h"

#include <gtest/gtest.h>

namespace ac::runtime {
namespace {

constexpr SteadyTime kStart{Seconds{1000}};

TEST(pool_demand, nothing_waits_before_a_session_was_started) {
    EXPECT_EQ(PoolDemand(Seconds{300}, 4).wanted(kStart), 0u);
}

TEST(pool_demand, each_start_asks_for_one_more_up_to_the_most) {
    PoolDemand demand(Seconds{300}, 4);
    for (std::size_t i = 1; i <= 10; ++i) {
        demand.started(kStart);
        EXPECT_EQ(demand.wanted(kStart), std::min<std::size_t>(i, 4));
    }
}

TEST(pool_demand, the_last_goes_after_the_idle_time) {
    PoolDemand demand(Seconds{300}, 4);
    demand.started(kStart);
    EXPECT_EQ(demand.wanted(kStart + Seconds{299}), 1u);
    EXPECT_EQ(demand.wanted(kStart + Seconds{301}), 0u);
}

TEST(pool_demand, many_shrink_to_few_before_they_go) {
    PoolDemand demand(Seconds{300}, 8);
    for (int i = 0; i < 100; ++i) demand.started(kStart);
    std::size_t last = 8;
    for (int second = 0; second < 1000; ++second) {
        const std::size_t now = demand.wanted(kStart + Seconds{second});
        EXPECT_LE(now, last);
        EXPECT_GE(now + 1, last);
        last = now;
    }
    EXPECT_EQ(last, 0u);
}

TEST(pool_demand, as_many_as_came_within_a_second_wait_for_the_next_burst) {
    PoolDemand demand(Seconds{300}, 4, 100);
    for (int i = 0; i < 50; ++i) demand.started(kStart + Milliseconds{10 * i});
    EXPECT_EQ(demand.wanted(kStart + Seconds{1}), 50u);
    for (int i = 0; i < 250; ++i) demand.started(kStart + Seconds{100});
    EXPECT_EQ(demand.wanted(kStart + Seconds{399}), 100u);
    EXPECT_EQ(demand.wanted(kStart + Seconds{400}), 1u);
}

TEST(pool_demand, a_smaller_burst_does_not_prolong_a_greater_one) {
    PoolDemand demand(Seconds{300}, 4, 100);
    for (int i = 0; i < 50; ++i) demand.started(kStart);
    for (int i = 0; i < 10; ++i) demand.started(kStart + Seconds{200});
    EXPECT_EQ(demand.wanted(kStart + Seconds{299}), 50u);
    EXPECT_LE(demand.wanted(kStart + Seconds{301}), 4u);
}

TEST(pool_demand, sessions_one_after_the_other_are_no_burst) {
    PoolDemand demand(Seconds{300}, 4, 100);
    for (int i = 0; i < 50; ++i) demand.started(kStart + Seconds{2 * i});
    EXPECT_LE(demand.wanted(kStart + Seconds{100}), 4u);
}

TEST(pool_demand, none_at_most_is_none) {
    PoolDemand demand(Seconds{300}, 0);
    demand.started(kStart);
    EXPECT_EQ(demand.wanted(kStart), 0u);
}

}  // namespace
}  // namespace ac::runtime
