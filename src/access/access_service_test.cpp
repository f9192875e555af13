#include "access/access_service.h"

#include <atomic>
#include <thread>

#include "access/testing/access_fixture.h"

namespace ac::access {
namespace {

using testing::kAccount;

constexpr const char* kReadBucket = R"({"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}]})";
constexpr const char* kAll = R"({"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}})";
constexpr const char* kDenyDelete =
    R"({"Statement":{"Effect":"Deny","Action":"s3:Delete*","Resource":"*"}})";
constexpr const char* kTrustAccount =
    R"({"Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},
        "Action":["sts:AssumeRole","sts:TagSession"]}})";
constexpr const char* kTrustPlatform =
    R"({"Statement":{"Effect":"Allow","Principal":{"Service":"bedrock-agentcore.amazonaws.com"},
        "Action":"sts:AssumeRole"}})";

std::string reason_of(const auto& result) {
    return result ? "" : result.error().reason;
}

class Access : public testing::AccessFixture {};

TEST_F(Access, the_root_key_may_all_and_a_new_user_nothing) {
    const auto root = service_->find(root_.id, "", clock_.wall());
    ASSERT_TRUE(root);
    EXPECT_EQ(root->principal.arn, "arn:aws:iam::111122223333:root");
    EXPECT_TRUE(may(root->principal, "iam:CreateUser", "arn:aws:iam::111122223333:user/x"));
    EXPECT_FALSE(may(root->principal, "s3:GetObject", "arn:aws:x:r:999999999999:b/k"))
        << "another account's";
    make_user("alice");
    const Principal alice = principal_of("alice");
    EXPECT_EQ(alice.arn, "arn:aws:iam::111122223333:user/alice");
    EXPECT_FALSE(may(alice, "s3:GetObject", "arn:aws:s3:::b/k"));
}

TEST_F(Access, inline_attached_and_group_policies_count_and_a_deny_wins) {
    make_user("alice", kReadBucket);
    const Principal alice = principal_of("alice");
    EXPECT_TRUE(may(alice, "s3:GetObject", "arn:aws:s3:::b/k"));
    EXPECT_FALSE(may(alice, "s3:DeleteObject", "arn:aws:s3:::b/k"));
    Entity policy{.kind = EntityKind::policy, .account = kAccount, .name = "all"};
    policy.versions.push_back({.document = kAll});
    const Entity all = make(policy);
    ASSERT_TRUE(run(service_->change(kAccount, EntityKind::user, "ALICE", [&](Entity& user) {
        user.attached.insert(all.arn());
        return Result<>();
    })));
    EXPECT_TRUE(may(alice, "s3:DeleteObject", "arn:aws:s3:::b/k"));
    Entity group{.kind = EntityKind::group, .account = kAccount, .name = "Careful"};
    group.inline_policies["no"] = kDenyDelete;
    make(group);
    ASSERT_TRUE(run(service_->change(kAccount, EntityKind::user, "alice", [&](Entity& user) {
        user.groups.insert("careful");
        return Result<>();
    })));
    EXPECT_FALSE(may(alice, "s3:DeleteObject", "arn:aws:s3:::b/k"));
    EXPECT_EQ(reason_of(run(service_->remove(kAccount, EntityKind::policy, "all"))),
              "DeleteConflict");
    EXPECT_EQ(reason_of(run(service_->remove(kAccount, EntityKind::group, "careful"))),
              "DeleteConflict");
    EXPECT_EQ(reason_of(run(service_->remove(kAccount, EntityKind::user, "alice"))),
              "DeleteConflict");
}

TEST_F(Access, a_boundary_limits_what_policies_allow) {
    Entity policy{.kind = EntityKind::policy, .account = kAccount, .name = "edge"};
    policy.versions.push_back({.document = kReadBucket});
    const Entity edge = make(policy);
    Entity user{.kind = EntityKind::user, .account = kAccount, .name = "bob"};
    user.inline_policies["all"] = kAll;
    user.boundary = edge.arn();
    make(user);
    const Principal bob = principal_of("bob");
    EXPECT_TRUE(may(bob, "s3:GetObject", "arn:aws:s3:::b/k"));
    EXPECT_FALSE(may(bob, "s3:PutObject", "arn:aws:s3:::b/k"));
}

