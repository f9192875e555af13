#include "models/gate.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "async/manual_timer.h"
#include "async/run.h"
#include "models/retry.h"

namespace ac::models {
namespace {

const Error kAway{.code = ErrorCode::unavailable};
const Error kGarbage{.code = ErrorCode::guest_failed};
const Error kWrong{.code = ErrorCode::invalid_argument};

TEST(breaker, opens_after_failures_in_a_row_and_lets_one_try) {
    Breaker breaker(2, Seconds{10});
    SteadyTime now{};
    breaker.failed(now);
    breaker.succeeded();
    breaker.failed(now);
    EXPECT_TRUE(breaker.may_call(now));
    breaker.failed(now);
    EXPECT_FALSE(breaker.may_call(now));
    EXPECT_TRUE(breaker.is_open(now));
    now += Seconds{10};
    EXPECT_TRUE(breaker.may_call(now));
    EXPECT_FALSE(breaker.may_call(now));  // one is enough
    breaker.failed(now);
    EXPECT_FALSE(breaker.may_call(now));
    now += Seconds{10};
    EXPECT_TRUE(breaker.may_call(now));
    breaker.began();
    EXPECT_TRUE(breaker.may_call(now));
    breaker.failed(now);
    EXPECT_FALSE(breaker.may_call(now));
    now += Seconds{10};
    EXPECT_TRUE(breaker.may_call(now));
    breaker.abandoned();
    EXPECT_TRUE(breaker.may_call(now));
    breaker.succeeded();
    EXPECT_TRUE(breaker.may_call(now));
    EXPECT_TRUE(breaker.may_call(now));
}

TEST(retry_plan, tries_again_what_passes_then_falls_back) {
    SeededRandom random(1);
    RetryPlan plan(2, random);
    const RetryStep first = plan.failed(kAway, 2);
    EXPECT_EQ(first.kind, RetryStep::Kind::again);
    EXPECT_GE(first.pause, Milliseconds{100});
    EXPECT_LE(first.pause, Milliseconds{200});
    EXPECT_EQ(plan.failed(kAway, 2).kind, RetryStep::Kind::next_target);
    EXPECT_EQ(plan.target(), 1U);
    EXPECT_EQ(plan.failed(kGarbage, 5).kind, RetryStep::Kind::give_up);
}

TEST(retry_plan, gives_up_at_once_where_the_caller_is_wrong) {
    SeededRandom random(1);
    RetryPlan plan(2, random);
    EXPECT_EQ(plan.failed(kWrong, 5).kind, RetryStep::Kind::give_up);
}

TEST(retry_plan, a_closed_gate_leads_to_the_next_target) {
    SeededRandom random(1);
    RetryPlan plan(2, random);
    EXPECT_EQ(plan.refused().kind, RetryStep::Kind::next_target);
    EXPECT_EQ(plan.refused().kind, RetryStep::Kind::give_up);
}

class gate : public ::testing::Test {
  protected:
    // Keeps what it got in `passes_`.
    Detached enter_and_keep() {
        auto pass = co_await gate_.enter();
        if (pass)
            passes_.push_back(*std::move(pass));
        else
            errors_.push_back(pass.error());
    }
    void ask() { asio::co_spawn(loop_.executor(), enter_and_keep(), asio::detached); }
    void settle() {
        loop_.context().restart();
        while (loop_.context().poll() > 0) {
        }
    }

    Loop loop_;
    ManualTimer timer_;
    ProviderGate gate_{
        "p",
        {.concurrency_max = 1, .queue_max = 1, .queue_timeout = Seconds{5}, .breaker_failures = 1},
        timer_};
    std::vector<ProviderGate::Pass> passes_;
    std::vector<Error> errors_;
};

TEST_F(gate, lets_so_many_in_queues_so_many_and_refuses_the_rest) {
    for (int i = 0; i < 3; ++i) ask();
    settle();
    EXPECT_EQ(passes_.size(), 1U);
    EXPECT_EQ(gate_.waiting(), 1U);
    ASSERT_EQ(errors_.size(), 1U);
    EXPECT_EQ(errors_[0].code, ErrorCode::throttled);
    passes_.clear();  // gives its place to the one that waits
    settle();
    EXPECT_EQ(passes_.size(), 1U);
    EXPECT_EQ(gate_.calls(), 1U);
    passes_.clear();
    EXPECT_EQ(gate_.calls(), 0U);
}

TEST_F(gate, a_wait_ends) {
    for (int i = 0; i < 2; ++i) ask();
    settle();
    timer_.advance(Seconds{5});
    settle();
    ASSERT_EQ(errors_.size(), 1U);
    EXPECT_EQ(errors_[0].code, ErrorCode::throttled);
    EXPECT_EQ(gate_.waiting(), 0U);
    passes_.clear();
    EXPECT_EQ(gate_.calls(), 0U);
}

TEST_F(gate, is_closed_while_the_breaker_is_open) {
    gate_.report_failure();
    ask();
    settle();
    ASSERT_EQ(errors_.size(), 1U);
    EXPECT_EQ(errors_[0].code, ErrorCode::unavailable);
    timer_.advance(Seconds{10});
    ask();
    settle();
    EXPECT_EQ(passes_.size(), 1U);
}

}  // namespace
}  // namespace ac::models
