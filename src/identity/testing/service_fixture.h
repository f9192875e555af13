#pragma once
// For tests: an Identity service over a database of its own, whose time stands still.

#include <gtest/gtest.h>

#include "async/manual_timer.h"
#include "async/run.h"
#include "identity/identity_service.h"
#include "identity/testing/authorization_server.h"
#include "storage/testing/temporary_folder.h"

namespace ac::identity::testing {

// A user's token is "issuer.subject.signature"; the signature is "ok" or not.
class PlainUserTokens final : public UserTokens {
  public:
    Task<TokenOwner> owner_of(std::string token) override {
        const auto first = token.find('.');
        const auto last = token.rfind('.');
        if (first == last || token.substr(last + 1) != "ok")
            co_return fail(ErrorCode::unauthenticated, "the token does not hold");
        co_return TokenOwner{.issuer = token.substr(0, first),
                             .subject = token.substr(first + 1, last - first - 1)};
    }
};

class ServiceFixture : public ::testing::Test {
  protected:
    ServiceFixture() { open(); }

    void open() {
        service_.reset();
        database_.reset();
        database_ = *storage::open_sqlite({.path = (folder_.path() / "test.db").string()});
        service_ = open_service();
    }
    std::unique_ptr<IdentityService> open_service() {
        EXPECT_TRUE(await(database_->migrate(IdentityService::migrations())));
        auto keys = KeyRing::open(
            make_file_keys(folder_.path() / "keys.json", random_, timer_.clock()), customers_);
        EXPECT_TRUE(keys) << keys.error().message;
        rings_.push_back(*std::move(keys));
        auto service = IdentityService::open({.database = *database_,
                                              .pool = pool_,
                                              .timer = timer_,
                                              .random = random_,
                                              .outside = server_,
                                              .user_tokens = user_tokens_,
                                              .keys = *rings_.back(),
                                              .audit_folder = folder_.path() / "audit",
                                              .limits = limits_});
        EXPECT_TRUE(service) << service.error().message;
        (*service)->set_public_url("http://here");
        EXPECT_TRUE(await((*service)->prepare()));
        return *std::move(service);
    }

    template <class T>
    Result<T> await(Task<T> task) {
        return run_on(loop_, std::move(task));
    }

    void add_workload(std::string name, std::vector<std::string> urls = {"https://app/back"}) {
        Workload wanted{.name = std::move(name), .return_urls = std::move(urls)};
        auto made = await(service_->workloads().create(caller_, std::move(wanted), {}));
        ASSERT_TRUE(made) << made.error().message;
    }
    Result<Provider> add_key(std::string name, std::string_view value, Tags tags = {}) {
        NewProvider wanted{.kind = ProviderKind::api_key,
                           .name = std::move(name),
                           .secret = SecretBytes(value),
                           .tags = std::move(tags)};
        return await(service_->providers().create(caller_, std::move(wanted)));
    }
    Provider add_server(std::string name, std::function<void(OauthConfig&)> change = {}) {
        NewProvider wanted{.kind = ProviderKind::oauth2,
                           .name = std::move(name),
                           .secret = SecretBytes("the-client-secret")};
        wanted.oauth = {.vendor = "CustomOauth2",
                        .client_id = "client",
                        .issuer = "https://as",
                        .authorization_endpoint = "https://as/authorize",
                        .token_endpoint = "https://as/token"};
        if (change) change(wanted.oauth);
        auto made = await(service_->providers().create(caller_, std::move(wanted)));
        EXPECT_TRUE(made) << made.error().message;
        return *made;
    }
    std::string token_for(const std::string& workload, const std::string& user) {
        auto token =
            await(service_->credentials().workload_token_for_user(caller_, workload, user));
        EXPECT_TRUE(token) << token.error().message;
        return token.value_or("");
    }
    Result<std::string> get_key(const std::string& token, const std::string& provider) {
        auto key = await(service_->credentials().api_key(caller_, token, provider));
        if (!key) return fail(key.error());
        return std::string(key->view());
    }

  public:
    static OauthTokenRequest federation(const std::string& token, const std::string& provider) {
        return {.workload_token = token,
                .provider = provider,
                .flow = OauthFlow::user_federation,
                .wish = {.scopes = {"read"}},
                .return_url = "https://app/back"};
    }

  protected:
    Result<OauthTokenAnswer> ask(OauthTokenRequest request) {
        return await(service_->credentials().oauth_token(caller_, std::move(request)));
    }
    // The user's whole way, to a token.
    std::string connect(const Provider& provider, const std::string& user) {
        const std::string token = token_for("agent", user);
        auto begun = ask(federation(token, provider.name));
        EXPECT_TRUE(begun && begun->consent) << (begun ? "" : begun.error().message);
        const auto query = query_of(begun->consent->authorization_url);
        const CallbackQuery back{.state = query.at("state"),
                                 .code = server_.consent(begun->consent->authorization_url, user)};
        auto next = await(service_->consents().callback(provider.callback, back));
        EXPECT_TRUE(next) << next.error().message;
        const auto done = await(service_->credentials().complete(
            caller_, begun->consent->session_uri, UserKey::of_id(user)));
        EXPECT_TRUE(done) << done.error().message;
        auto answer = ask(federation(token, provider.name));
        EXPECT_TRUE(answer && !answer->consent);
        return answer ? std::string(answer->access_token.view()) : "";
    }
    static std::map<std::string, std::string> query_of(const std::string& url) {
        return AuthorizationServer::parse(url.substr(url.find('?') + 1));
    }

    // For coroutines, which are no members.
  public:
    IdentityService& service() { return *service_; }
    const Caller& caller() const { return caller_; }
    Loop& loop() { return loop_; }

  protected:
    storage::testing::TemporaryFolder folder_;
    Loop loop_;
    ThreadPool pool_{1};
    ManualTimer timer_;
    SeededRandom random_{1};
    IdentityLimits limits_;
    std::vector<CustomerKey> customers_;
    Caller caller_{.scope = {"000000000000", "us-west-2"}, .principal = "arn:test"};
    AuthorizationServer server_;
    PlainUserTokens user_tokens_;
    std::unique_ptr<storage::Database> database_;
    std::vector<std::unique_ptr<KeyRing>> rings_;  // each service's
    std::unique_ptr<IdentityService> service_;
};

}  // namespace ac::identity::testing
