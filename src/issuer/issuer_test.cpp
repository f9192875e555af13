#include "issuer/issuer.h"

#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/json.hpp>

#include "base/encoding.h"
#include "bearer/discovery.h"
#include "crypto/hash.h"
#include "crypto/jwt.h"
#include "crypto/password.h"
#include "issuer/testing/fixture.h"

namespace ac::issuer {
namespace {

using issuer::testing::IssuerFixture;
using ::testing::HasSubstr;

class IssuerTest : public ::testing::Test {
  protected:
    Form code_query(const Client& client) {
        return {{"client_id", client.id},
                {"redirect_uri", "https://app.example/cb"},
                {"response_type", "code"},
                {"scope", "openid"},
                {"code_challenge", to_base64url(as_text(sha256(verifier_)))},
                {"code_challenge_method", "S256"}};
    }
    // From the login page to the code.
    std::string log_in(const Client& client) {
        auto page =
            made_.run(made_.issuer().logins().begin(made_.pool(), code_query(client), cookie_));
        EXPECT_TRUE(page) << page.error().message;
        auto step = made_.run(made_.issuer().logins().finish(
            made_.pool(), std::get<LoginPage>(*page).ticket, cookie_, "ada", "password"));
        EXPECT_TRUE(step) << step.error().message;
        const std::string url = std::get<Redirect>(*step).url;
        const auto start = url.find("code=") + 5;
        return url.substr(start, url.find('&', start) - start);
    }
    Result<json::object> redeem(const Client& client, const std::string& code) {
        Form form{{"grant_type", "authorization_code"},
                  {"code", code},
                  {"redirect_uri", "https://app.example/cb"},
                  {"code_verifier", verifier_}};
        return made_.run(
            made_.issuer().grants().grant(made_.pool(), {.id = client.id}, std::move(form)));
    }
    void add_user() {
        ASSERT_TRUE(made_.run(made_.issuer().directory().create_user(
            {.pool = std::string(kDefaultPool), .name = "ada"}, "password")));
    }
    Result<json::object> refresh(const Client& client, const json::object& tokens) {
        Form form{{"grant_type", "refresh_token"},
                  {"refresh_token", std::string(tokens.at("refresh_token").as_string())}};
        return made_.run(
            made_.issuer().grants().grant(made_.pool(), {.id = client.id}, std::move(form)));
    }

