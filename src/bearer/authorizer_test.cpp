#include "bearer/authorizer.h"

#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/json.hpp>

#include "async/run.h"
#include "base/encoding.h"
#include "bearer/testing/fake_issuer.h"
#include "crypto/jwt.h"

namespace ac::bearer {
namespace {

namespace json = boost::json;
using bearer::testing::FakeIssuer;
using ::testing::HasSubstr;

class TokenAuthorizer : public ::testing::Test {
  protected:
    Rules rules() {
        return {.discovery_url = issuer_.discovery_url(), .audience = {}, .clients = {"c"}};
    }
    json::object claims() {
        const std::int64_t now = to_epoch_ms(clock_.wall()) / 1000;
        return {{"iss", issuer_.url()}, {"sub", "user"}, {"client_id", "c"}, {"exp", now + 3600}};
    }
    Result<TokenHolder> authorize(std::string token) {
        return run_on(loop_, authorizer_.authorize(rules(), std::move(token)));
    }
    // The refusal's text; empty: admitted.
    std::string refusal(std::string token) {
        const auto holder = authorize(std::move(token));
        return holder ? "" : holder.error().message;
    }

    Loop loop_;
    ManualClock clock_;
    FakeIssuer issuer_;
    KeyCache cache_{issuer_, clock_};
    Authorizer authorizer_{cache_, clock_};
};

TEST_F(TokenAuthorizer, admits_and_says_who_it_is) {
    const auto holder = authorize(issuer_.sign(claims()));
    ASSERT_TRUE(holder) << holder.error().message;
    EXPECT_EQ(holder->issuer, issuer_.url());
    EXPECT_EQ(holder->subject, "user");
    EXPECT_EQ(holder->client, "c");
    EXPECT_EQ(issuer_.reads(), 2) << "discovery and keys";
    ASSERT_TRUE(authorize(issuer_.sign(claims())));
    EXPECT_EQ(issuer_.reads(), 2) << "kept";
}

TEST_F(TokenAuthorizer, mixed_up_issuer_is_refused) {
    for (const std::string& other : {std::string("https://b.example"), issuer_.url() + "/",
                                     issuer_.url() + "x", std::string()}) {
        json::object changed = claims();
        changed["iss"] = other;
        EXPECT_THAT(refusal(issuer_.sign(changed)), HasSubstr("another issuer")) << other;
    }
    json::object without = claims();
    without.erase("iss");
    EXPECT_THAT(refusal(issuer_.sign(without)), HasSubstr("another issuer"));
    json::object list = claims();
    list["iss"] = json::array{issuer_.url()};
    EXPECT_THAT(refusal(issuer_.sign(list)), HasSubstr("another issuer"));
}

TEST_F(TokenAuthorizer, times_are_checked) {
    json::object expired = claims();
    expired["exp"] = to_epoch_ms(clock_.wall()) / 1000 - 61;
    EXPECT_THAT(refusal(issuer_.sign(expired)), HasSubstr("expired"));
    json::object early = claims();
    early["nbf"] = to_epoch_ms(clock_.wall()) / 1000 + 61;
    EXPECT_THAT(refusal(issuer_.sign(early)), HasSubstr("not valid yet"));
}

TEST_F(TokenAuthorizer, rules_come_after_the_signature) {
    json::object other = claims();
    other["client_id"] = "x";
    EXPECT_THAT(refusal(issuer_.sign(other)), HasSubstr("client"));
    std::string forged = issuer_.sign(other);
    forged = forged.substr(0, forged.rfind('.')) + "." + to_base64url(std::string(64, 'x'));
    EXPECT_THAT(refusal(forged), HasSubstr("signature"));
}

TEST_F(TokenAuthorizer, rubbish_makes_nobody_fetch) {
    for (const std::string_view bad : {"", "x", "a.b.c", "eyJhbGciOiJub25lIn0.e30."})
        EXPECT_FALSE(authorize(std::string(bad)));
    EXPECT_EQ(issuer_.reads(), 0);
}

TEST_F(TokenAuthorizer, new_keys_are_found_when_a_token_names_one) {
    ASSERT_TRUE(authorize(issuer_.sign(claims())));
    clock_.advance(Seconds{11});
    issuer_.rotate("k2");
    EXPECT_TRUE(authorize(issuer_.sign(claims())));
    EXPECT_EQ(issuer_.reads(), 4);
}

TEST_F(TokenAuthorizer, unknown_key_ids_cannot_hammer_the_issuer) {
    ASSERT_TRUE(authorize(issuer_.sign(claims())));
    clock_.advance(Seconds{11});
    for (int i = 0; i < 100; ++i) {
        const std::string token = issuer_.sign(claims(), "unknown" + std::to_string(i));
        EXPECT_THAT(refusal(token), HasSubstr("not one of its issuer's"));
    }
    EXPECT_EQ(issuer_.reads(), 4) << "asked again once";
}

TEST_F(TokenAuthorizer, withdrawn_keys_are_forgotten_when_the_set_is_old) {
    const std::string token = issuer_.sign(claims());
    ASSERT_TRUE(authorize(token));
    issuer_.rotate("k2");
    clock_.advance(Seconds{601});
    EXPECT_FALSE(authorize(token));
}

TEST_F(TokenAuthorizer, stale_keys_serve_while_the_issuer_is_away) {
    ASSERT_TRUE(authorize(issuer_.sign(claims())));
    issuer_.fail_with(ErrorCode::unavailable);
    clock_.advance(Seconds{3000});
    EXPECT_TRUE(authorize(issuer_.sign(claims())));
    const int reads = issuer_.reads();
    EXPECT_TRUE(authorize(issuer_.sign(claims())));
    EXPECT_EQ(issuer_.reads(), reads) << "not asked again at once";
    clock_.advance(Seconds{90'000});
    EXPECT_THAT(refusal(issuer_.sign(claims())), HasSubstr("away for too long"));
}

TEST_F(TokenAuthorizer, without_keys_the_failure_is_told_and_tried_again_later) {
    issuer_.fail_with(ErrorCode::permission_denied);
    const auto refused = authorize(issuer_.sign(claims()));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
    EXPECT_FALSE(authorize(issuer_.sign(claims())));
    EXPECT_EQ(issuer_.reads(), 1);
    issuer_.fail_with(std::nullopt);
    clock_.advance(Seconds{3});
    EXPECT_TRUE(authorize(issuer_.sign(claims())));
}

TEST_F(TokenAuthorizer, documents_that_lie_are_not_believed) {
    issuer_.set_document(
        issuer_.discovery_url(),
        R"({"issuer":"https://evil.example","jwks_uri":"https://evil.example/k"})");
    EXPECT_THAT(refusal(issuer_.sign(claims())), HasSubstr("cannot be fetched"));
}

Detached count_authorized(Authorizer& authorizer, Rules rules, std::string token, int& admitted) {
    const auto holder = co_await authorizer.authorize(rules, std::move(token));
    if (holder) ++admitted;
}

Task<> many_at_once(FakeIssuer& issuer, Authorizer& authorizer, Rules rules, std::string token,
                    int& admitted) {
    auto executor = co_await asio::this_coro::executor;
    for (int i = 0; i < 100; ++i) {
        auto counting = count_authorized(authorizer, rules, token, admitted);
        asio::co_spawn(executor, std::move(counting), asio::detached);
    }
    // All of them have come to the gate before it opens.
    for (int i = 0; i < 300; ++i) co_await asio::post(executor, use_task);
    EXPECT_EQ(admitted, 0);
    EXPECT_EQ(issuer.reads(), 1);
    issuer.open_gate();
    for (int i = 0; i < 10'000 && admitted < 100; ++i) co_await asio::post(executor, use_task);
    EXPECT_EQ(admitted, 100);
    co_return Result<>{};
}

TEST_F(TokenAuthorizer, one_fetch_serves_all_who_wait) {
    int admitted = 0;
    issuer_.close_gate();
    ASSERT_TRUE(run_on(
        loop_, many_at_once(issuer_, authorizer_, rules(), issuer_.sign(claims()), admitted)));
    EXPECT_EQ(issuer_.reads(), 2);
}

TEST(bearer_token, is_read_from_the_header) {
    EXPECT_EQ(bearer_token_in("Bearer abc.def-_~+/="), "abc.def-_~+/=");
    EXPECT_EQ(bearer_token_in("bearer abc"), "abc");
    EXPECT_EQ(bearer_token_in("BEARER   abc "), "abc");
    for (const std::string_view bad :
         {"", "Bearer", "Bearer ", "Bearer  ", "Bearerabc", "Basic YQ==", "Bearer a b",
          "Bearer a,b", "Bearer \"a\"", "Bearer a\x01"})
        EXPECT_FALSE(bearer_token_in(bad)) << bad;
}

TEST(bearer_token, is_read_from_a_browsers_subprotocols) {
    const std::string offer = "base64UrlBearerAuthorization." + to_base64url("a.b-c_d");
    EXPECT_EQ(bearer_token_in_protocols("chat, " + offer + ", base64UrlBearerAuthorization"),
              "a.b-c_d");
    EXPECT_FALSE(bearer_token_in_protocols("base64UrlBearerAuthorization, chat"));
    EXPECT_FALSE(bearer_token_in_protocols("base64UrlBearerAuthorization.!!"));
    EXPECT_FALSE(bearer_token_in_protocols("base64UrlBearerAuthorization." +
                                           to_base64url("two words\r\nX: y")));
    EXPECT_FALSE(bearer_token_in_protocols(""));
}

}  // namespace
}  // namespace ac::bearer
