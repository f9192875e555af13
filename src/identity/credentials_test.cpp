#include "identity/testing/service_fixture.h"

namespace ac::identity {
namespace {

using Keys = testing::ServiceFixture;

TEST_F(Keys, are_given_to_who_shows_a_workloads_token) {
    add_workload("agent");
    ASSERT_TRUE(add_key("github", "ghp_0123456789"));
    EXPECT_EQ(get_key(token_for("agent", "kim"), "github"), "ghp_0123456789");
}

TEST_F(Keys, are_not_found_under_other_names) {
    add_workload("agent");
    const auto key = get_key(token_for("agent", "kim"), "gitlab");
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().code, ErrorCode::not_found);
}

TEST_F(Keys, change_with_their_provider) {
    add_workload("agent");
    ASSERT_TRUE(add_key("github", "old"));
    const std::string token = token_for("agent", "kim");
    EXPECT_EQ(get_key(token, "github"), "old");
    NewProvider changed{
        .kind = ProviderKind::api_key, .name = "github", .secret = SecretBytes("new")};
    ASSERT_TRUE(await(service_->providers().update(caller_, std::move(changed))));
    EXPECT_EQ(get_key(token, "github"), "new");
    ASSERT_TRUE(await(service_->providers().remove(caller_, ProviderKind::api_key, "github")));
    EXPECT_FALSE(get_key(token, "github"));
}

TEST_F(Keys, have_a_bound_each_and_together) {
    limits_.credentials_max = 2;
    open();
    const auto large = add_key("large", std::string(limits_.credential_bytes_max + 1, 'x'));
    ASSERT_FALSE(large);
    EXPECT_EQ(large.error().code, ErrorCode::invalid_argument);
    ASSERT_TRUE(add_key("one", std::string(limits_.credential_bytes_max, 'x')));
    ASSERT_TRUE(add_key("two", "x"));
    const auto third = add_key("three", "x");
    ASSERT_FALSE(third);
    EXPECT_EQ(third.error().code, ErrorCode::quota_exceeded);
    const auto again = add_key("two", "x");
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, ErrorCode::conflict);
}

TEST_F(Keys, end_at_the_time_of_their_tag_and_are_then_erased) {
    add_workload("agent");
    limits_.workload_token_life = Seconds{24 * 3600};
    open();
    ASSERT_TRUE(add_key("short", "value", {{std::string(kExpiryTag), "2026-01-01T01:00:00Z"}}));
    const std::string token = token_for("agent", "kim");
    EXPECT_EQ(get_key(token, "short"), "value");
    timer_.advance(Seconds{3600});
    EXPECT_EQ(get_key(token, "short").error().code, ErrorCode::not_found);
    EXPECT_EQ(*await(service_->sweep()), 1);
    EXPECT_EQ(*await(service_->sweep()), 0);
    const auto past = add_key("past", "x", {{std::string(kExpiryTag), "2026-01-01T00:00:00Z"}});
    EXPECT_EQ(past.error().code, ErrorCode::invalid_argument);
}

TEST_F(Keys, stay_readable_while_the_vaults_key_changes) {
    add_workload("agent");
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(add_key("key" + std::to_string(i), "value"));
    const std::string token = token_for("agent", "kim");
    const auto id = await(service_->rotate_key(caller_));
    ASSERT_TRUE(id);
    EXPECT_EQ(get_key(token, "key0"), "value");
    EXPECT_EQ(*await(service_->rewrap()), 6);  // and the key of workload tokens
    EXPECT_EQ(*await(service_->rewrap()), 0);
    EXPECT_EQ(get_key(token, "key1"), "value");
    open();
    EXPECT_EQ(get_key(token, "key2"), "value");
}

TEST_F(Keys, move_to_the_customers_key_and_back) {
    const auto file = folder_.path() / "customer.key";
    ASSERT_TRUE(write_file(file, std::string(32, 'c')));
    customers_.push_back({.arn = "arn:aws:kms:us-west-2:000000000000:key/x", .file = file});
    open();
    add_workload("agent");
    ASSERT_TRUE(add_key("github", "value"));
    VaultView wanted{.key_type = VaultKeyType::customer, .kms_key_arn = customers_[0].arn};
    ASSERT_TRUE(await(service_->set_vault_key(caller_, wanted)));
    EXPECT_EQ(*await(service_->rewrap()), 1);
    const std::string token = token_for("agent", "kim");
    EXPECT_EQ(get_key(token, "github"), "value");
    customers_.clear();
    open();
    EXPECT_EQ(get_key(token, "github").error().code, ErrorCode::unavailable);
    wanted.kms_key_arn = "arn:aws:kms:us-west-2:000000000000:key/other";
    EXPECT_EQ(await(service_->set_vault_key(caller_, wanted)).error().code,
              ErrorCode::invalid_argument);
}

