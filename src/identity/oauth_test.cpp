#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "identity/testing/service_fixture.h"

namespace ac::identity {
namespace {

using Oauth = testing::ServiceFixture;

TEST_F(Oauth, gives_a_workload_its_own_token_and_keeps_it) {
    add_workload("agent");
    add_server("as");
    OauthTokenRequest request{.workload_token = token_for("agent", "kim"),
                              .provider = "as",
                              .flow = OauthFlow::m2m,
                              .wish = {.scopes = {"a", "b"}}};
    const auto first = ask(request);
    ASSERT_TRUE(first) << first.error().message;
    const auto form = testing::AuthorizationServer::parse(server_.last.body);
    EXPECT_EQ(form.at("grant_type"), "client_credentials");
    EXPECT_EQ(form.at("scope"), "a b");
    EXPECT_EQ(server_.last.headers.get("Authorization"),
              "Basic " + to_base64("client:the-client-secret"));
    request.wish.scopes = {"b", "a"};
    EXPECT_EQ(ask(request)->access_token.view(), first->access_token.view());
    EXPECT_EQ(server_.calls, 1);
    request.wish.audiences = {"other"};
    EXPECT_NE(ask(request)->access_token.view(), first->access_token.view());
    timer_.advance(Seconds{3600 - 30});
    request.workload_token = token_for("agent", "kim");
    request.wish.audiences = {};
    EXPECT_NE(ask(request)->access_token.view(), first->access_token.view());
}

TEST_F(Oauth, asks_the_user_with_pkce_and_state) {
    add_workload("agent");
    const Provider provider = add_server("as");
    const auto begun = ask(federation(token_for("agent", "kim"), "as"));
    ASSERT_TRUE(begun && begun->consent);
    EXPECT_TRUE(begun->consent->session_uri.starts_with(kSessionUriHead));
    const auto query = query_of(begun->consent->authorization_url);
    EXPECT_EQ(query.at("code_challenge_method"), "S256");
    EXPECT_EQ(query.at("code_challenge").size(), 43U);
    EXPECT_EQ(query.at("response_type"), "code");
    EXPECT_GE(query.at("state").size(), 43U);
    EXPECT_EQ(query.at("redirect_uri"),
              "http://here/identities/oauth2/callback/" + provider.callback);
    EXPECT_EQ(connect(provider, "kim").substr(0, 10), "access-kim");
}

TEST_F(Oauth, custom_parameters_do_not_replace_the_protocols) {
    add_workload("agent");
    add_server("as");
    auto request = federation(token_for("agent", "kim"), "as");
    request.custom_parameters = {{"login_hint", "kim@x"},
                                 {"redirect_uri", "https://evil"},
                                 {"state", "mine"},
                                 {"code_challenge_method", "plain"}};
    const auto begun = ask(request);
    const auto query = query_of(begun->consent->authorization_url);
    EXPECT_EQ(query.at("login_hint"), "kim@x");
    EXPECT_EQ(query.at("redirect_uri").find("evil"), std::string::npos);
    EXPECT_NE(query.at("state"), "mine");
    EXPECT_EQ(query.at("code_challenge_method"), "S256");
}

TEST_F(Oauth, return_urls_are_those_registered) {
    add_workload("agent", {"https://app/back", "https://app/other"});
    add_server("as");
    for (const std::string url : {"https://evil/back", "https://app/back/", "https://app/back?x=1",
                                  "https://app/back#", ""}) {
        auto request = federation(token_for("agent", "kim"), "as");
        request.return_url = url;
        const auto refused = ask(request);
        ASSERT_FALSE(refused) << url;
        EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
    }
}

// The state, the custom state and the session come back; every use is the last.
TEST_F(Oauth, a_callback_counts_once) {
    add_workload("agent");
    const Provider provider = add_server("as");
    auto request = federation(token_for("agent", "kim"), "as");
    request.custom_state = "x y&z";
    const auto begun = ask(request);
    const auto& url = begun->consent->authorization_url;
    const CallbackQuery back{.state = query_of(url).at("state"),
                             .code = server_.consent(url, "kim")};
    auto& consents = service_->consents();
    CallbackQuery forged = back;
    forged.state = std::string(43, 'A');
    EXPECT_EQ(await(consents.callback(provider.callback, forged)).error().code,
              ErrorCode::not_found);
    EXPECT_EQ(await(consents.callback("no-such-callback", back)).error().code,
              ErrorCode::not_found);
    const auto next = await(consents.callback(provider.callback, back));
    ASSERT_TRUE(next);
    EXPECT_TRUE(next->starts_with("https://app/back?session_id=urn%3Aietf"));
    EXPECT_TRUE(next->ends_with("&state=x%20y%26z"));
    EXPECT_EQ(await(consents.callback(provider.callback, back)).error().code, ErrorCode::not_found);
    EXPECT_EQ(server_.calls, 1);
}

TEST_F(Oauth, a_state_is_good_at_its_own_provider_only) {
    add_workload("agent");
    const Provider honest = add_server("honest");
    const Provider other = add_server("other");
    const auto begun = ask(federation(token_for("agent", "kim"), "honest"));
    const auto& url = begun->consent->authorization_url;
    const CallbackQuery back{.state = query_of(url).at("state"),
                             .code = server_.consent(url, "kim")};
    EXPECT_EQ(await(service_->consents().callback(other.callback, back)).error().code,
              ErrorCode::not_found);
    EXPECT_EQ(server_.calls, 0);
    EXPECT_TRUE(await(service_->consents().callback(honest.callback, back)));
}

TEST_F(Oauth, an_answer_of_another_issuer_is_refused) {
    add_workload("agent");
    server_.discovery = {{"issuer", "https://as"},
                         {"authorization_endpoint", "https://as/authorize"},
                         {"token_endpoint", "https://as/token"},
                         {"code_challenge_methods_supported", {"S256"}},
                         {"authorization_response_iss_parameter_supported", true}};
    const Provider provider = add_server("as", [](OauthConfig& config) {
        config.discovery_url = "https://as/.well-known/openid-configuration";
    });
    const auto begun = ask(federation(token_for("agent", "kim"), "as"));
    ASSERT_TRUE(begun) << begun.error().message;
    const auto& url = begun->consent->authorization_url;
    CallbackQuery back{.state = query_of(url).at("state"), .code = server_.consent(url, "kim")};
    auto& consents = service_->consents();
    EXPECT_EQ(await(consents.callback(provider.callback, back)).error().code,
              ErrorCode::permission_denied);
    back.has_issuer = true;
    back.issuer = "https://evil";
    EXPECT_EQ(await(consents.callback(provider.callback, back)).error().code,
              ErrorCode::permission_denied);
    back.issuer = "https://as";
    EXPECT_TRUE(await(consents.callback(provider.callback, back)));
}

TEST_F(Oauth, pkce_is_not_given_up_for_a_server_without_s256) {
    add_workload("agent");
    server_.discovery = {{"issuer", "https://as"},
                         {"authorization_endpoint", "https://as/authorize"},
                         {"token_endpoint", "https://as/token"},
                         {"code_challenge_methods_supported", {"plain"}}};
    add_server("as", [](OauthConfig& config) {
        config.discovery_url = "https://as/.well-known/openid-configuration";
    });
    EXPECT_FALSE(ask(federation(token_for("agent", "kim"), "as")));
}

TEST_F(Oauth, tokens_go_to_the_user_who_asked_only) {
    add_workload("agent");
    const Provider provider = add_server("as");
    const auto begun = ask(federation(token_for("agent", "mallory"), "as"));
    const auto& url = begun->consent->authorization_url;
    // Kim was made to open Mallory's link.
    const CallbackQuery back{.state = query_of(url).at("state"),
                             .code = server_.consent(url, "kim")};
    ASSERT_TRUE(await(service_->consents().callback(provider.callback, back)));
    // The application says who came back: Kim. Nobody gets anything.
    const auto& session = begun->consent->session_uri;
    auto& credentials = service_->credentials();
    EXPECT_EQ(await(credentials.complete(caller_, session, UserKey::of_id("kim"))).error().code,
              ErrorCode::permission_denied);
    for (const std::string user : {"kim", "mallory"}) {
        const auto answer = ask(federation(token_for("agent", user), "as"));
        ASSERT_TRUE(answer);
        EXPECT_TRUE(answer->consent) << user;
    }
    // Nor another account, nor without the user's consent.
    Caller stranger = caller_;
    stranger.scope.account = "111111111111";
    EXPECT_EQ(
        await(credentials.complete(stranger, session, UserKey::of_id("mallory"))).error().code,
        ErrorCode::not_found);
}

TEST_F(Oauth, users_and_workloads_have_tokens_of_their_own) {
    add_workload("agent");
    add_workload("other");
    const Provider provider = add_server("as");
    const std::string kims = connect(provider, "kim");
    const std::string lees = connect(provider, "lee");
    EXPECT_NE(kims, lees);
    EXPECT_EQ(ask(federation(token_for("agent", "kim"), "as"))->access_token.view(), kims);
    EXPECT_EQ(ask(federation(token_for("agent", "lee"), "as"))->access_token.view(), lees);
    EXPECT_TRUE(ask(federation(token_for("other", "kim"), "as"))->consent);
    EXPECT_TRUE(ask(federation(token_for("agent", "k"), "as"))->consent);
}

TEST_F(Oauth, sessions_are_looked_at_by_their_own_user) {
    add_workload("agent");
    const Provider provider = add_server("as");
    auto request = federation(token_for("agent", "kim"), "as");
    const auto begun = ask(request);
    request.session_uri = begun->consent->session_uri;
    const auto again = ask(request);
    ASSERT_TRUE(again && again->consent);
    EXPECT_EQ(again->consent->authorization_url, begun->consent->authorization_url);
    auto lees = federation(token_for("agent", "lee"), "as");
    lees.session_uri = request.session_uri;
    EXPECT_EQ(ask(lees).error().code, ErrorCode::not_found);
    const CallbackQuery refused{.state = query_of(begun->consent->authorization_url).at("state"),
                                .error = "access_denied"};
    ASSERT_TRUE(await(service_->consents().callback(provider.callback, refused)));
    EXPECT_TRUE(ask(request)->consent->failed);
}

TEST_F(Oauth, a_session_ends_after_ten_minutes) {
    add_workload("agent");
    const Provider provider = add_server("as");
    auto request = federation(token_for("agent", "kim"), "as");
    const auto begun = ask(request);
    timer_.advance(Seconds{600});
    const auto& url = begun->consent->authorization_url;
    const CallbackQuery back{.state = query_of(url).at("state"),
                             .code = server_.consent(url, "kim")};
    EXPECT_EQ(await(service_->consents().callback(provider.callback, back)).error().code,
              ErrorCode::not_found);
    request.session_uri = begun->consent->session_uri;
    EXPECT_EQ(ask(request).error().code, ErrorCode::not_found);
    EXPECT_EQ(*await(service_->sweep()), 1);
}

TEST_F(Oauth, force_asks_again) {
    add_workload("agent");
    const Provider provider = add_server("as");
    connect(provider, "kim");
    auto request = federation(token_for("agent", "kim"), "as");
    request.force = true;
    EXPECT_TRUE(ask(request)->consent);
    request.force = false;
    EXPECT_FALSE(ask(request)->consent);
}

TEST_F(Oauth, wider_scopes_ask_again_and_narrower_ones_do_not) {
    add_workload("agent");
    const Provider provider = add_server("as");
    connect(provider, "kim");
    auto request = federation(token_for("agent", "kim"), "as");
    request.wish.scopes = {};
    EXPECT_FALSE(ask(request)->consent);
    request.wish.scopes = {"read", "write"};
    EXPECT_TRUE(ask(request)->consent);
}

TEST_F(Oauth, refreshes_once_and_keeps_what_came) {
    add_workload("agent");
    const Provider provider = add_server("as");
    const std::string first = connect(provider, "kim");
    for (int round = 1; round <= 5; ++round) {
        timer_.advance(Seconds{3600});
        const auto answer = ask(federation(token_for("agent", "kim"), "as"));
        ASSERT_TRUE(answer && !answer->consent);
        EXPECT_NE(answer->access_token.view(), first);
        EXPECT_EQ(server_.refreshes, round);
        EXPECT_FALSE(ask(federation(token_for("agent", "kim"), "as"))->consent);
        EXPECT_EQ(server_.refreshes, round);
    }
}

TEST_F(Oauth, many_at_once_refresh_once) {
    add_workload("agent");
    const Provider provider = add_server("as");
    connect(provider, "kim");
    timer_.advance(Seconds{3600});
    const std::string token = token_for("agent", "kim");
    int left = 50;
    std::set<std::string> seen;
    for (int i = 0; i < 50; ++i) {
        auto asked = [](testing::ServiceFixture* self, std::string token, int* left,
                        std::set<std::string>* seen) -> Detached {
            auto task = self->service().credentials().oauth_token(self->caller(),
                                                                  self->federation(token, "as"));
            const auto answer = co_await std::move(task);
            if (answer && !answer->consent) seen->insert(std::string(answer->access_token.view()));
            if (--*left == 0) self->loop().stop();
        };
        asio::co_spawn(loop_.executor(), asked(this, token, &left, &seen), asio::detached);
    }
    loop_.run();
    loop_.context().restart();
    EXPECT_EQ(seen.size(), 1U);
    EXPECT_EQ(server_.refreshes, 1);
}

// The server has traded the token in, but its answer never arrived.
TEST_F(Oauth, a_lost_answer_loses_no_grant) {
    add_workload("agent");
    const Provider provider = add_server("as");
    connect(provider, "kim");
    for (int round = 0; round < 3; ++round) {
        timer_.advance(Seconds{3600});
        server_.lose_answer = true;
        const auto lost = ask(federation(token_for("agent", "kim"), "as"));
        EXPECT_EQ(lost.error().code, ErrorCode::unavailable);
        const auto answer = ask(federation(token_for("agent", "kim"), "as"));
        ASSERT_TRUE(answer);
        EXPECT_FALSE(answer->consent);
    }
}

TEST_F(Oauth, another_process_waits_for_the_lease) {
    add_workload("agent");
    const Provider provider = add_server("as");
    connect(provider, "kim");
    timer_.advance(Seconds{3600});
    auto take = [now = timer_.clock().wall()](storage::Transaction& tx) -> Result<> {
        AC_CHECK(tx.execute("UPDATE identity_grants SET lease = 'other', lease_until = $1",
                            {to_epoch_ms(now + Seconds{30})}));
        return {};
    };
    ASSERT_TRUE(await(database_->write(take)));
    std::optional<Result<OauthTokenAnswer>> answer;
    auto task =
        service_->credentials().oauth_token(caller_, federation(token_for("agent", "kim"), "as"));
    asio::co_spawn(loop_.executor(), std::move(task),
                   [&](std::exception_ptr, Result<OauthTokenAnswer> result) {
                       answer.emplace(std::move(result));
                       loop_.stop();
                   });
    while (!answer) {
        loop_.context().poll();
        if (timer_.sleepers() > 0) timer_.advance(Milliseconds{1000});
    }
    loop_.context().restart();
    ASSERT_TRUE(*answer) << answer->error().message;
    EXPECT_EQ(server_.refreshes, 1);
}

TEST_F(Oauth, a_grant_that_was_taken_back_asks_the_user_again) {
    add_workload("agent");
    const Provider provider = add_server("as");
    connect(provider, "kim");
    timer_.advance(Seconds{3600});
    server_.bend = [](auto) { return testing::AuthorizationServer::refuse("invalid_grant"); };
    EXPECT_TRUE(ask(federation(token_for("agent", "kim"), "as"))->consent);
}

TEST_F(Oauth, a_server_that_fails_costs_no_grant) {
    add_workload("agent");
    const Provider provider = add_server("as");
    connect(provider, "kim");
    timer_.advance(Seconds{3600});
    const std::vector<net::Response> lies = {
        {.status = 500},
        {.status = 302},
        {.status = 200, .body = "<html>"},
        {.status = 200, .body = "{}"},
        {.status = 200, .body = R"({"access_token":"a\r\nSet-Cookie: x"})"},
        {.status = 200, .body = R"({"access_token":["x"]})"},
        {.status = 400, .body = R"({"error":"<script>the-client-secret</script>"})"}};
    for (const auto& lie : lies) {
        server_.bend = [&](auto) { return lie; };
        const auto answer = ask(federation(token_for("agent", "kim"), "as"));
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().message.find("the-client-secret"), std::string::npos);
    }
    server_.down = true;
    EXPECT_FALSE(ask(federation(token_for("agent", "kim"), "as")));
    server_.down = false;
    server_.bend = {};
    EXPECT_FALSE(ask(federation(token_for("agent", "kim"), "as"))->consent);
}

TEST_F(Oauth, exchanges_the_users_own_token) {
    add_workload("agent");
    add_server("as", [](OauthConfig& config) {
        config.exchange = ExchangeGrant::token_exchange;
        config.actor = ActorToken::m2m;
        config.actor_scopes = {"act"};
    });
    add_server("bearer", [](OauthConfig& config) { config.exchange = ExchangeGrant::jwt_bearer; });
    const auto token =
        await(service_->credentials().workload_token_for_jwt(caller_, "agent", "iss.kim.ok"));
    OauthTokenRequest request{.workload_token = *token,
                              .provider = "as",
                              .flow = OauthFlow::on_behalf_of,
                              .wish = {.scopes = {"read"}, .resources = {"https://api"}}};
    const auto answer = ask(request);
    ASSERT_TRUE(answer) << answer.error().message;
    auto form = testing::AuthorizationServer::parse(server_.last.body);
    EXPECT_EQ(form.at("subject_token"), "iss.kim.ok");
    EXPECT_EQ(form.at("resource"), "https://api");
    EXPECT_TRUE(form.at("actor_token").starts_with("access-m2m"));
    request.provider = "bearer";
    ASSERT_TRUE(ask(request));
    form = testing::AuthorizationServer::parse(server_.last.body);
    EXPECT_EQ(form.at("assertion"), "iss.kim.ok");
    request.workload_token = token_for("agent", "kim");
    EXPECT_EQ(ask(request).error().code, ErrorCode::invalid_argument);
}

TEST(Metadata, is_of_the_issuer_that_was_asked) {
    const std::string_view url = "https://as/tenant/.well-known/openid-configuration";
    const auto document = [](std::string_view issuer, std::string_view token) {
        return R"({"issuer":")" + std::string(issuer) + R"(","token_endpoint":")" +
               std::string(token) + R"("})";
    };
    EXPECT_TRUE(parse_metadata(url, document("https://as/tenant", "https://as/token")));
    EXPECT_TRUE(parse_metadata(url, document("https://as/tenant/", "https://as/token")));
    EXPECT_FALSE(parse_metadata(url, document("https://as", "https://as/token")));
    EXPECT_FALSE(parse_metadata(url, document("https://evil/tenant", "https://as/token")));
    EXPECT_FALSE(parse_metadata(url, document("https://as/tenant", "http://as/token")));
    EXPECT_FALSE(parse_metadata(url, document("https://as/tenant", "file:///etc/passwd")));
    EXPECT_FALSE(parse_metadata(url, "[]"));
}

TEST(Vendors, are_complete) {
    EXPECT_EQ(vendors().size(), 25U);
    for (const Vendor& vendor : vendors()) {
        OauthConfig config{.vendor = std::string(vendor.name), .issuer = "https://tenant/"};
        const auto completed = complete_endpoints(vendor, config);
        const bool needs_all = vendor.authorization_endpoint.empty();
        EXPECT_EQ(completed.has_value(), !needs_all) << vendor.name;
        if (!completed) continue;
        EXPECT_TRUE(config.authorization_endpoint.starts_with("https://")) << vendor.name;
        EXPECT_TRUE(config.token_endpoint.starts_with("https://")) << vendor.name;
        EXPECT_EQ(config.token_endpoint.find('{'), std::string::npos) << vendor.name;
    }
}

TEST(WithQuery, finds_the_right_place) {
    const Parameters parameters = {{"a", "b c"}};
    EXPECT_EQ(with_query("https://x/y", parameters), "https://x/y?a=b%20c");
    EXPECT_EQ(with_query("https://x/y?z=1", parameters), "https://x/y?z=1&a=b%20c");
    EXPECT_EQ(with_query("https://x/y#f", parameters), "https://x/y?a=b%20c#f");
}

}  // namespace
}  // namespace ac::identity