TEST_F(Access, managed_policies_of_aws_are_known_or_grant_nothing) {
    make_user("carol");
    const auto attach = [&](const char* arn) {
        return run(service_->change(kAccount, EntityKind::user, "carol", [arn](Entity& user) {
            user.attached.insert(arn);
            return Result<>();
        }));
    };
    ASSERT_TRUE(attach("arn:aws:iam::aws:policy/service-role/SomethingNobodyKnowsHere"));
    ASSERT_TRUE(attach("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"));
    const Principal carol = principal_of("carol");
    EXPECT_TRUE(may(carol, "s3:GetObject", "arn:aws:s3:::b/k"));
    EXPECT_FALSE(may(carol, "s3:PutObject", "arn:aws:s3:::b/k"));
    EXPECT_EQ(reason_of(attach("arn:aws:iam::111122223333:policy/none")), "NoSuchEntity");
    EXPECT_EQ(reason_of(attach("arn:aws:iam::999999999999:policy/none")), "InvalidInput");
}

TEST_F(Access, keys_stop_at_once_and_at_most_two_exist) {
    make_user("alice");
    const auto first = run(service_->create_key(kAccount, "alice"));
    const auto second = run(service_->create_key(kAccount, "Alice"));
    ASSERT_TRUE(first && second);
    EXPECT_EQ(reason_of(run(service_->create_key(kAccount, "alice"))), "LimitExceeded");
    EXPECT_EQ(reason_of(run(service_->create_key(kAccount, "nobody"))), "NoSuchEntity");
    const std::string id = first->view.id;
    ASSERT_TRUE(run(service_->set_key_active(kAccount, "alice", id, false)));
    EXPECT_EQ(reason_of(service_->find(id, "", clock_.wall())), "UnrecognizedClientException");
    ASSERT_TRUE(run(service_->set_key_active(kAccount, "alice", id, true)));
    const auto again = service_->find(id, "", clock_.wall());
    ASSERT_TRUE(again);
    EXPECT_EQ(again->secret->view(), first->secret->view());
    EXPECT_EQ(reason_of(run(service_->delete_key(kAccount, "bob", id))), "NoSuchEntity");
    ASSERT_TRUE(run(service_->delete_key(kAccount, "alice", id)));
    EXPECT_FALSE(service_->find(id, "", clock_.wall()));
    EXPECT_EQ(service_->keys_of(kAccount, "alice").size(), 1U);
}

TEST_F(Access, uses_of_keys_are_kept) {
    make_user("alice");
    const auto key = run(service_->create_key(kAccount, "alice"));
    const auto found = service_->find(key->view.id, "", clock_.wall());
    EXPECT_FALSE(*run(service_->last_use(key->view.id)));
    service_->note_use(*found, "s3", "us-west-2", clock_.wall());
    ASSERT_TRUE(run(service_->write_uses()));
    const auto use = run(service_->last_use(key->view.id));
    ASSERT_TRUE(use && *use);
    EXPECT_EQ((*use)->service, "s3");
}

TEST_F(Access, another_daemon_and_the_next_start_see_the_same) {
    auto other = make_service(UnknownRole::refused);
    make_user("alice", kReadBucket);
    const auto key = run(service_->create_key(kAccount, "alice"));
    EXPECT_FALSE(other->find(key->view.id, "", clock_.wall()));
    ASSERT_TRUE(run(other->refresh()));
    const auto found = other->find(key->view.id, "", clock_.wall());
    ASSERT_TRUE(found);
    EXPECT_EQ(found->secret->view(), key->secret->view());
    const auto token = service_->session_token(found->principal, Seconds{0});
    ASSERT_TRUE(token);
    EXPECT_TRUE(other->find(token->key_id, token->token, clock_.wall()));
    ASSERT_TRUE(run(service_->delete_key(kAccount, "alice", key->view.id)));
    ASSERT_TRUE(run(other->refresh()));
    EXPECT_FALSE(other->find(key->view.id, "", clock_.wall()));
    auto next = make_service(UnknownRole::refused);
    EXPECT_TRUE(next->directory().now()->find(kAccount, EntityKind::user, "alice"));
}