TEST_F(Keys, lie_sealed_on_the_disk_and_in_no_log) {
    add_workload("agent");
    ASSERT_TRUE(add_key("github", "planted-secret-0123456789"));
    ASSERT_TRUE(get_key(token_for("agent", "kim"), "github"));
    service_.reset();
    database_.reset();
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
        if (!entry.is_regular_file()) continue;
        ++files;
        const auto text = read_file(entry.path(), 100 << 20);
        ASSERT_TRUE(text);
        EXPECT_EQ(text->find("planted-secret"), std::string::npos) << entry.path();
    }
    EXPECT_GE(files, 3U);
}

TEST_F(Keys, of_another_place_do_not_open) {
    add_workload("agent");
    ASSERT_TRUE(add_key("mine", "my-value"));
    ASSERT_TRUE(add_key("yours", "your-value"));
    auto swap = [](storage::Transaction& tx) -> Result<> {
        AC_TRY(const auto rows,
               tx.query("SELECT sealed FROM identity_secrets WHERE name = 'yours'"));
        AC_CHECK(tx.execute("UPDATE identity_secrets SET sealed = $1 WHERE name = 'mine'",
                            {storage::Blob{rows.front().blob(0)}}));
        return {};
    };
    ASSERT_TRUE(await(database_->write(swap)));
    const auto key = get_key(token_for("agent", "kim"), "mine");
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().code, ErrorCode::unavailable);
}

TEST_F(Keys, leave_an_audit_trail_that_shows_tampering) {
    add_workload("agent");
    ASSERT_TRUE(add_key("github", "value-that-is-secret"));
    ASSERT_TRUE(get_key(token_for("agent", "kim"), "github"));
    ASSERT_FALSE(get_key("rubbish", "github"));
    const auto lines = await(service_->read_audit({.scope = caller_.scope}));
    ASSERT_TRUE(lines);
    ASSERT_EQ(lines->size(), 5U);
    EXPECT_NE((*lines)[3].find(R"("operation":"GetResourceApiKey","workload":"agent",)"
                               R"("user":"id/kim","provider":"github","result":"ok")"),
              std::string::npos)
        << (*lines)[3];
    EXPECT_NE((*lines)[4].find(R"("result":"unauthenticated")"), std::string::npos);
    EXPECT_TRUE(await(service_->verify_audit()));
    open();
    EXPECT_TRUE(await(service_->verify_audit()));
    const auto file = folder_.path() / "audit" / "identity-00000001.jsonl";
    auto text = *read_file(file, 1 << 20);
    text.erase(text.find('\n') + 1, text.find('\n', text.find('\n') + 1) - text.find('\n'));
    ASSERT_TRUE(write_file(file, text));
    EXPECT_EQ(await(service_->verify_audit()).error().code, ErrorCode::conflict);
}

