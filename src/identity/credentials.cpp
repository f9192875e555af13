#include "identity/credentials.h"

#include <fmt/format.h>

namespace ac::identity {
namespace {

template <class T>
const Error* error_of(const Result<T>& result) {
    return result ? nullptr : &result.error();
}

}  // namespace

// The audit log first: without its entry nothing is given out.
Task<> Credentials::note(Caller caller, AuditEntry entry, const Error* error) {
    if (error) entry.result = to_string(error->code);
    co_return co_await context_.audit.append(caller, std::move(entry), context_.now());
}

std::string Credentials::mint(const Scope& scope, const std::string& workload, UserKey user,
                              SecretBytes user_token) {
    const WorkloadClaims claims{.scope = scope,
                                .workload = workload,
                                .user = std::move(user),
                                .user_token = std::move(user_token),
                                .expires_at = context_.now() + context_.limits.workload_token_life};
    return tokens_.mint(claims);
}

Task<std::string> Credentials::issue(Caller caller, std::string_view operation,
                                     std::string workload, UserKey user, SecretBytes user_token) {
    const auto known = co_await workloads_.find(caller.scope, workload);
    AuditEntry entry{.operation = operation, .workload = workload, .user = user.text()};
    AC_CO_CHECK(co_await note(caller, std::move(entry), error_of(known)));
    if (!known) co_return fail(known.error());
    co_return mint(caller.scope, workload, std::move(user), std::move(user_token));
}

Task<std::string> Credentials::workload_token(Caller caller, std::string workload) {
    return issue(std::move(caller), "GetWorkloadAccessToken", std::move(workload), {}, {});
}

Task<std::string> Credentials::workload_token_for_user(Caller caller, std::string workload,
                                                       std::string user_id) {
    return issue(std::move(caller), "GetWorkloadAccessTokenForUserId", std::move(workload),
                 UserKey::of_id(user_id), {});
}

Task<std::string> Credentials::workload_token_for_jwt(Caller caller, std::string workload,
                                                      std::string user_token) {
    AC_CO_TRY(UserKey user, co_await user_of_jwt(user_token));
    SecretBytes kept(user_token);
    co_return co_await issue(std::move(caller), "GetWorkloadAccessTokenForJWT", std::move(workload),
                             std::move(user), std::move(kept));
}

Task<UserKey> Credentials::user_of_jwt(std::string user_token) {
    AC_CO_TRY(const TokenOwner owner,
              co_await context_.user_tokens.owner_of(std::move(user_token)));
    co_return UserKey::of_jwt(owner.issuer, owner.subject);
}

Task<WorkloadClaims> Credentials::claims_of(const Caller& caller,
                                            const std::string& workload_token) {
    AC_CO_TRY(WorkloadClaims claims, tokens_.verify(workload_token));
    // Somebody who got hold of another account's token gets nothing for it.
    if (claims.scope != caller.scope)
        co_return fail(ErrorCode::permission_denied,
                       "The workload access token is of another account or region");
    // A workload that was deleted has no tokens any more.
    const auto known = co_await workloads_.find(claims.scope, claims.workload);
    if (!known && known.error().code == ErrorCode::not_found)
        co_return fail(ErrorCode::unauthenticated,
                       "The workload access token's workload identity does not exist any more");
    if (!known) co_return fail(known.error());
    co_return claims;
}

Task<SecretBytes> Credentials::open_api_key(const Caller& caller, const std::string& provider) {
    AC_CO_TRY(const auto row,
              co_await providers_.find(caller.scope, ProviderKind::api_key, provider));
    co_return providers_.open(caller.scope, *row);
}

Task<SecretBytes> Credentials::api_key(Caller caller, std::string workload_token,
                                       std::string provider) {
    AuditEntry entry{.operation = "GetResourceApiKey", .provider = provider};
    auto claims = co_await claims_of(caller, workload_token);
    if (!claims) {
        AC_CO_CHECK(co_await note(caller, std::move(entry), &claims.error()));
        co_return fail(std::move(claims).error());
    }
    entry.workload = claims->workload;
    entry.user = claims->user.text();
    auto key = co_await open_api_key(caller, provider);
    AC_CO_CHECK(co_await note(caller, std::move(entry), error_of(key)));
    co_return std::move(key);
}

Task<SecretBytes> Credentials::platform_api_key(Caller caller, std::string provider) {
    auto key = co_await open_api_key(caller, provider);
    AuditEntry entry{.operation = "PlatformApiKey", .provider = std::move(provider)};
    AC_CO_CHECK(co_await note(caller, std::move(entry), error_of(key)));
    co_return std::move(key);
}

Task<OauthTokenAnswer> Credentials::oauth_token(Caller caller, OauthTokenRequest request) {
    AuditEntry entry{.operation = "GetResourceOauth2Token", .provider = request.provider};
    auto claims = co_await claims_of(caller, request.workload_token);
    if (!claims) {
        AC_CO_CHECK(co_await note(caller, std::move(entry), &claims.error()));
        co_return fail(std::move(claims).error());
    }
    entry.workload = claims->workload;
    entry.user = claims->user.text();
    auto answer = co_await answer_oauth(*claims, std::move(request));
    if (answer && answer->consent) entry.result = "consent";
    AC_CO_CHECK(co_await note(caller, std::move(entry), error_of(answer)));
    co_return std::move(answer);
}

Task<OauthTokenAnswer> Credentials::answer_oauth(const WorkloadClaims& claims,
                                                 OauthTokenRequest request) {
    Client client{.scope = claims.scope, .provider = nullptr};
    AC_CO_TRY(client.provider,
              co_await providers_.find(claims.scope, ProviderKind::oauth2, request.provider));
    if (request.flow == OauthFlow::user_federation)
        co_return co_await answer_federation(std::move(client), claims, std::move(request));
    Grants::Request wanted{.workload = claims.workload,
                           .user = claims.user,
                           .wish = std::move(request.wish),
                           .fresh = request.force};
    OauthTokenAnswer answer;
    if (request.flow == OauthFlow::m2m) {
        AC_CO_TRY(answer.access_token,
                  co_await grants_.client_credentials(std::move(client), std::move(wanted)));
        co_return answer;
    }
    if (claims.user_token.empty())
        co_return fail(ErrorCode::invalid_argument,
                       "ON_BEHALF_OF_TOKEN_EXCHANGE needs a workload access token that was got "
                       "with the user's own token (GetWorkloadAccessTokenForJWT)");
    AC_CO_TRY(answer.access_token, co_await grants_.exchanged(std::move(client), std::move(wanted),
                                                              claims.user_token.copy()));
    co_return answer;
}

Task<OauthTokenAnswer> Credentials::answer_federation(Client client, const WorkloadClaims& claims,
                                                      OauthTokenRequest request) {
    if (claims.user.is_nobody())
        co_return fail(ErrorCode::invalid_argument,
                       "USER_FEDERATION needs a workload access token of a user "
                       "(GetWorkloadAccessTokenForUserId or ...ForJWT)");
    OauthTokenAnswer answer;
    if (!request.session_uri.empty()) {
        AC_CO_TRY(answer.consent, co_await consents_.look(client, request.session_uri,
                                                          claims.workload, claims.user));
        if (answer.consent) co_return answer;
    }
    if (!request.force || !request.session_uri.empty()) {
        Grants::Request wanted{
            .workload = claims.workload, .user = claims.user, .wish = request.wish};
        AC_CO_TRY(auto token, co_await grants_.users_own(client, std::move(wanted)));
        if (token) {
            answer.access_token = *std::move(token);
            co_return answer;
        }
    }
    if (!request.session_uri.empty())
        co_return fail(ErrorCode::not_found,
                       "The authorization session does not exist, or its time is over");
    ConsentRequest asked{.workload = claims.workload,
                         .user = claims.user,
                         .wish = std::move(request.wish),
                         .return_url = std::move(request.return_url),
                         .custom_state = std::move(request.custom_state),
                         .custom_parameters = std::move(request.custom_parameters)};
    AC_CO_TRY(answer.consent, co_await consents_.begin(std::move(client), std::move(asked)));
    co_return answer;
}

Task<> Credentials::complete(Caller caller, std::string session_uri, UserKey user) {
    return consents_.complete(std::move(caller), std::move(session_uri), std::move(user));
}

}  // namespace ac::identity