TEST_F(Access, keys_and_sessions_outlive_the_key_that_they_were_sealed_with) {
    make_user("alice", kReadBucket);
    const auto key = run(service_->create_key(kAccount, "alice"));
    const auto found = service_->find(key->view.id, "", clock_.wall());
    const auto session = service_->session_token(found->principal, Seconds{0});
    box_.rotate();
    auto damage = [](storage::Transaction& tx) {
        return tx.execute(
            "INSERT INTO access_keys (id, account, user_folded, status, secret, "
            "created_at, changed) VALUES ('AKIADAMAGED', '1', '', 'Active', $1, 0, 0)",
            {storage::Blob{"rubbish"}});
    };
    ASSERT_TRUE(run(database_->write(damage)));
    EXPECT_EQ(run(service_->rewrap()), 2);  // the key's secret and the key of session tokens
    EXPECT_EQ(run(service_->rewrap()), 0);
    box_.forget_old_keys();
    auto next = make_service(UnknownRole::refused);
    const auto after = next->find(key->view.id, "", clock_.wall());
    ASSERT_TRUE(after);
    EXPECT_EQ(after->secret->view(), key->secret->view());
    EXPECT_TRUE(next->find(session->key_id, session->token, clock_.wall()));
}

TEST_F(Access, a_role_is_assumed_by_whom_it_trusts) {
    const Entity role = make_role("worker", kTrustAccount, kReadBucket);
    make_user("alice");
    make_user("bob", R"({"Statement":{"Effect":"Allow","Action":"sts:AssumeRole",
                         "Resource":"arn:aws:iam::111122223333:role/worker"}})");
    const Principal alice = principal_of("alice");
    const Principal bob = principal_of("bob");
    const RequestFacts facts{.now = clock_.wall()};
    const RoleRequest request{.role_arn = role.arn(), .session_name = "s1"};
    EXPECT_EQ(reason_of(service_->assume_role(alice, facts, request)), "AccessDenied");
    const auto assumed = service_->assume_role(bob, facts, request);
    ASSERT_TRUE(assumed) << assumed.error().message;
    EXPECT_TRUE(assumed->key_id.starts_with("ASIA"));
    EXPECT_EQ(assumed->principal.arn, "arn:aws:sts::111122223333:assumed-role/worker/s1");
    EXPECT_EQ(assumed->principal.user_id, role.id + ":s1");
    const auto key = service_->find(assumed->key_id, assumed->token, clock_.wall());
    ASSERT_TRUE(key);
    EXPECT_EQ(key->secret->view(), assumed->secret->view());
    EXPECT_TRUE(may(key->principal, "s3:GetObject", "arn:aws:s3:::b/k"));
    EXPECT_FALSE(may(key->principal, "s3:PutObject", "arn:aws:s3:::b/k"));
    EXPECT_EQ(reason_of(service_->assume_role(
                  bob, facts, {.role_arn = role.arn() + "x", .session_name = "s1"})),
              "AccessDenied")
        << "and not that there is no such role";
}

