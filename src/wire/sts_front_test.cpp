#include "wire/sts_front.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ac::wire {
namespace {

using testing::HasSubstr;

const access::Principal kRoot{.account = "000000000000", .arn = "arn:aws:iam::000000000000:root"};

TEST(sts_front, tells_the_caller_who_it_is) {
    const auto response =
        answer_sts("Action=GetCallerIdentity&Version=2011-06-15", kRoot, "AKIAX", "r-1");
    EXPECT_EQ(response.status, 200);
    EXPECT_THAT(response.body, HasSubstr("<Account>000000000000</Account>"));
    EXPECT_THAT(response.body, HasSubstr("<Arn>arn:aws:iam::000000000000:root</Arn>"));
}

TEST(sts_front, refuses_other_actions_by_name_and_escapes_them) {
    const auto response = answer_sts("Action=Assume%3CRole", kRoot, "AKIAX", "r-1");
    EXPECT_EQ(response.status, 400);
    EXPECT_THAT(response.body, HasSubstr("Assume&lt;Role is not implemented"));
    EXPECT_EQ(answer_sts("", kRoot, "AKIAX", "r-1").status, 400);
}

}  // namespace
}  // namespace ac::wire