TEST_F(Keys, audit_forgets_a_line_that_was_never_finished) {
    add_workload("agent");
    service_.reset();
    const auto file = folder_.path() / "audit" / "identity-00000001.jsonl";
    auto text = *read_file(file, 1 << 20);
    ASSERT_TRUE(write_file(file, text + R"({"time":"2026-01)"));
    open();
    add_workload("other");
    EXPECT_TRUE(await(service_->verify_audit()));
    EXPECT_EQ(await(service_->read_audit({.scope = caller_.scope}))->size(), 2U);
}

using Tokens = testing::ServiceFixture;

TEST_F(Tokens, are_refused_when_changed_old_or_of_another_account) {
    add_workload("agent");
    ASSERT_TRUE(add_key("github", "value"));
    const std::string token = token_for("agent", "kim");
    for (std::size_t i = 0; i < token.size(); i += 7) {
        std::string changed = token;
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        EXPECT_EQ(get_key(changed, "github").error().code, ErrorCode::unauthenticated);
    }
    caller_.scope.account = "111111111111";
    EXPECT_EQ(get_key(token, "github").error().code, ErrorCode::permission_denied);
    caller_.scope = {"000000000000", "eu-west-1"};
    EXPECT_EQ(get_key(token, "github").error().code, ErrorCode::permission_denied);
    caller_.scope.region = "us-west-2";
    EXPECT_TRUE(get_key(token, "github"));
    timer_.advance(limits_.workload_token_life);
    EXPECT_EQ(get_key(token, "github").error().code, ErrorCode::unauthenticated);
    timer_.advance(Seconds{1'000'000});
    EXPECT_EQ(get_key(token, "github").error().code, ErrorCode::unauthenticated);
}

TEST_F(Tokens, end_with_their_workload) {
    add_workload("agent");
    ASSERT_TRUE(add_key("github", "value"));
    const std::string token = token_for("agent", "kim");
    ASSERT_TRUE(get_key(token, "github"));
    ASSERT_TRUE(await(service_->workloads().remove(caller_, "agent")));
    EXPECT_EQ(get_key(token, "github").error().code, ErrorCode::unauthenticated);
    const auto none = await(service_->credentials().workload_token(caller_, "agent"));
    EXPECT_EQ(none.error().code, ErrorCode::not_found);
}

TEST_F(Tokens, outlive_the_process) {
    add_workload("agent");
    ASSERT_TRUE(add_key("github", "value"));
    const std::string token = token_for("agent", "kim");
    open();
    EXPECT_EQ(get_key(token, "github"), "value");
}

TEST_F(Tokens, for_jwt_want_one_that_holds) {
    add_workload("agent");
    auto& credentials = service_->credentials();
    EXPECT_TRUE(await(credentials.workload_token_for_jwt(caller_, "agent", "iss.kim.ok")));
    EXPECT_EQ(
        await(credentials.workload_token_for_jwt(caller_, "agent", "iss.kim.no")).error().code,
        ErrorCode::unauthenticated);
}

TEST(UserKeys, of_different_users_differ) {
    EXPECT_NE(UserKey::of_jwt("a", "b/c"), UserKey::of_jwt("a/b", "c"));
    EXPECT_NE(UserKey::of_jwt("a", "b"), UserKey::of_id("jwt/a/b"));
    EXPECT_NE(UserKey::of_id(""), UserKey());
}

using Lists = testing::ServiceFixture;

TEST_F(Lists, come_in_pages) {
    for (int i = 0; i < 7; ++i) {
        add_workload("w" + std::to_string(i) + "xx");
        ASSERT_TRUE(add_key("k" + std::to_string(i), "x"));
    }
    std::vector<std::string> names;
    PageRequest page{.items_max = 3};
    do {
        const auto got = await(service_->workloads().list(caller_.scope, page));
        ASSERT_TRUE(got);
        for (const auto& workload : got->items) names.push_back(workload.name);
        page.token = got->next_token;
    } while (!page.token.empty());
    EXPECT_EQ(names.size(), 7U);
    page = {.items_max = 7};
    const auto keys = await(service_->providers().list(caller_.scope, ProviderKind::api_key, page));
    EXPECT_EQ(keys->items.size(), 7U);
    EXPECT_TRUE(keys->next_token.empty());
    page.token = "?";
    EXPECT_EQ(await(service_->workloads().list(caller_.scope, page)).error().code,
              ErrorCode::invalid_argument);
}

TEST_F(Lists, of_tags_belong_to_what_exists) {
    ASSERT_TRUE(add_key("key", "x", {{"team", "red"}}));
    const std::string arn = provider_arn(caller_.scope, ProviderKind::api_key, "key");
    EXPECT_EQ(await(service_->providers().tags(caller_.scope, arn))->at("team"), "red");
    ASSERT_TRUE(
        await(service_->providers().change_tags(caller_.scope, arn, {{"a", "b"}}, {"team"})));
    const auto tags = await(service_->providers().tags(caller_.scope, arn));
    EXPECT_EQ(*tags, (Tags{{"a", "b"}}));
    EXPECT_FALSE(await(service_->providers().tags(caller_.scope, arn + "x")));
}

TEST(KeyFile, is_refused_when_others_can_read_it) {
    const storage::testing::TemporaryFolder folder;
    SeededRandom random(1);
    const SystemClock clock;
    const auto path = folder.path() / "keys.json";
    ASSERT_TRUE(KeyRing::open(make_file_keys(path, random, clock), {}));
    std::filesystem::permissions(path, std::filesystem::perms::group_read,
                                 std::filesystem::perm_options::add);
    EXPECT_EQ(KeyRing::open(make_file_keys(path, random, clock), {}).error().code,
              ErrorCode::permission_denied);
    ASSERT_TRUE(write_file(path, "{\"keys\":[{}]}"));
    EXPECT_EQ(KeyRing::open(make_file_keys(path, random, clock), {}).error().code,
              ErrorCode::unavailable);
}

TEST(SecretKeys, rotate_by_a_new_secret_behind_the_old_one) {
    std::vector<SecretBytes> one;
    one.emplace_back(std::string(32, 'a'));
    auto before = KeyRing::open(*make_secret_keys(std::move(one)), {});
    std::vector<SecretBytes> two;
    two.emplace_back(std::string(32, 'a'));
    two.emplace_back(std::string(32, 'b'));
    auto after = KeyRing::open(*make_secret_keys(std::move(two)), {});
    ASSERT_TRUE(before && after);
    EXPECT_NE((*before)->current(), (*after)->current());
    EXPECT_TRUE((*after)->find((*before)->current()));
    EXPECT_EQ((*after)->rotate().error().code, ErrorCode::not_implemented);
    std::vector<SecretBytes> shorts;
    shorts.emplace_back("too short");
    EXPECT_FALSE(make_secret_keys(std::move(shorts)));
}

}  // namespace
}  // namespace ac::identity
