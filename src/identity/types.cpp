#include "identity/types.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/value_from.hpp>
#include <boost/json/value_to.hpp>

#include "base/encoding.h"
#include "crypto/hash.h"

namespace ac::identity {
namespace {

std::string arn_head(const Scope& scope) {
    return fmt::format("arn:aws:bedrock-agentcore:{}:{}:", scope.region, scope.account);
}

std::string text_of(const json::object& object, std::string_view name) {
    const auto* const value = object.if_contains(name);
    return value ? json::value_to<std::string>(*value) : std::string();
}

std::vector<std::string> texts_of(const json::object& object, std::string_view name) {
    const auto* const value = object.if_contains(name);
    return value ? json::value_to<std::vector<std::string>>(*value) : std::vector<std::string>();
}

}  // namespace

std::string_view to_string(ProviderKind kind) {
    return kind == ProviderKind::api_key ? "apikey" : "oauth2";
}

UserKey UserKey::of_id(std::string_view user_id) {
    return stored("id/" + percent_encode(user_id));
}

UserKey UserKey::of_jwt(std::string_view issuer, std::string_view subject) {
    return stored("jwt/" + percent_encode(issuer) + "/" + percent_encode(subject));
}

UserKey UserKey::stored(std::string text) {
    UserKey key;
    key.text_ = std::move(text);
    return key;
}

json::object to_json(const OauthConfig& config) {
    json::object out;
    out["vendor"] = config.vendor;
    out["clientId"] = config.client_id;
    out["discoveryUrl"] = config.discovery_url;
    out["issuer"] = config.issuer;
    out["authorizationEndpoint"] = config.authorization_endpoint;
    out["tokenEndpoint"] = config.token_endpoint;
    out["responseTypes"] = json::value_from(config.response_types);
    out["tokenAuthMethods"] = json::value_from(config.token_auth_methods);
    if (config.authentication)
        out["authentication"] =
            *config.authentication == ClientAuthentication::basic ? "basic" : "post";
    if (config.exchange != ExchangeGrant::none)
        out["exchange"] =
            config.exchange == ExchangeGrant::token_exchange ? "token-exchange" : "jwt-bearer";
    if (config.actor == ActorToken::m2m) out["actor"] = "m2m";
    out["actorScopes"] = json::value_from(config.actor_scopes);
    out["tenant"] = config.tenant;
    return out;
}

OauthConfig oauth_config_from(const json::object& document) {
    OauthConfig out{.vendor = text_of(document, "vendor"),
                    .client_id = text_of(document, "clientId"),
                    .discovery_url = text_of(document, "discoveryUrl"),
                    .issuer = text_of(document, "issuer"),
                    .authorization_endpoint = text_of(document, "authorizationEndpoint"),
                    .token_endpoint = text_of(document, "tokenEndpoint"),
                    .response_types = texts_of(document, "responseTypes"),
                    .token_auth_methods = texts_of(document, "tokenAuthMethods"),
                    .actor_scopes = texts_of(document, "actorScopes"),
                    .tenant = text_of(document, "tenant")};
    if (const std::string how = text_of(document, "authentication"); !how.empty())
        out.authentication =
            how == "basic" ? ClientAuthentication::basic : ClientAuthentication::post;
    if (const std::string how = text_of(document, "exchange"); !how.empty())
        out.exchange =
            how == "token-exchange" ? ExchangeGrant::token_exchange : ExchangeGrant::jwt_bearer;
    if (text_of(document, "actor") == "m2m") out.actor = ActorToken::m2m;
    return out;
}

std::string workload_arn(const Scope& scope, std::string_view name) {
    return fmt::format("{}workload-identity-directory/default/workload-identity/{}",
                       arn_head(scope), name);
}

std::string provider_arn(const Scope& scope, ProviderKind kind, std::string_view name) {
    return fmt::format("{}token-vault/{}/{}credentialprovider/{}", arn_head(scope), kDefaultVault,
                       to_string(kind), name);
}

std::string secret_arn(const Scope& scope, ProviderKind kind, std::string_view name) {
    const std::string tail = sha256_hex(provider_arn(scope, kind, name)).substr(0, 6);
    return fmt::format(
        "arn:aws:secretsmanager:{}:{}:secret:bedrock-agentcore-identity!default/{}/{}-{}",
        scope.region, scope.account, to_string(kind), name, tail);
}

}  // namespace ac::identity
