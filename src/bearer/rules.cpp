#include "bearer/rules.h"

#include <algorithm>
#include <boost/json.hpp>

#include "bearer/discovery.h"
#include "crypto/jwt.h"

namespace ac::bearer {
namespace {

namespace json = boost::json;

std::unexpected<Error> invalid(std::string path, std::string message) {
    Error error{.code = ErrorCode::invalid_argument, .message = path + ": " + message};
    error.fields.push_back({std::move(path), std::move(message)});
    return fail(std::move(error));
}

std::string text_or_empty(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    if (value == nullptr || !value->is_string()) return {};
    return std::string(value->get_string());
}

std::vector<std::string> list_in(const json::object& object, std::string_view name) {
    std::vector<std::string> out;
    const json::value* value = object.if_contains(name);
    if (value == nullptr || !value->is_array()) return out;
    for (const json::value& item : value->get_array())
        if (item.is_string()) out.emplace_back(item.get_string());
    return out;
}

const json::object* object_in(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    return value == nullptr ? nullptr : value->if_object();
}

// STRING goes with EQUALS, STRING_ARRAY with CONTAINS and CONTAINS_ANY; EQUALS and CONTAINS take
// one value, CONTAINS_ANY a list.
Result<ClaimRule> parse_claim(const json::object& object, const std::string& path) {
    ClaimRule rule{.claim = text_or_empty(object, "inboundTokenClaimName")};
    const std::string type = text_or_empty(object, "inboundTokenClaimValueType");
    const json::object* match = object_in(object, "authorizingClaimMatchValue");
    const json::object* value = match == nullptr ? nullptr : object_in(*match, "claimMatchValue");
    if (value == nullptr) return invalid(path + ".authorizingClaimMatchValue", "is required");
    const std::string operation = text_or_empty(*match, "claimMatchOperator");
    const bool is_list = operation == "CONTAINS_ANY";
    rule.match = is_list                   ? ClaimRule::Match::contains_any
                 : operation == "CONTAINS" ? ClaimRule::Match::contains
                                           : ClaimRule::Match::equals;
    if ((type == "STRING") != (rule.match == ClaimRule::Match::equals))
        return invalid(path + ".authorizingClaimMatchValue.claimMatchOperator",
                       operation + " does not go with " + type);
    if (is_list)
        rule.values = list_in(*value, "matchValueStringList");
    else if (value->contains("matchValueString"))
        rule.values.push_back(text_or_empty(*value, "matchValueString"));
    if (rule.values.empty())
        return invalid(
            path + ".authorizingClaimMatchValue.claimMatchValue",
            operation + " wants " + (is_list ? "matchValueStringList" : "matchValueString"));
    return rule;
}

Result<> parse_scopes(const json::object& object, const std::string& path, Rules& rules) {
    rules.scopes = list_in(object, "allowedScopes");
    const json::object* mapping = object_in(object, "advertisedScopeMapping");
    if (mapping == nullptr) return {};
    for (const auto& [name, value] : *mapping) {
        const std::string scope(name);
        if (std::ranges::find(rules.scopes, scope) == rules.scopes.end())
            return invalid(path + ".advertisedScopeMapping",
                           scope + " is not one of allowedScopes");
        if (value.is_string()) rules.advertised_scopes[scope] = std::string(value.get_string());
    }
    return {};
}

bool shares_any(const std::vector<std::string>& allowed, const auto& given) {
    return std::ranges::any_of(given, [&](const auto& one) {
        return std::ranges::find(allowed, std::string_view(one)) != allowed.end();
    });
}

bool meets(const ClaimRule& rule, const json::object& claims) {
    if (rule.match == ClaimRule::Match::equals)
        return text_claim(claims, rule.claim) == std::string_view(rule.values.front());
    const json::value* value = claims.if_contains(rule.claim);
    return value != nullptr && value->is_array() &&
           shares_any(rule.values, list_claim(claims, rule.claim));
}

void add_words(std::string_view text, std::vector<std::string>& out) {
    while (!text.empty()) {
        const auto end = std::min(text.find(' '), text.size());
        if (end > 0) out.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

}  // namespace

Result<Rules> parse_rules(const json::object& object, std::string_view path_view) {
    const std::string path(path_view);
    for (const std::string_view name :
         {"privateEndpoint", "privateEndpointOverrides", "allowedWorkloadConfiguration"})
        if (object.contains(name))
            return fail(
                ErrorCode::not_implemented,
                path + "." + std::string(name) + " is not supported by this version of agentcored");
    Rules rules{.discovery_url = text_or_empty(object, "discoveryUrl"),
                .audience = list_in(object, "allowedAudience"),
                .clients = list_in(object, "allowedClients")};
    if (const auto issuer = issuer_of(rules.discovery_url); !issuer)
        return invalid(path + ".discoveryUrl", issuer.error().message);
    AC_CHECK(parse_scopes(object, path, rules));
    if (const json::value* claims = object.if_contains("customClaims");
        claims != nullptr && claims->is_array()) {
        for (std::size_t i = 0; i < claims->get_array().size(); ++i) {
            const json::value& claim = claims->get_array()[i];
            if (!claim.is_object()) return invalid(path + ".customClaims", "want objects");
            AC_TRY(auto rule, parse_claim(claim.get_object(),
                                          path + ".customClaims." + std::to_string(i + 1)));
            rules.claims.push_back(std::move(rule));
        }
    }
    if (rules.audience.empty() && rules.clients.empty() && rules.scopes.empty() &&
        rules.claims.empty())
        return invalid(path,
                       "one of allowedAudience, allowedClients, allowedScopes and "
                       "customClaims is required");
    return rules;
}

std::string_view client_of(const json::object& claims) {
    if (claims.contains("client_id")) return text_claim(claims, "client_id").value_or("");
    return text_claim(claims, "azp").value_or("");
}

std::vector<std::string> scopes_of(const json::object& claims) {
    std::vector<std::string> out;
    if (const auto words = text_claim(claims, "scope"))
        add_words(*words, out);
    else
        for (const std::string_view entry : list_claim(claims, "scp")) add_words(entry, out);
    return out;
}

std::vector<std::string> advertised_scopes(const Rules& rules) {
    std::vector<std::string> out;
    for (const std::string& scope : rules.scopes) {
        const auto mapped = rules.advertised_scopes.find(scope);
        out.push_back(mapped == rules.advertised_scopes.end() ? scope : mapped->second);
    }
    return out;
}

Result<> check_claims(const Rules& rules, const json::object& claims) {
    if (!rules.audience.empty() && !shares_any(rules.audience, list_claim(claims, "aud")))
        return fail(ErrorCode::unauthenticated, "the token is for another audience");
    if (!rules.clients.empty() &&
        std::ranges::find(rules.clients, client_of(claims)) == rules.clients.end())
        return fail(ErrorCode::unauthenticated, "the token's client is not allowed");
    for (const ClaimRule& rule : rules.claims)
        if (!meets(rule, claims))
            return fail(ErrorCode::unauthenticated,
                        "the token's claim " + rule.claim + " does not match");
    if (!rules.scopes.empty() && !shares_any(rules.scopes, scopes_of(claims)))
        return fail(ErrorCode::permission_denied, "the token has none of the allowed scopes");
    return {};
}

}  // namespace ac::bearer
