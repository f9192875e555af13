#include "oci/user.h"

#include <gtest/gtest.h>

namespace ac::oci {
namespace {

constexpr std::string_view kPasswd =
    "root:x:0:0:root:/root:/bin/sh\n\nbroken\nagent:x:1001:100:An agent:/home/agent:/bin/sh\n"
    "odd:x:abc:1::/:\nhuge:x:4294967295:0::/:\n";
constexpr std::string_view kGroup = "root:x:0:\nstaff:x:50:agent\n";

TEST(user, names_and_numbers_are_resolved_as_the_specification_has_them) {
    EXPECT_EQ(find_user("", kPasswd, kGroup).value(), (User{.uid = 0, .gid = 0}));
    EXPECT_EQ(find_user("agent", kPasswd, kGroup).value(), (User{.uid = 1001, .gid = 100}));
    EXPECT_EQ(find_user("1001", kPasswd, kGroup).value(), (User{.uid = 1001, .gid = 100}));
    EXPECT_EQ(find_user("7777", kPasswd, kGroup).value(), (User{.uid = 7777, .gid = 0}));
    EXPECT_EQ(find_user("agent:staff", kPasswd, kGroup).value(), (User{.uid = 1001, .gid = 50}));
    EXPECT_EQ(find_user("5:6", "", "").value(), (User{.uid = 5, .gid = 6}));
    EXPECT_EQ(find_user("agent:6", kPasswd, "").value(), (User{.uid = 1001, .gid = 6}));
}

TEST(user, what_is_not_there_or_out_of_range_is_refused) {
    for (const std::string_view bad : {"nobody", "odd", "huge", "agent:nogroup", "4294967295",
                                       "99999999999999", "-1", "2147483648", ":", "broken"})
        EXPECT_FALSE(find_user(bad, kPasswd, kGroup)) << bad;
}

}  // namespace
}  // namespace ac::oci
