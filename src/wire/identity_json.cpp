#include "wire/identity_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/value_from.hpp>
#include <boost/json/value_to.hpp>

#include "crypto/wipe.h"
#include "net/url.h"

namespace ac::wire {

using identity::NewProvider;
using identity::OauthConfig;
using identity::ProviderKind;

namespace {

std::unexpected<Error> invalid(std::string message) {
    return fail(ErrorCode::invalid_argument, std::move(message));
}

std::unexpected<Error> unsupported(std::string_view what, std::string_view why) {
    return invalid(fmt::format("{} is not supported by agentcored: {}", what, why));
}

std::string text_in(const json::object& object, std::string_view name) {
    const auto* const value = object.if_contains(name);
    return value ? json::value_to<std::string>(*value) : std::string();
}

std::vector<std::string> texts_in(const json::object& object, std::string_view name) {
    const auto* const value = object.if_contains(name);
    return value ? json::value_to<std::vector<std::string>>(*value) : std::vector<std::string>();
}

constexpr std::string_view kNoSecretsManager =
    "it keeps secrets itself, there is no Secrets "
    "Manager here";

// {apiKey, apiKeySecretSource, apiKeySecretConfig}, or the same of clientSecret.
Result<SecretBytes> secret_from(json::object& object, std::string_view name, SecretIs is) {
    const std::string source =
        fmt::format("{}{}", name, name == "apiKey" ? "SecretSource" : "Source");
    const std::string config =
        fmt::format("{}{}", name, name == "apiKey" ? "SecretConfig" : "Config");
    SecretBytes secret = take_secret(object, name);
    if (text_in(object, source) == "EXTERNAL")
        return unsupported(source + " EXTERNAL", kNoSecretsManager);
    if (object.contains(config)) return unsupported(config, kNoSecretsManager);
    if (secret.empty() && is == SecretIs::required)
        return invalid(fmt::format("{} is required", name));
    return secret;
}

Result<> check_endpoint(std::string_view member, const std::string& url) {
    if (url.empty()) return {};
    if (auto parsed = net::parse_url(url); !parsed || url.find('#') != std::string::npos)
        return invalid(fmt::format("{} is not an http or https URL", member));
    return {};
}

Result<> read_discovery(const json::object& discovery, OauthConfig& out) {
    out.discovery_url = text_in(discovery, "discoveryUrl");
    AC_CHECK(check_endpoint("discoveryUrl", out.discovery_url));
    const auto* const metadata = discovery.if_contains("authorizationServerMetadata");
    if (!metadata) {
        if (out.discovery_url.empty())
            return invalid(
                "oauthDiscovery has neither discoveryUrl nor "
                "authorizationServerMetadata");
        return {};
    }
    const auto& object = metadata->as_object();
    out.issuer = text_in(object, "issuer");
    out.authorization_endpoint = text_in(object, "authorizationEndpoint");
    out.token_endpoint = text_in(object, "tokenEndpoint");
    out.response_types = texts_in(object, "responseTypes");
    out.token_auth_methods = texts_in(object, "tokenEndpointAuthMethods");
    return {};
}

Result<> read_exchange(const json::object& exchange, OauthConfig& out) {
    if (text_in(exchange, "grantType") == "JWT_AUTHORIZATION_GRANT") {
        out.exchange = identity::ExchangeGrant::jwt_bearer;
        return {};
    }
    out.exchange = identity::ExchangeGrant::token_exchange;
    const auto* const config = exchange.if_contains("tokenExchangeGrantTypeConfig");
    if (!config) return {};
    const std::string actor = text_in(config->as_object(), "actorTokenContent");
    if (actor == "AWS_IAM_ID_TOKEN_JWT")
        return unsupported("actorTokenContent AWS_IAM_ID_TOKEN_JWT", "there are no such tokens");
    out.actor_scopes = texts_in(config->as_object(), "actorTokenScopes");
    if (actor == "M2M")
        out.actor = identity::ActorToken::m2m;
    else if (!out.actor_scopes.empty())
        return invalid("actorTokenScopes goes with actorTokenContent M2M only");
    return {};
}

Result<> read_custom(const json::object& custom, OauthConfig& out) {
    for (const std::string_view name : {"privateEndpoint", "privateEndpointOverrides"}) {
        const auto* const value = custom.if_contains(name);
        if (value && !(value->is_array() && value->as_array().empty()))
            return unsupported(name, "there is no VPC Lattice here");
    }
    if (custom.contains("privateKeyJwtConfig"))
        return unsupported("privateKeyJwtConfig", "there is no KMS here to sign with");
    if (const auto* const discovery = custom.if_contains("oauthDiscovery"))
        AC_CHECK(read_discovery(discovery->as_object(), out));
    if (const auto* const exchange = custom.if_contains("onBehalfOfTokenExchangeConfig"))
        AC_CHECK(read_exchange(exchange->as_object(), out));
    const std::string method = text_in(custom, "clientAuthenticationMethod");
    if (method == "CLIENT_SECRET_BASIC")
        out.authentication = identity::ClientAuthentication::basic;
    else if (method == "CLIENT_SECRET_POST")
        out.authentication = identity::ClientAuthentication::post;
    else if (!method.empty())
        return unsupported("clientAuthenticationMethod " + method,
                           "clients authenticate with their secret");
    return {};
}

json::object discovery_output(const OauthConfig& config) {
    if (!config.discovery_url.empty()) return {{"discoveryUrl", config.discovery_url}};
    json::object metadata;
    metadata["issuer"] = config.issuer;
    metadata["authorizationEndpoint"] = config.authorization_endpoint;
    metadata["tokenEndpoint"] = config.token_endpoint;
    if (!config.response_types.empty())
        metadata["responseTypes"] = json::value_from(config.response_types);
    else if (config.vendor != "CustomOauth2")
        metadata["responseTypes"] = json::array{"code"};
    if (!config.token_auth_methods.empty())
        metadata["tokenEndpointAuthMethods"] = json::value_from(config.token_auth_methods);
    return {{"authorizationServerMetadata", std::move(metadata)}};
}

json::object exchange_output(const OauthConfig& config) {
    if (config.exchange == identity::ExchangeGrant::jwt_bearer)
        return {{"grantType", "JWT_AUTHORIZATION_GRANT"}};
    json::object actor;
    actor["actorTokenContent"] = config.actor == identity::ActorToken::m2m ? "M2M" : "NONE";
    if (!config.actor_scopes.empty())
        actor["actorTokenScopes"] = json::value_from(config.actor_scopes);
    return {{"grantType", "TOKEN_EXCHANGE"}, {"tokenExchangeGrantTypeConfig", std::move(actor)}};
}

json::object config_output(const OauthConfig& config) {
    json::object out;
    out["oauthDiscovery"] = discovery_output(config);
    if (!config.client_id.empty()) out["clientId"] = config.client_id;
    if (config.exchange != identity::ExchangeGrant::none)
        out["onBehalfOfTokenExchangeConfig"] = exchange_output(config);
    if (config.authentication)
        out["clientAuthenticationMethod"] =
            *config.authentication == identity::ClientAuthentication::basic ? "CLIENT_SECRET_BASIC"
                                                                            : "CLIENT_SECRET_POST";
    const auto* const vendor = identity::find_vendor(config.vendor);
    AC_ASSERT(vendor != nullptr);
    return {{vendor->member, std::move(out)}};
}

}  // namespace

identity::Caller caller_from(const CallContext& call) {
    return {.scope = call.scope, .principal = call.principal.arn, .request_id = call.request_id};
}

identity::PageRequest identity_page_from(const json::object& input) {
    identity::PageRequest page{.items_max = {}, .token = text_in(input, "nextToken")};
    if (const auto* const wanted = input.if_contains("maxResults"))
        page.items_max = json::value_to<int>(*wanted);
    return page;
}

identity::Tags identity_tags_from(const json::object& input) {
    identity::Tags tags;
    if (const auto* const given = input.if_contains("tags"))
        for (const auto& [key, value] : given->as_object())
            tags.emplace(std::string_view(key.data(), key.size()),
                         json::value_to<std::string>(value));
    return tags;
}

SecretBytes take_secret(json::object& input, std::string_view name) {
    auto* const value = input.if_contains(name);
    if (!value) return {};
    json::string& text = value->as_string();
    SecretBytes secret{std::string_view(text)};
    wipe(text.data(), text.size());
    input.erase(name);
    return secret;
}

Result<NewProvider> api_key_provider_from(json::object& input, SecretIs is) {
    NewProvider out{.kind = ProviderKind::api_key,
                    .name = text_in(input, "name"),
                    .oauth = {},
                    .secret = {},
                    .tags = identity_tags_from(input)};
    AC_TRY(out.secret, secret_from(input, "apiKey", is));
    return out;
}

Result<NewProvider> oauth_provider_from(json::object& input, SecretIs is) {
    NewProvider out{.kind = ProviderKind::oauth2,
                    .name = text_in(input, "name"),
                    .oauth = {},
                    .secret = {},
                    .tags = identity_tags_from(input)};
    out.oauth.vendor = text_in(input, "credentialProviderVendor");
    const auto* const vendor = identity::find_vendor(out.oauth.vendor);
    if (!vendor) return invalid("credentialProviderVendor is not known: " + out.oauth.vendor);
    auto& config_input = input.at("oauth2ProviderConfigInput").as_object();
    auto* const chosen = config_input.if_contains(vendor->member);
    if (!chosen)
        return invalid(fmt::format("oauth2ProviderConfigInput of {} has the member {}",
                                   vendor->name, vendor->member));
    json::object& config = chosen->as_object();
    AC_TRY(out.secret, secret_from(config, "clientSecret", is));
    out.oauth.client_id = text_in(config, "clientId");
    if (out.oauth.client_id.empty()) return invalid("clientId is required");
    out.oauth.tenant = text_in(config, "tenantId");
    out.oauth.issuer = text_in(config, "issuer");
    out.oauth.authorization_endpoint = text_in(config, "authorizationEndpoint");
    out.oauth.token_endpoint = text_in(config, "tokenEndpoint");
    AC_CHECK(read_custom(config, out.oauth));
    AC_CHECK(check_endpoint("issuer", out.oauth.issuer));
    AC_CHECK(check_endpoint("authorizationEndpoint", out.oauth.authorization_endpoint));
    AC_CHECK(check_endpoint("tokenEndpoint", out.oauth.token_endpoint));
    AC_CHECK(identity::complete_endpoints(*vendor, out.oauth));
    return out;
}

Result<identity::OauthTokenRequest> oauth_token_request_from(json::object& input) {
    identity::OauthTokenRequest out{.workload_token = text_in(input, "workloadIdentityToken"),
                                    .provider = text_in(input, "resourceCredentialProviderName"),
                                    .session_uri = text_in(input, "sessionUri"),
                                    .return_url = text_in(input, "resourceOauth2ReturnUrl"),
                                    .custom_state = text_in(input, "customState")};
    const std::string flow = text_in(input, "oauth2Flow");
    out.flow = flow == "M2M"               ? identity::OauthFlow::m2m
               : flow == "USER_FEDERATION" ? identity::OauthFlow::user_federation
                                           : identity::OauthFlow::on_behalf_of;
    out.wish = {.scopes = texts_in(input, "scopes"),
                .resources = texts_in(input, "resources"),
                .audiences = texts_in(input, "audiences")};
    if (const auto* const force = input.if_contains("forceAuthentication"))
        out.force = force->as_bool();
    if (const auto* const custom = input.if_contains("customParameters"))
        for (const auto& [key, value] : custom->as_object())
            out.custom_parameters.emplace(std::string_view(key.data(), key.size()),
                                          json::value_to<std::string>(value));
    return out;
}

Result<identity::VaultView> vault_from(const json::object& input) {
    identity::VaultView out;
    if (input.contains("tokenVaultId")) out.id = text_in(input, "tokenVaultId");
    const auto& kms = input.at("kmsConfiguration").as_object();
    const bool is_customer = text_in(kms, "keyType") == "CustomerManagedKey";
    out.kms_key_arn = text_in(kms, "kmsKeyArn");
    out.key_type = is_customer ? identity::VaultKeyType::customer : identity::VaultKeyType::service;
    if (is_customer == out.kms_key_arn.empty())
        return invalid("kmsKeyArn goes with keyType CustomerManagedKey, and only with it");
    return out;
}

json::object workload_output(const Scope& scope, const identity::Workload& workload) {
    json::object out;
    out["name"] = workload.name;
    out["workloadIdentityArn"] = identity::workload_arn(scope, workload.name);
    out["allowedResourceOauth2ReturnUrls"] = json::value_from(workload.return_urls);
    out["createdTime"] = to_epoch_ms(workload.created_at);
    out["lastUpdatedTime"] = to_epoch_ms(workload.updated_at);
    return out;
}

json::object provider_output(const Scope& scope, const identity::Provider& provider,
                             const std::string& callback_url) {
    json::object out;
    out["name"] = provider.name;
    out["credentialProviderArn"] = identity::provider_arn(scope, provider.kind, provider.name);
    out["createdTime"] = to_epoch_ms(provider.created_at);
    out["lastUpdatedTime"] = to_epoch_ms(provider.updated_at);
    json::object secret;
    secret["secretArn"] = identity::secret_arn(scope, provider.kind, provider.name);
    if (provider.kind == ProviderKind::api_key) {
        out["apiKeySecretArn"] = std::move(secret);
        out["apiKeySecretSource"] = "MANAGED";
        return out;
    }
    out["clientSecretArn"] = std::move(secret);
    out["clientSecretSource"] = "MANAGED";
    out["credentialProviderVendor"] = provider.oauth.vendor;
    out["callbackUrl"] = callback_url;
    out["oauth2ProviderConfigOutput"] = config_output(provider.oauth);
    out["status"] = "READY";
    return out;
}

json::object oauth_answer_output(const identity::OauthTokenAnswer& answer) {
    json::object out;
    if (!answer.consent) {
        out["accessToken"] = answer.access_token.view();
        return out;
    }
    if (!answer.consent->authorization_url.empty())
        out["authorizationUrl"] = answer.consent->authorization_url;
    out["sessionUri"] = answer.consent->session_uri;
    out["sessionStatus"] = answer.consent->failed ? "FAILED" : "IN_PROGRESS";
    return out;
}

json::object vault_output(const identity::VaultView& vault) {
    const bool is_customer = vault.key_type == identity::VaultKeyType::customer;
    json::object kms;
    kms["keyType"] = is_customer ? "CustomerManagedKey" : "ServiceManagedKey";
    if (is_customer) kms["kmsKeyArn"] = vault.kms_key_arn;
    json::object out;
    out["tokenVaultId"] = vault.id;
    out["kmsConfiguration"] = std::move(kms);
    out["lastModifiedDate"] = to_epoch_ms(vault.modified_at);
    return out;
}

}  // namespace ac::wire