TEST_F(Access, a_session_ends_and_its_token_cannot_be_changed_or_swapped) {
    const Entity role = make_role("worker", kTrustAccount);
    const RequestFacts facts{.now = clock_.wall()};
    const auto root = service_->find(root_.id, "", clock_.wall());
    const RoleRequest request{
        .role_arn = role.arn(), .session_name = "s1", .duration = Seconds{900}};
    const auto one = service_->assume_role(root->principal, facts, request);
    const auto two = service_->assume_role(root->principal, facts, request);
    ASSERT_TRUE(one && two);
    EXPECT_EQ(reason_of(service_->find(one->key_id, two->token, clock_.wall())),
              "UnrecognizedClientException");
    EXPECT_EQ(reason_of(service_->find(one->key_id, "", clock_.wall())),
              "UnrecognizedClientException");
    std::string changed = one->token;
    changed[changed.size() / 2] = changed[changed.size() / 2] == 'A' ? 'B' : 'A';
    EXPECT_EQ(reason_of(service_->find(one->key_id, changed, clock_.wall())),
              "UnrecognizedClientException");
    EXPECT_EQ(reason_of(service_->find(root_.id, one->token, clock_.wall())),
              "UnrecognizedClientException");
    clock_.advance(Seconds{899});
    EXPECT_TRUE(service_->find(one->key_id, one->token, clock_.wall()));
    clock_.advance(Seconds{1});
    EXPECT_EQ(reason_of(service_->find(one->key_id, one->token, clock_.wall())),
              "ExpiredTokenException");
}

TEST_F(Access, conditions_of_a_trust_policy_see_the_request) {
    const Entity role = make_role("partner", R"({"Version":"2012-10-17","Statement":{
        "Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole","Condition":{
        "StringEquals":{"sts:ExternalId":"shared-secret"},
        "StringLike":{"sts:RoleSessionName":"job-*"}}}})");
    make_user("alice");
    const Principal alice = principal_of("alice");
    const RequestFacts facts{.now = clock_.wall()};
    RoleRequest request{.role_arn = role.arn(), .session_name = "job-1"};
    EXPECT_EQ(reason_of(service_->assume_role(alice, facts, request)), "AccessDenied");
    request.external_id = "shared-secret";
    EXPECT_TRUE(service_->assume_role(alice, facts, request));
    request.session_name = "other";
    EXPECT_EQ(reason_of(service_->assume_role(alice, facts, request)), "AccessDenied");
    request.session_name = "job-1";
    request.tags["team"] = "x";
    EXPECT_EQ(reason_of(service_->assume_role(alice, facts, request)), "AccessDenied")
        << "sts:TagSession is not allowed";
}

TEST_F(Access, session_policies_only_take_away) {
    const Entity role = make_role("worker", kTrustAccount, kReadBucket);
    const auto root = service_->find(root_.id, "", clock_.wall());
    RoleRequest request{.role_arn = role.arn(), .session_name = "s1"};
    request.policy = R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow",
        "Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::b/mine/*"}]})";
    const auto limited = service_->assume_role(root->principal, {.now = clock_.wall()}, request);
    ASSERT_TRUE(limited);
    const auto key = service_->find(limited->key_id, limited->token, clock_.wall());
    ASSERT_TRUE(key);
    EXPECT_TRUE(may(key->principal, "s3:GetObject", "arn:aws:s3:::b/mine/k"));
    EXPECT_FALSE(may(key->principal, "s3:GetObject", "arn:aws:s3:::b/k"));
    EXPECT_FALSE(may(key->principal, "s3:PutObject", "arn:aws:s3:::b/mine/k"));
}

TEST_F(Access, wrong_requests_for_a_role_are_named) {
    const Entity role = make_role("worker", kTrustAccount);
    const auto root = service_->find(root_.id, "", clock_.wall());
    const auto ask = [&](RoleRequest request) {
        request.role_arn = role.arn();
        return reason_of(service_->assume_role(root->principal, {.now = clock_.wall()}, request));
    };
    EXPECT_EQ(ask({.session_name = "a"}), "ValidationError");
    EXPECT_EQ(ask({.session_name = "a b"}), "ValidationError");
    EXPECT_EQ(ask({.session_name = "ab", .duration = Seconds{899}}), "ValidationError");
    EXPECT_EQ(ask({.session_name = "ab", .duration = Seconds{3601}}), "ValidationError");
    EXPECT_EQ(ask({.session_name = "ab", .policy = "{"}), "MalformedPolicyDocument");
    EXPECT_EQ(ask({.session_name = "ab", .policy = std::string(3000, ' ')}),
              "PackedPolicyTooLarge");
}