    IssuerFixture made_{"test"};
    const std::string verifier_ = std::string(43, 'v');
    const std::string cookie_ = std::string(40, 'c');
};

TEST(signing_key, is_the_newest_that_has_been_published_long_enough) {
    const auto at = [](std::int64_t seconds) { return from_epoch_ms(seconds * 1000); };
    EXPECT_EQ(signing_key({at(0)}, at(0), Seconds{600}), 0U) << "the first signs at once";
    EXPECT_EQ(signing_key({at(0), at(100)}, at(699), Seconds{600}), 0U);
    EXPECT_EQ(signing_key({at(0), at(100)}, at(700), Seconds{600}), 1U);
    EXPECT_EQ(signing_key({at(0), at(100), at(200)}, at(750), Seconds{600}), 1U);
}

TEST(scope, is_granted_whole_or_not_at_all) {
    const std::vector<std::string> allowed = {"a", "b"};
    EXPECT_EQ(granted_scope("", allowed), "a b");
    EXPECT_EQ(granted_scope("b", allowed), "b");
    EXPECT_EQ(granted_scope("b  a b", allowed), "b a");
    EXPECT_FALSE(granted_scope("a c", allowed));
    EXPECT_FALSE(granted_scope("ab", allowed));
    EXPECT_EQ(granted_scope("", {}), "");
}

TEST(redirect_uri, leads_to_https_loopback_or_an_application) {
    for (const std::string_view good :
         {"https://a.example/cb", "http://127.0.0.1:8080/cb", "http://localhost/cb",
          "http://[::1]:1/", "com.example.app:/cb", "https://a.example/cb?x=1"})
        EXPECT_TRUE(may_be_redirect_uri(good)) << good;
    for (const std::string_view bad :
         {"", "a.example/cb", "http://a.example/cb", "https://a.example/cb#x",
          "javascript:alert(1)", "data:text/html,x", "https://u@a.example/",
          "https://a.example/\r\nX: y", "https://a.example/\"><script>", "//a.example/cb",
          "custom:/cb"})
        EXPECT_FALSE(may_be_redirect_uri(bad)) << bad;
}

TEST(password, hashes_are_salted_and_compared) {
    SeededRandom random(1);
    const std::string first = hash_password("secret", random);
    EXPECT_NE(first, hash_password("secret", random));
    EXPECT_TRUE(is_password("secret", first));
    EXPECT_FALSE(is_password("Secret", first));
    for (const std::string_view damaged : {"", "scrypt$", "scrypt$a$b", "plain"})
        EXPECT_FALSE(is_password("secret", damaged)) << damaged;
}

TEST_F(IssuerTest, new_keys_sign_only_after_they_were_published_for_a_while) {
    const auto before = *made_.run(made_.issuer().keys().of(made_.pool()));
    ASSERT_TRUE(made_.run(made_.issuer().keys().rotate(made_.pool())));
    auto now = *made_.run(made_.issuer().keys().of(made_.pool()));
    EXPECT_EQ(now->keys.size(), 2U);
    EXPECT_EQ(now->signer().id, before->signer().id);
    made_.clock().advance(Seconds{601});
    now = *made_.run(made_.issuer().keys().of(made_.pool()));
    EXPECT_NE(now->signer().id, before->signer().id);
    EXPECT_EQ(now->published.keys().size(), 2U) << "tokens of the old one are still about";
}

TEST_F(IssuerTest, old_keys_are_replaced_and_at_last_forgotten) {
    const auto first = *made_.run(made_.issuer().keys().of(made_.pool()));
    made_.clock().advance(Seconds{31LL * 86'400});
    auto keys = *made_.run(made_.issuer().keys().of(made_.pool()));
    EXPECT_EQ(keys->keys.size(), 2U);
    made_.clock().advance(Seconds{31LL * 86'400});
    keys = *made_.run(made_.issuer().keys().of(made_.pool()));
    for (const SigningKey& key : keys->keys) EXPECT_NE(key.id, first->signer().id);
}

Task<> count_keys(Keys& keys, Pool pool, std::size_t& done) {
    const auto set = co_await keys.of(pool);
    if (set && (*set)->keys.size() == 1) ++done;
    co_return Result<>{};
}

Task<> many_at_once(Keys& keys, Pool pool, std::size_t& done) {
    auto executor = co_await asio::this_coro::executor;
    for (int i = 0; i < 63; ++i) {
        auto counting = count_keys(keys, pool, done);
        asio::co_spawn(executor, std::move(counting), asio::detached);
    }
    AC_CO_CHECK(co_await count_keys(keys, pool, done));
    for (int i = 0; i < 10'000 && done < 64; ++i) co_await asio::post(executor, use_task);
    co_return Result<>{};
}

TEST_F(IssuerTest, callers_at_once_make_one_key) {
    std::size_t done = 0;
    ASSERT_TRUE(made_.run(many_at_once(made_.issuer().keys(), made_.pool(), done)));
    EXPECT_EQ(done, 64U);
}

TEST_F(IssuerTest, codes_expire) {
    add_user();
    const Client client = made_.web().client;
    const std::string code = log_in(client);
    made_.clock().advance(Seconds{60});
    const auto tokens = redeem(client, code);
    ASSERT_FALSE(tokens);
    EXPECT_EQ(tokens.error().reason, "invalid_grant");
}

TEST_F(IssuerTest, login_pages_expire) {
    add_user();
    const Client client = made_.web().client;
    auto page = made_.run(made_.issuer().logins().begin(made_.pool(), code_query(client), cookie_));
    made_.clock().advance(Seconds{600});
    const auto step = made_.run(made_.issuer().logins().finish(
        made_.pool(), std::get<LoginPage>(*page).ticket, cookie_, "ada", "password"));
    ASSERT_FALSE(step);
    EXPECT_THAT(step.error().message, HasSubstr("not valid any more"));
}

TEST_F(IssuerTest, tickets_cannot_be_changed) {
    const Client client = made_.web().client;
    auto page = made_.run(made_.issuer().logins().begin(made_.pool(), code_query(client), cookie_));
    std::string ticket = std::get<LoginPage>(*page).ticket;
    for (std::size_t i = 0; i < ticket.size(); i += 7) {
        std::string changed = ticket;
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        EXPECT_FALSE(made_.run(
            made_.issuer().logins().finish(made_.pool(), changed, cookie_, "ada", "password")));
    }
}

TEST_F(IssuerTest, refresh_ends_with_its_life_and_its_user) {
    add_user();
    const Client client = made_.web().client;
    auto tokens = redeem(client, log_in(client));
    ASSERT_TRUE(tokens) << tokens.error().message;
    tokens = refresh(client, *tokens);
    ASSERT_TRUE(tokens) << tokens.error().message;
    made_.clock().advance(Seconds{31LL * 86'400});
    EXPECT_FALSE(refresh(client, *tokens)) << "rotation does not prolong a grant";
    tokens = redeem(client, log_in(client));
    ASSERT_TRUE(
        made_.run(made_.issuer().directory().remove_user(std::string(kDefaultPool), "ada")));
    const auto refused = refresh(client, *tokens);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, "invalid_grant");
}

TEST_F(IssuerTest, deleted_clients_get_nothing) {
    const auto client = made_.machine();
    const Form form{{"grant_type", "client_credentials"}};
    const ClientProof proof{.id = client.client.id, .secret = client.secret};
    ASSERT_TRUE(made_.run(made_.issuer().grants().grant(made_.pool(), proof, form)));
    ASSERT_TRUE(made_.run(
        made_.issuer().directory().remove_client(std::string(kDefaultPool), client.client.id)));
    const auto refused = made_.run(made_.issuer().grants().grant(made_.pool(), proof, form));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, "invalid_client");
}

TEST_F(IssuerTest, pools_do_not_share_clients) {
    const auto client = made_.machine();
    const Pool other = *made_.run(made_.issuer().directory().create_pool(
        {.account = "000000000000", .region = "us-west-2"}, "other", {}));
    const auto refused = made_.run(
        made_.issuer().grants().grant(other, {.id = client.client.id, .secret = client.secret},
                                      {{"grant_type", "client_credentials"}}));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, "invalid_client");
}

TEST_F(IssuerTest, documents_are_found_by_the_urls_that_tokens_name) {
    const Pool pool = *made_.run(made_.issuer().directory().create_pool(
        {.account = "000000000000", .region = "us-west-2"}, "people", {}));
    auto document = made_.run(made_.issuer().find(pool.url + "/.well-known/openid-configuration"));
    ASSERT_TRUE(document && *document);
    const auto metadata =
        bearer::parse_metadata(**document, pool.url + "/.well-known/openid-configuration");
    ASSERT_TRUE(metadata) << metadata.error().message;
    const auto keys = made_.run(made_.issuer().find(metadata->jwks_uri));
    ASSERT_TRUE(keys && *keys);
    EXPECT_EQ(Jwks::parse(**keys)->keys().size(), 1U);
    for (const std::string& other :
         {std::string("https://cognito-idp.us-west-2.amazonaws.com/us-west-2_none/.well-known/x"),
          std::string("https://issuer.example/.well-known/openid-configuration"),
          std::string("https://cognito-idp.evil.example/") + pool.id +
              "/.well-known/openid-configuration",
          std::string("http://127.0.0.1:1/issuerx/.well-known/openid-configuration")}) {
        const auto found = made_.run(made_.issuer().find(other));
        ASSERT_TRUE(found);
        EXPECT_FALSE(*found) << other;
    }
}

TEST_F(IssuerTest, keys_and_clients_outlive_the_key_that_they_were_sealed_with) {
    const auto machine = made_.machine();
    const auto keys = *made_.run(made_.issuer().keys().of(made_.pool()));
    made_.sealer().rotate();
    EXPECT_EQ(made_.run(made_.issuer().rewrap()), 2);
    EXPECT_EQ(made_.run(made_.issuer().rewrap()), 0);
    made_.sealer().forget_old_keys();
    made_.issuer().keys().forget(made_.pool().id);
    const auto after = made_.run(made_.issuer().keys().of(made_.pool()));
    ASSERT_TRUE(after) << after.error().message;
    EXPECT_EQ((*after)->signer().id, keys->signer().id);
    const auto clients = made_.run(made_.issuer().directory().clients(made_.pool().id));
    ASSERT_EQ(clients->size(), 1U);
    const auto secret = made_.issuer().directory().secret_of(clients->front());
    ASSERT_TRUE(secret) << secret.error().message;
    EXPECT_EQ(secret->view(), machine.secret);
}

}  // namespace
}  // namespace ac::issuer
