#include "server/identity.h"

#include <fmt/format.h>

#include "base/log.h"
#include "crypto/jwt.h"

namespace ac::server {

class Identity::Calls final : public identity::Outside {
  public:
    Calls(net::Outbound& outbound, const Clock& clock) : outbound_(outbound), clock_(clock) {}

    Task<net::Response> fetch(identity::OutsideRequest given) override {
        net::OutboundRequest request{.method = std::move(given.method),
                                     .url = {},
                                     .headers = std::move(given.headers),
                                     .body = std::move(given.body),
                                     .answer_bytes_max = given.answer_bytes_max};
        AC_CO_TRY(request.url, net::parse_url(given.url));
        const SteadyTime deadline = clock_.steady() + given.timeout;
        auto answered = co_await outbound_.fetch(std::move(request), deadline);
        if (answered) co_return std::move(answered);
        Error error = std::move(answered).error();
        // The caller's own deadline is not what ran out.
        if (error.code == ErrorCode::deadline_exceeded || error.code == ErrorCode::too_large ||
            error.code == ErrorCode::invalid_argument)
            error.code = ErrorCode::unavailable;
        error.message = "The authorization server cannot be reached: " + error.message;
        co_return fail(std::move(error));
    }

  private:
    net::Outbound& outbound_;
    const Clock& clock_;
};

// Whatever issuer a token names: its keys prove that the token is its own, and users of different
// issuers are different users.
class Identity::Tokens final : public identity::UserTokens {
  public:
    explicit Tokens(bearer::Authorizer& authorizer) : authorizer_(authorizer) {}

    Task<identity::TokenOwner> owner_of(std::string token) override {
        AC_CO_TRY(const Jwt parsed, parse_jwt(token));
        const auto issuer = text_claim(parsed.claims, "iss");
        const auto subject = text_claim(parsed.claims, "sub");
        if (!issuer || !subject || subject->empty())
            co_return fail(ErrorCode::unauthenticated, "The user's token has no iss or sub");
        std::string discovery(*issuer);
        if (discovery.ends_with('/')) discovery.pop_back();
        discovery += "/.well-known/openid-configuration";
        identity::TokenOwner owner{.issuer = std::string(*issuer),
                                   .subject = std::string(*subject)};
        const auto holder = co_await authorizer_.verify(std::move(discovery), std::move(token));
        if (!holder) co_return fail(holder.error());
        co_return owner;
    }

  private:
    bearer::Authorizer& authorizer_;
};

class Identity::Workloads final : public runtime::WorkloadIdentities {
  public:
    Workloads(identity::IdentityService& service, const Clock& clock, Seconds token_life)
        : service_(service), clock_(clock), life_(token_life) {}

    Task<> ensure(Scope scope, runtime::RuntimeId runtime) override {
        return service_.workloads().ensure(std::move(scope), runtime.text());
    }
    Task<> forget(Scope scope, runtime::RuntimeId runtime) override {
        return service_.workloads().forget(std::move(scope), runtime.text());
    }
    runtime::WorkloadToken token(const Scope& scope, const runtime::RuntimeId& runtime,
                                 const runtime::Caller& caller) override {
        const WallTime expires_at = clock_.wall() + life_;
        return {.text = service_.credentials().mint(scope, runtime.text(), user_of(caller),
                                                    SecretBytes(caller.user_token)),
                .expires_at = expires_at};
    }

  private:
    // The pipeline has verified the token by now.
    static identity::UserKey user_of(const runtime::Caller& caller) {
        if (!caller.user_id.empty()) return identity::UserKey::of_id(caller.user_id);
        if (caller.user_token.empty()) return {};
        const auto parsed = parse_jwt(caller.user_token);
        if (!parsed) return {};
        const auto issuer = text_claim(parsed->claims, "iss");
        const auto subject = text_claim(parsed->claims, "sub");
        if (!issuer || !subject || subject->empty()) return {};
        return identity::UserKey::of_jwt(*issuer, *subject);
    }

    identity::IdentityService& service_;
    const Clock& clock_;
    const Seconds life_;
};

runtime::WorkloadIdentities& Identity::workloads() {
    return *workloads_;
}

Identity::Identity() = default;
Identity::~Identity() = default;

namespace {

identity::IdentityLimits limits_of(const Config& config) {
    identity::IdentityLimits limits;
    limits.credential_bytes_max = config.credential_bytes_max;
    limits.credentials_max = static_cast<std::int64_t>(config.credentials_max);
    return limits;
}

}  // namespace

Result<std::unique_ptr<Identity>> Identity::open(IdentityParts parts) {
    std::unique_ptr<Identity> out(new Identity());
    if (!secret_memory_is_locked())
        AC_LOG(warn, "memory of secrets cannot be locked: raise the limit of locked memory");
    out->calls_ = std::make_unique<Calls>(parts.outbound, parts.timer.clock());
    out->tokens_ = std::make_unique<Tokens>(parts.authorizer);
    AC_TRY(out->service_,
           identity::IdentityService::open({.database = parts.database,
                                            .pool = parts.pool,
                                            .timer = parts.timer,
                                            .random = parts.random,
                                            .outside = *out->calls_,
                                            .user_tokens = *out->tokens_,
                                            .keys = parts.keys,
                                            .audit_folder = parts.config.data_dir / "audit",
                                            .limits = limits_of(parts.config),
                                            .owns_database = parts.config.postgres.empty()}));
    out->workloads_ = std::make_unique<Workloads>(*out->service_, parts.timer.clock(),
                                                  limits_of(parts.config).workload_token_life);
    return out;
}

}  // namespace ac::server
