#include "issuer/issuer.h"

#include <boost/json.hpp>

namespace ac::issuer {
namespace {

constexpr std::string_view kDiscovery = "/.well-known/openid-configuration";
constexpr std::string_view kKeys = "/.well-known/jwks.json";

// The pool that a URL of Cognito's names; empty: none.
std::string pool_in(std::string_view url) {
    constexpr std::string_view kStart = "https://cognito-idp.";
    if (!url.starts_with(kStart)) return {};
    const auto slash = url.find('/', kStart.size());
    const auto end = slash == url.npos ? slash : url.find('/', slash + 1);
    if (end == url.npos) return {};
    return std::string(url.substr(slash + 1, end - slash - 1));
}

}  // namespace

std::string domain_url(const Pool& pool) {
    return "https://" + pool.domain + ".auth." + pool.scope.region + ".amazoncognito.com";
}

json::object Issuer::metadata(const Pool& pool, std::string_view base_view) const {
    const std::string base(base_view);
    json::object out;
    out["issuer"] = pool.url;
    out["authorization_endpoint"] = base + "/oauth2/authorize";
    out["token_endpoint"] = base + "/oauth2/token";
    out["userinfo_endpoint"] = base + "/oauth2/userInfo";
    out["revocation_endpoint"] = base + "/oauth2/revoke";
    // Cognito's keys are where its issuer is, its other endpoints at its domain.
    out["jwks_uri"] = (base == domain_url(pool) ? pool.url : base) + std::string(kKeys);
    out["response_types_supported"] = json::array{"code"};
    out["response_modes_supported"] = json::array{"query"};
    out["grant_types_supported"] =
        json::array{"authorization_code", "client_credentials", "refresh_token",
                    "urn:ietf:params:oauth:grant-type:token-exchange"};
    out["subject_types_supported"] = json::array{"public"};
    out["id_token_signing_alg_values_supported"] = json::array{to_string(pool.algorithm)};
    out["token_endpoint_auth_methods_supported"] =
        json::array{"client_secret_basic", "client_secret_post", "none"};
    out["revocation_endpoint_auth_methods_supported"] =
        json::array{"client_secret_basic", "client_secret_post", "none"};
    out["code_challenge_methods_supported"] = json::array{"S256"};
    out["scopes_supported"] = json::array{"openid", "email", "phone", "profile"};
    out["claims_supported"] =
        json::array{"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "name", "email"};
    out["authorization_response_iss_parameter_supported"] = true;
    return out;
}

Task<std::string> Issuer::key_set(Pool pool) {
    AC_CO_TRY(const KeySetPointer keys, co_await keys_.of(pool));
    json::array list;
    for (const Jwk& jwk : keys->published.keys()) list.push_back(to_json(jwk));
    json::object set;
    set["keys"] = std::move(list);
    co_return json::serialize(set);
}

Task<std::int64_t> Issuer::rewrap() {
    AC_CO_TRY(const std::int64_t keys, co_await keys_.rewrap());
    AC_CO_TRY(const std::int64_t clients, co_await directory_.rewrap());
    co_return keys + clients;
}

Task<std::optional<std::string>> Issuer::find(std::string url) {
    std::optional<Pool> pool = directory_.default_pool();
    if (!pool || !url.starts_with(pool->url + "/.well-known/")) {
        const std::string id = pool_in(url);
        if (id.empty()) co_return std::nullopt;
        auto found = co_await directory_.pool(id);
        if (!found && found.error().code == ErrorCode::not_found) co_return std::nullopt;
        AC_CO_TRY(pool, std::move(found));
    }
    if (url == pool->url + std::string(kKeys)) {
        AC_CO_TRY(std::string keys, co_await key_set(*std::move(pool)));
        co_return keys;
    }
    if (url != pool->url + std::string(kDiscovery)) co_return std::nullopt;
    const std::string base = pool->domain.empty() ? pool->url : domain_url(*pool);
    json::object document = metadata(*pool, base);
    co_return json::serialize(document);
}

}  // namespace ac::issuer
