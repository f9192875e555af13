#include "access/decision_cache.h"

#include "access/limits.h"
#include "access/testing/access_fixture.h"

namespace ac::access {
namespace {

using testing::kAccount;

constexpr const char* kThing = "arn:aws:bedrock-agentcore:us-west-2:111122223333:runtime/x";
constexpr const char* kInvoke = "bedrock-agentcore:InvokeAgentRuntime";
constexpr const char* kMayInvoke =
    R"({"Statement":{"Effect":"Allow","Action":"bedrock-agentcore:Invoke*","Resource":"*"}})";
constexpr const char* kNotNow = R"({"Statement":[
    {"Effect":"Allow","Action":"bedrock-agentcore:Invoke*","Resource":"*"},
    {"Effect":"Deny","Action":"*","Resource":"*",
     "Condition":{"DateGreaterThan":{"aws:CurrentTime":"2100-01-01T00:00:00Z"}}}]})";
constexpr const char* kUnlessTold = R"({"Statement":[
    {"Effect":"Allow","Action":"bedrock-agentcore:Invoke*","Resource":"*"},
    {"Effect":"Deny","Action":"*","Resource":"*",
     "Condition":{"StringEquals":{"bedrock-agentcore:qualifier":"prod"}}}]})";
constexpr const char* kOwn = R"({"Version":"2012-10-17","Statement":{"Effect":"Allow",
    "Action":"bedrock-agentcore:Invoke*",
    "Resource":"arn:aws:bedrock-agentcore:*:${aws:PrincipalAccount}:*"}})";
constexpr const char* kTrustAll =
    R"({"Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},
        "Action":"sts:AssumeRole"}})";
constexpr const char* kDenyAll = R"({"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}})";

class Known : public testing::AccessFixture {
  protected:
    bool authorize(const Principal& principal, const char* resource = kThing) {
        const auto& authorizer = service_->authorizer();
        const auto context = authorizer.context_of(principal, {.now = clock_.wall()});
        return authorizer
            .authorize({.principal = principal,
                        .action = kInvoke,
                        .resource = resource,
                        .context = context})
            .has_value();
    }
    bool is_known(const Principal& principal, const char* resource = kThing) {
        return service_->authorizer().is_known_to_be_allowed(principal, kInvoke, resource);
    }
    void change(EntityKind kind, const std::string& name, const AccessService::Edit& edit) {
        ASSERT_TRUE(run(service_->change(kAccount, kind, name, edit)));
    }
};

TEST_F(Known, what_was_allowed_and_only_that) {
    make_user("alice", kMayInvoke);
    make_user("bob");
    const Principal alice = principal_of("alice");
    const Principal bob = principal_of("bob");
    EXPECT_FALSE(is_known(alice));
    EXPECT_TRUE(authorize(alice));
    EXPECT_TRUE(is_known(alice));
    EXPECT_FALSE(is_known(alice, "arn:aws:bedrock-agentcore:us-west-2:111122223333:runtime/y"));
    EXPECT_FALSE(service_->authorizer().is_known_to_be_allowed(alice, "s3:GetObject", kThing));
    EXPECT_FALSE(authorize(bob));
    EXPECT_FALSE(is_known(bob));
}

TEST_F(Known, a_decision_by_keys_of_the_caller_is_kept) {
    make_user("alice", kOwn);
    const Principal alice = principal_of("alice");
    EXPECT_TRUE(authorize(alice));
    EXPECT_TRUE(is_known(alice));
}

TEST_F(Known, a_decision_that_looked_at_the_request_is_not_kept) {
    make_user("alice", kNotNow);
    const Principal alice = principal_of("alice");
    EXPECT_TRUE(authorize(alice));
    EXPECT_FALSE(is_known(alice)) << "the time was looked at";
    make_user("bob", kUnlessTold);
    const Principal bob = principal_of("bob");
    EXPECT_TRUE(authorize(bob));
    EXPECT_FALSE(is_known(bob)) << "a key was looked for that this request did not have";
}

