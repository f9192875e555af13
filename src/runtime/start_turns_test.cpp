#include "runtime/start_turns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "async/loop.h"
#include "async/task_group.h"

namespace ac::runtime {
namespace {

using ::testing::ElementsAre;

class start_turns : public testing::Test {
  protected:
    void TearDown() override {
        for (held_.clear(), settle(); !held_.empty(); settle()) held_.clear();
    }
    Detached take(int who) {
        auto turn = co_await turns_.take();
        EXPECT_TRUE(turn);
        came_.push_back(who);
        held_.push_back(std::make_unique<StartTurns::Turn>(*std::move(turn)));
    }
    void ask(int who) {
        group_.spawn("turn", take(who));
        settle();
    }
    void settle() {
        while (loop_.context().poll() > 0) {
        }
    }

    StartTurns turns_{2};
    std::vector<int> came_;
    std::vector<std::unique_ptr<StartTurns::Turn>> held_;
    Loop loop_;
    TaskGroup group_{loop_.executor()};
};

TEST_F(start_turns, as_many_as_may_and_then_in_order) {
    for (int who = 1; who <= 4; ++who) ask(who);
    EXPECT_THAT(came_, ElementsAre(1, 2));
    held_[1].reset();
    settle();
    EXPECT_THAT(came_, ElementsAre(1, 2, 3));
    held_[0]->end();
    settle();
    EXPECT_THAT(came_, ElementsAre(1, 2, 3, 4));
}

TEST_F(start_turns, a_turn_is_given_back_once) {
    ask(1);
    held_[0]->end();
    held_[0]->end();
    held_[0].reset();
    ask(2);
    ask(3);
    ask(4);
    EXPECT_THAT(came_, ElementsAre(1, 2, 3));
}

}  // namespace
}  // namespace ac::runtime