TEST_F(Access, a_deleted_role_is_not_the_one_made_anew) {
    const Entity role = make_role("worker", kTrustAccount, kReadBucket);
    const auto root = service_->find(root_.id, "", clock_.wall());
    const auto old = service_->assume_role(root->principal, {.now = clock_.wall()},
                                           {.role_arn = role.arn(), .session_name = "s1"});
    ASSERT_TRUE(run(service_->change(kAccount, EntityKind::role, "worker", [](Entity& entity) {
        entity.inline_policies.clear();
        return Result<>();
    })));
    ASSERT_TRUE(run(service_->remove(kAccount, EntityKind::role, "worker")));
    EXPECT_FALSE(may(old->principal, "s3:GetObject", "arn:aws:s3:::b/k"));
    make_role("worker", kTrustAccount, kReadBucket);
    EXPECT_FALSE(may(old->principal, "s3:GetObject", "arn:aws:s3:::b/k"));
}

TEST_F(Access, resource_policies_grant_deny_and_cross_accounts) {
    const std::string arn = "arn:aws:bedrock-agentcore:us-west-2:111122223333:runtime/agent-1";
    make_user("alice");
    const Principal alice = principal_of("alice");
    constexpr const char* action = "bedrock-agentcore:InvokeAgentRuntime";
    EXPECT_FALSE(may(alice, action, arn));
    ASSERT_TRUE(run(service_->set_resource_policy(arn, R"({"Statement":[
        {"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111122223333:user/alice",
            "444455556666"]},"Action":"bedrock-agentcore:InvokeAgentRuntime","Resource":"*"},
        {"Effect":"Deny","Principal":{"AWS":"111122223333"},
         "Action":"bedrock-agentcore:DeleteAgentRuntime","Resource":"*"}]})")));
    EXPECT_TRUE(may(alice, action, arn));
    EXPECT_TRUE(may(alice, action, arn + "/runtime-endpoint/DEFAULT"));
    EXPECT_FALSE(may(alice, action, arn + "2"));
    const Principal root = root_principal(kAccount);
    EXPECT_FALSE(may(root, "bedrock-agentcore:DeleteAgentRuntime", arn));
    EXPECT_TRUE(may(root, "bedrock-agentcore:DeleteResourcePolicy", arn)) << "the way back";
    const Principal other = root_principal("444455556666");
    EXPECT_TRUE(may(other, action, arn));
    EXPECT_FALSE(may(other, "bedrock-agentcore:GetAgentRuntime", arn));
    EXPECT_FALSE(may(root_principal("777788889999"), action, arn));
    ASSERT_TRUE(run(service_->set_resource_policy(arn, "")));
    EXPECT_FALSE(may(other, action, arn));
    EXPECT_EQ(reason_of(run(service_->set_resource_policy(arn, "{}"))), "MalformedPolicyDocument");
}

TEST_F(Access, a_runtime_has_what_its_role_has) {
    make_role("agent", kTrustPlatform, kReadBucket);
    make_role("human", kTrustAccount, kAll);
    const auto as = [&](const std::string& role) {
        return service_->runtime_principal(kAccount, "arn:aws:iam::111122223333:role/" + role,
                                           "arn:aws:bedrock-agentcore:us-west-2:1:runtime/x",
                                           "session 1");
    };
    EXPECT_EQ(as("agent").arn, "arn:aws:sts::111122223333:assumed-role/agent/session-1");
    EXPECT_TRUE(may(as("agent"), "s3:GetObject", "arn:aws:s3:::b/k"));
    EXPECT_FALSE(may(as("agent"), "bedrock:InvokeModel", "arn:aws:bedrock:r::foundation-model/m"));
    EXPECT_FALSE(may(as("human"), "s3:GetObject", "arn:aws:s3:::b/k"))
        << "the platform is not trusted with it";
}

