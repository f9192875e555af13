#include "embedded/llama_life.h"

#include <gtest/gtest.h>

namespace ac::embedded {
namespace {

constexpr LlamaTimes kTimes{.idle_timeout = Milliseconds{1000},
                            .backoff_first = Milliseconds{100},
                            .backoff_max = Milliseconds{400},
                            .stable_after = Milliseconds{5000}};
const SteadyTime kStart{};

SteadyTime at(int ms) {
    return kStart + Milliseconds{ms};
}

LlamaLife ready_life() {
    LlamaLife life(kTimes);
    EXPECT_EQ(life.demand(at(0)), LlamaDemand::start);
    life.became_ready(at(0));
    return life;
}

TEST(LlamaLife, first_demand_starts_it_and_the_others_wait) {
    LlamaLife life(kTimes);
    EXPECT_EQ(life.demand(at(0)), LlamaDemand::start);
    EXPECT_EQ(life.demand(at(0)), LlamaDemand::wait);
    life.became_ready(at(10));
    EXPECT_EQ(life.demand(at(10)), LlamaDemand::ready);
}

TEST(LlamaLife, one_that_fails_is_started_again_after_a_growing_pause) {
    LlamaLife life(kTimes);
    int now = 0;
    for (const int pause : {100, 200, 400, 400}) {
        ASSERT_EQ(life.demand(at(now)), LlamaDemand::start);
        life.ended(at(now));
        EXPECT_EQ(life.demand(at(now + pause - 1)), LlamaDemand::refused);
        EXPECT_EQ(life.retry_at(), at(now + pause));
        now += pause;
    }
    EXPECT_EQ(life.demand(at(now)), LlamaDemand::start);
}

TEST(LlamaLife, running_for_long_forgets_failures) {
    LlamaLife life = ready_life();
    life.ended(at(1));
    EXPECT_EQ(life.demand(at(200)), LlamaDemand::start);
    life.became_ready(at(200));
    life.ended(at(200 + 5000));
    EXPECT_EQ(life.failures(), 1);
    EXPECT_EQ(life.retry_at(), at(5200 + 100));
}

TEST(LlamaLife, it_is_stopped_when_idle_but_not_under_a_request) {
    LlamaLife life = ready_life();
    life.enter();
    EXPECT_FALSE(life.tick(at(9000)));
    life.leave(at(9000));
    EXPECT_FALSE(life.tick(at(9999)));
    EXPECT_TRUE(life.tick(at(10'000)));
    EXPECT_FALSE(life.tick(at(10'001)));
    EXPECT_EQ(life.demand(at(10'001)), LlamaDemand::wait);
    life.ended(at(10'002));
    EXPECT_EQ(life.demand(at(10'002)), LlamaDemand::start) << "being told to stop is no failure";
}

TEST(LlamaLife, a_stop_while_it_starts_wins_over_becoming_ready) {
    LlamaLife life(kTimes);
    ASSERT_EQ(life.demand(at(0)), LlamaDemand::start);
    EXPECT_TRUE(life.ask_stop());
    life.became_ready(at(1));
    EXPECT_EQ(life.state(), LlamaState::stopping);
    life.ended(at(2));
    EXPECT_EQ(life.state(), LlamaState::stopped);
    EXPECT_FALSE(life.ask_stop());
}

}  // namespace
}  // namespace ac::embedded
