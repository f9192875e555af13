#include "wire/sts_front.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "access/testing/access_fixture.h"

namespace ac::wire {
namespace {

using access::testing::kAccount;
using ::testing::HasSubstr;

class StsFront : public access::testing::AccessFixture {
  protected:
    net::Response ask(std::string_view form) {
        const QueryCall call{.request_id = "r-1",
                             .scope = {kAccount, "us-west-2"},
                             .principal = access::root_principal(kAccount),
                             .facts = {.now = clock_.wall()},
                             .access_key_id = root_.id};
        return answer_sts(*service_, form, call);
    }
};

TEST_F(StsFront, tells_the_caller_who_it_is) {
    const auto response = ask("Action=GetCallerIdentity&Version=2011-06-15");
    EXPECT_EQ(response.status, 200);
    EXPECT_THAT(response.body, HasSubstr("<Account>111122223333</Account>"));
    EXPECT_THAT(response.body, HasSubstr("<Arn>arn:aws:iam::111122223333:root</Arn>"));
}

TEST_F(StsFront, refuses_other_actions_by_name_and_escapes_them) {
    const auto response = ask("Action=Assume%3CRole");
    EXPECT_EQ(response.status, 400);
    EXPECT_THAT(response.body, HasSubstr("Assume&lt;Role is not implemented"));
    EXPECT_EQ(ask("").status, 400);
    EXPECT_THAT(ask("Action=a&Action=b").body, HasSubstr("MalformedQueryString"));
}

TEST_F(StsFront, assumes_roles) {
    make_role("worker", R"({"Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},
                            "Action":"sts:AssumeRole"}})");
    const auto response =
        ask("Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole"
            "%2Fworker&RoleSessionName=s1&DurationSeconds=900");
    EXPECT_EQ(response.status, 200) << response.body;
    EXPECT_THAT(response.body, HasSubstr("<Expiration>2026-01-01T00:15:00Z</Expiration>"));
    EXPECT_THAT(response.body, HasSubstr(":assumed-role/worker/s1</Arn>"));
    const auto denied =
        ask("Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole"
            "%2Fnone&RoleSessionName=s1");
    EXPECT_EQ(denied.status, 403);
    EXPECT_THAT(denied.body, HasSubstr("<Code>AccessDenied</Code>"));
    EXPECT_THAT(ask("Action=AssumeRole").body, HasSubstr("ValidationError"));
}

}  // namespace
}  // namespace ac::wire