TEST_F(Access, a_runtime_without_a_known_role_has_the_development_policy_or_nothing) {
    const auto as = [](AccessService& service) {
        return service.runtime_principal(kAccount, "arn:aws:iam::111122223333:role/unknown", "",
                                         "s1");
    };
    const Principal guest = as(*service_);
    const std::string memory = "arn:aws:bedrock-agentcore:us-west-2:111122223333:memory/m";
    EXPECT_TRUE(may(guest, "bedrock:InvokeModel", "arn:aws:bedrock:r::foundation-model/m"));
    EXPECT_TRUE(may(guest, "bedrock-agentcore:CreateEvent", memory));
    EXPECT_FALSE(may(guest, "bedrock-agentcore:DeleteMemory", memory));
    EXPECT_FALSE(may(guest, "bedrock-agentcore:CreateEvent",
                     "arn:aws:bedrock-agentcore:us-west-2:444455556666:memory/m"));
    EXPECT_FALSE(may(guest, "iam:ListUsers", "*"));
    EXPECT_FALSE(may(guest, "sts:AssumeRole", "arn:aws:iam::111122223333:role/x"));
    auto strict = make_service(UnknownRole::refused);
    EXPECT_FALSE(may(as(*strict), "bedrock:InvokeModel", "arn:aws:bedrock:r::foundation-model/m"));
}

TEST_F(Access, what_is_awss_is_everybodys) {
    const Principal root = root_principal(kAccount);
    EXPECT_TRUE(may(root, "bedrock-agentcore:StartBrowserSession",
                    "arn:aws:bedrock-agentcore:us-west-2:aws:browser/aws.browser.v1"));
    EXPECT_TRUE(may(root, "iam:GetPolicy", "arn:aws:iam::aws:policy/AdministratorAccess"));
}

// Readers on threads of their own while identities come and go: what they see is whole.
TEST_F(Access, decisions_go_on_while_identities_change) {
    make_user("steady", kReadBucket);
    const Principal steady = principal_of("steady");
    std::atomic<bool> done{false};
    std::atomic<int> wrong{0};
    std::vector<std::thread> readers;
    for (int i = 0; i < 3; ++i)
        readers.emplace_back([&] {
            while (!done) {
                if (!may(steady, "s3:GetObject", "arn:aws:s3:::b/k")) ++wrong;
                if (may(steady, "s3:PutObject", "arn:aws:s3:::b/k")) ++wrong;
            }
        });
    for (int i = 0; i < 20; ++i) {
        make_user("passing", kAll);
        const auto key = run(service_->create_key(kAccount, "passing"));
        ASSERT_TRUE(run(service_->delete_key(kAccount, "passing", key->view.id)));
        ASSERT_TRUE(run(service_->change(kAccount, EntityKind::user, "passing", [](Entity& user) {
            user.inline_policies.clear();
            return Result<>();
        })));
        ASSERT_TRUE(run(service_->remove(kAccount, EntityKind::user, "passing")));
    }
    done = true;
    for (std::thread& reader : readers) reader.join();
    EXPECT_EQ(wrong, 0);
}

TEST_F(Access, denials_are_in_aws_words) {
    make_user("alice");
    const Principal alice = principal_of("alice");
    const RequestContext context;
    const auto denied = service_->authorizer().authorize({.principal = alice,
                                                          .action = "s3:GetObject",
                                                          .resource = "arn:aws:s3:::b/k",
                                                          .context = context});
    ASSERT_FALSE(denied);
    EXPECT_EQ(denied.error().message,
              "User: arn:aws:iam::111122223333:user/alice is not authorized to perform: "
              "s3:GetObject on resource: arn:aws:s3:::b/k because no identity-based policy allows "
              "the s3:GetObject action");
}

}  // namespace
}  // namespace ac::access