TEST_F(Known, tags_of_the_user_are_not_relied_on) {
    make_user("alice", R"({"Statement":{"Effect":"Allow","Action":"*","Resource":"*",
        "Condition":{"StringEquals":{"aws:PrincipalTag/team":"blue"}}}})");
    change(EntityKind::user, "alice", [](Entity& user) {
        user.tags["team"] = "blue";
        return Result<>();
    });
    const Principal alice = principal_of("alice");
    EXPECT_TRUE(authorize(alice));
    EXPECT_FALSE(is_known(alice));
}

TEST_F(Known, nothing_is_known_any_more_once_anything_has_changed) {
    make_user("alice", kMayInvoke);
    const Principal alice = principal_of("alice");
    const auto known_again = [&] { return authorize(alice) && is_known(alice); };
    ASSERT_TRUE(known_again());
    make_user("somebody");
    EXPECT_FALSE(is_known(alice)) << "whatever it was";
    ASSERT_TRUE(known_again());
    ASSERT_TRUE(run(service_->set_resource_policy(
        kThing, R"({"Statement":{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}})")));
    EXPECT_FALSE(is_known(alice));
    EXPECT_FALSE(authorize(alice));
    ASSERT_TRUE(run(service_->set_resource_policy(kThing, "")));
    ASSERT_TRUE(known_again());
    change(EntityKind::user, "alice", [](Entity& user) {
        user.inline_policies.clear();
        return Result<>();
    });
    EXPECT_FALSE(is_known(alice));
    EXPECT_FALSE(authorize(alice));
    EXPECT_FALSE(is_known(alice));
}

TEST_F(Known, a_policy_that_is_detached_from_a_role_is_missed_by_its_sessions_at_once) {
    Entity policy{.kind = EntityKind::policy, .account = kAccount, .name = "invoke"};
    policy.versions.push_back({.document = kMayInvoke});
    const std::string arn = make(policy).arn();
    make_role("r", kTrustAll);
    const auto attach = [&](Entity& role) {
        role.attached.insert(arn);
        return Result<>();
    };
    change(EntityKind::role, "r", attach);
    const auto session = service_->assume_role(
        root_principal(kAccount), {.now = clock_.wall()},
        {.role_arn = "arn:aws:iam::111122223333:role/r", .session_name = "s1"});
    ASSERT_TRUE(session);
    ASSERT_TRUE(authorize(session->principal));
    ASSERT_TRUE(is_known(session->principal));
    change(EntityKind::role, "r", [&](Entity& role) {
        role.attached.erase(arn);
        return Result<>();
    });
    EXPECT_FALSE(is_known(session->principal));
    EXPECT_FALSE(authorize(session->principal));
}

TEST_F(Known, sessions_of_one_role_with_other_policies_are_others) {
    make_role("r", kTrustAll, kMayInvoke);
    RoleRequest request{.role_arn = "arn:aws:iam::111122223333:role/r", .session_name = "s1"};
    const RequestFacts facts{.now = clock_.wall()};
    const auto wide = service_->assume_role(root_principal(kAccount), facts, request);
    request.policy = kDenyAll;
    const auto narrow = service_->assume_role(root_principal(kAccount), facts, request);
    ASSERT_TRUE(wide && narrow);
    ASSERT_TRUE(authorize(wide->principal));
    EXPECT_TRUE(is_known(wide->principal));
    EXPECT_FALSE(is_known(narrow->principal));
    EXPECT_FALSE(authorize(narrow->principal));
}

TEST(decision_cache, is_bounded) {
    const auto snapshot = std::make_shared<const Snapshot>();
    const Principal root = root_principal("111122223333");
    DecisionCache cache;
    for (std::size_t i = 0; i <= kKnownDecisionsMax; ++i)
        cache.allowed(snapshot, root, "a:B", std::to_string(i));
    EXPECT_FALSE(cache.allows(snapshot, root, "a:B", "0")) << "all were dropped";
    EXPECT_TRUE(cache.allows(snapshot, root, "a:B", std::to_string(kKnownDecisionsMax)));
}

TEST(decision_cache, parts_do_not_run_into_each_other) {
    const auto snapshot = std::make_shared<const Snapshot>();
    const Principal root = root_principal("111122223333");
    DecisionCache cache;
    cache.allowed(snapshot, root, "a:B", "cd");
    EXPECT_FALSE(cache.allows(snapshot, root, "a:Bc", "d"));
}

}  // namespace
}  // namespace ac::access
