#include "runtime/kept_token.h"

#include <gtest/gtest.h>

namespace ac::runtime {
namespace {

constexpr Seconds kLife{3600};

class KeptTokenTest : public ::testing::Test {
  protected:
    void keep(const Caller& caller, std::string text) {
        kept_.keep(caller, {.text = std::move(text), .expires_at = now_ + kLife}, now_);
    }
    std::string found(const Caller& caller) {
        const auto text = kept_.find(caller, now_);
        return text ? *text : "";
    }

    WallTime now_ = from_epoch_ms(1'700'000'000'000);
    KeptToken kept_;
};

TEST_F(KeptTokenTest, is_handed_out_to_the_same_caller_again) {
    const Caller nobody;
    EXPECT_EQ(found(nobody), "");
    keep(nobody, "one");
    EXPECT_EQ(found(nobody), "one");
    now_ += Seconds{60};
    EXPECT_EQ(found(nobody), "one");
}

TEST_F(KeptTokenTest, is_for_whom_it_was_made_only) {
    keep({.user_id = "alice"}, "of alice");
    EXPECT_EQ(found({.user_id = "alice"}), "of alice");
    EXPECT_EQ(found({.user_id = "bob"}), "");
    EXPECT_EQ(found({}), "");
    keep({.proof = Caller::Proof::token, .user_token = "jwt 1"}, "of jwt 1");
    EXPECT_EQ(found({.proof = Caller::Proof::token, .user_token = "jwt 1"}), "of jwt 1");
    EXPECT_EQ(found({.proof = Caller::Proof::token, .user_token = "jwt 2"}), "");
    EXPECT_EQ(found({.user_id = "alice"}), "") << "one is kept, the last";
}

TEST_F(KeptTokenTest, is_made_anew_while_most_of_its_life_is_left) {
    keep({}, "one");
    now_ += kLife / 4 - Seconds{1};
    EXPECT_EQ(found({}), "one");
    now_ += Seconds{1};
    EXPECT_EQ(found({}), "");
}

TEST_F(KeptTokenTest, is_not_trusted_by_a_clock_that_was_set_back) {
    keep({}, "one");
    now_ -= Seconds{1};
    EXPECT_EQ(found({}), "");
}

}  // namespace
}  // namespace ac::runtime
