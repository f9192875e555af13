#include "bearer/authorizer.h"

#include <algorithm>

#include "base/encoding.h"
#include "crypto/base64url.h"
#include "crypto/jwt.h"

namespace ac::bearer {

Task<TokenHolder> Authorizer::verify(std::string discovery_url, std::string token) {
    AC_CO_TRY(Jwt jwt, parse_jwt(token));
    AC_CO_TRY(KeysPointer known, co_await keys_.find(discovery_url));
    // Before the keys: a token of another issuer must not make us fetch anything.
    if (text_claim(jwt.claims, "iss") != known->metadata.issuer)
        co_return fail(ErrorCode::unauthenticated, "the token is of another issuer");
    Result<> verified = verify_signature(jwt, known->keys);
    if (!verified && verified.error().reason == kUnknownKey) {
        AC_CO_TRY(const KeysPointer newer, co_await keys_.find_newer(discovery_url, known));
        verified = verify_signature(jwt, newer->keys);
    }
    AC_CO_CHECK(std::move(verified));
    AC_CO_CHECK(check_times(jwt.claims, clock_.wall()));
    TokenHolder holder;
    holder.issuer = known->metadata.issuer;
    holder.subject = text_claim(jwt.claims, "sub").value_or("");
    holder.client = client_of(jwt.claims);
    holder.claims = std::move(jwt.claims);
    co_return holder;
}

Task<TokenHolder> Authorizer::authorize(const Rules& rules, std::string token) {
    AC_CO_TRY(TokenHolder holder, co_await verify(rules.discovery_url, std::move(token)));
    AC_CO_CHECK(check_claims(rules, holder.claims));
    co_return holder;
}

std::optional<std::string> bearer_token_in_protocols(std::string_view protocols) {
    constexpr std::string_view kPrefix = "base64UrlBearerAuthorization.";
    while (!protocols.empty()) {
        const auto end = std::min(protocols.find(','), protocols.size());
        const std::string_view protocol = trim(protocols.substr(0, end));
        protocols.remove_prefix(std::min(end + 1, protocols.size()));
        if (!protocol.starts_with(kPrefix)) continue;
        const auto token = from_base64url(protocol.substr(kPrefix.size()));
        if (!token || !bearer_token_in("Bearer " + *token)) return std::nullopt;
        return *token;
    }
    return std::nullopt;
}

std::optional<std::string_view> bearer_token_in(std::string_view authorization) {
    constexpr std::string_view kScheme = "bearer ";
    if (authorization.size() <= kScheme.size() ||
        !equals_ignoring_case(authorization.substr(0, kScheme.size()), kScheme))
        return std::nullopt;
    const std::string_view token = trim(authorization.substr(kScheme.size()));
    // token68, RFC 9110 11.2.
    for (const char c : token)
        if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') &&
            std::string_view("-._~+/=").find(c) == std::string_view::npos)
            return std::nullopt;
    if (token.empty()) return std::nullopt;
    return token;
}

}  // namespace ac::bearer
