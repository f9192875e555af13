#include "identity/oauth_request.h"

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "crypto/wipe.h"

namespace ac::identity {
namespace {

// What custom parameters may not touch; "scope" has other names at some vendors.
constexpr std::array<std::string_view, 13> kReserved = {
    "response_type", "client_id",   "redirect_uri",  "state",    "code_challenge",
    "scope",         "user_scope",  "client_secret", "resource", "code_challenge_method",
    "request",       "request_uri", "response_mode"};

constexpr std::string_view kTokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange";
constexpr std::string_view kJwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";
constexpr std::string_view kAccessTokenType = "urn:ietf:params:oauth:token-type:access_token";
constexpr std::string_view kJwtType = "urn:ietf:params:oauth:token-type:jwt";

std::string joined(const std::vector<std::string>& parts, char separator) {
    std::string out;
    for (const std::string& part : parts) {
        if (!out.empty()) out += separator;
        out += part;
    }
    return out;
}

std::string scopes_of(const Vendor& vendor, const Wish& wish) {
    return joined(wish.scopes, vendor.scope_separator == ScopeSeparator::comma ? ',' : ' ');
}

void add_targets(Parameters& out, const Wish& wish) {
    for (const std::string& resource : wish.resources) out.push_back({"resource", resource});
    for (const std::string& audience : wish.audiences) out.push_back({"audience", audience});
}

std::string form_of(const Parameters& parameters) {
    std::string out;
    for (const Parameter& parameter : parameters) {
        if (!out.empty()) out += '&';
        out += percent_encode(parameter.name);
        out += '=';
        out += percent_encode(parameter.value);
    }
    return out;
}

ClientAuthentication authentication_of(const ServerMetadata& server, const Vendor& vendor,
                                       const OauthConfig& config) {
    if (config.authentication) return *config.authentication;
    const auto& methods =
        config.token_auth_methods.empty() ? server.token_auth_methods : config.token_auth_methods;
    const auto takes = [&](std::string_view method) {
        return std::ranges::find(methods, method) != methods.end();
    };
    if (methods.empty()) {
        // RFC 8414 section 2: basic is the default of who says nothing.
        return vendor.name == "CustomOauth2" ? ClientAuthentication::basic : vendor.authentication;
    }
    if (takes("client_secret_basic")) return ClientAuthentication::basic;
    return ClientAuthentication::post;
}

}  // namespace

std::string code_challenge(std::string_view verifier) {
    return to_base64url(as_text(sha256(verifier)));
}

std::string with_query(std::string_view url, const Parameters& parameters) {
    const auto hash = url.find('#');
    const std::string_view fragment = hash == std::string_view::npos ? "" : url.substr(hash);
    std::string out(url.substr(0, hash));
    const auto mark = out.find('?');
    if (mark == std::string::npos)
        out += '?';
    else if (!out.ends_with('?') && !out.ends_with('&'))
        out += '&';
    out += form_of(parameters);
    out += fragment;
    return out;
}

std::string authorization_url(const ServerMetadata& server, const Vendor& vendor,
                              const OauthConfig& config, const Wish& wish,
                              const AuthorizationRequest& request) {
    Parameters parameters = {{"response_type", "code"},
                             {"client_id", config.client_id},
                             {"redirect_uri", request.redirect_uri},
                             {"state", request.state}};
    if (!wish.scopes.empty())
        parameters.push_back({std::string(vendor.scope_parameter), scopes_of(vendor, wish)});
    if (vendor.pkce == Pkce::s256) {
        parameters.push_back({"code_challenge", code_challenge(request.verifier)});
        parameters.push_back({"code_challenge_method", "S256"});
    }
    add_targets(parameters, wish);
    for (const auto& [name, value] : request.custom_parameters)
        if (std::ranges::find(kReserved, name) == kReserved.end())
            parameters.push_back({name, value});
    for (const auto& [name, value] : vendor.authorization_extras)
        if (!request.custom_parameters.contains(std::string(name)))
            parameters.push_back({std::string(name), std::string(value)});
    return with_query(server.authorization_endpoint, parameters);
}

Parameters client_credentials_grant(const Vendor& vendor, const Wish& wish) {
    Parameters out = {{"grant_type", "client_credentials"}};
    if (!wish.scopes.empty()) out.push_back({"scope", scopes_of(vendor, wish)});
    add_targets(out, wish);
    return out;
}

Parameters code_grant(std::string_view code, std::string_view redirect_uri,
                      std::string_view verifier) {
    Parameters out = {{"grant_type", "authorization_code"},
                      {"code", std::string(code)},
                      {"redirect_uri", std::string(redirect_uri)}};
    if (!verifier.empty()) out.push_back({"code_verifier", std::string(verifier)});
    return out;
}

Parameters refresh_grant(std::string_view refresh_token) {
    return {{"grant_type", "refresh_token"}, {"refresh_token", std::string(refresh_token)}};
}

Parameters token_exchange_grant(const Wish& wish, std::string_view subject_token,
                                std::string_view actor_token) {
    Parameters out = {{"grant_type", std::string(kTokenExchange)},
                      {"subject_token", std::string(subject_token)},
                      {"subject_token_type", std::string(kJwtType)},
                      {"requested_token_type", std::string(kAccessTokenType)}};
    if (!actor_token.empty()) {
        out.push_back({"actor_token", std::string(actor_token)});
        out.push_back({"actor_token_type", std::string(kAccessTokenType)});
    }
    if (!wish.scopes.empty()) out.push_back({"scope", joined(wish.scopes, ' ')});
    add_targets(out, wish);
    return out;
}

Parameters jwt_bearer_grant(const Vendor& vendor, const Wish& wish, std::string_view assertion) {
    Parameters out = {{"grant_type", std::string(kJwtBearer)},
                      {"assertion", std::string(assertion)}};
    // Entra ID's name for it.
    if (vendor.name == "MicrosoftOauth2") out.push_back({"requested_token_use", "on_behalf_of"});
    if (!wish.scopes.empty()) out.push_back({"scope", joined(wish.scopes, ' ')});
    add_targets(out, wish);
    return out;
}

OutsideRequest token_request(const ServerMetadata& server, const Vendor& vendor,
                             const OauthConfig& config, std::string_view client_secret,
                             Parameters parameters, const IdentityLimits& limits) {
    const StackWipe wiped;
    OutsideRequest request{.method = "POST",
                           .url = server.token_endpoint,
                           .headers = {},
                           .body = {},
                           .answer_bytes_max = limits.token_answer_bytes_max,
                           .timeout = limits.provider_timeout};
    request.headers.add("Accept", "application/json");
    request.headers.add("User-Agent", "agentcored");
    if (authentication_of(server, vendor, config) == ClientAuthentication::basic) {
        // RFC 6749 2.3.1: each part form-encoded before they are put together.
        std::string both = percent_encode(config.client_id) + ":" + percent_encode(client_secret);
        request.headers.add("Authorization", "Basic " + to_base64(both));
        wipe(both);
    } else {
        parameters.push_back({"client_id", config.client_id});
        parameters.push_back({"client_secret", std::string(client_secret)});
    }
    if (vendor.token_body == TokenBody::json) {
        json::object body;
        for (const Parameter& parameter : parameters) body[parameter.name] = parameter.value;
        request.headers.add("Content-Type", "application/json");
        request.body = json::serialize(body);
    } else {
        request.headers.add("Content-Type", "application/x-www-form-urlencoded");
        request.body = form_of(parameters);
    }
    for (Parameter& parameter : parameters) wipe(parameter.value);
    return request;
}

}  // namespace ac::identity
