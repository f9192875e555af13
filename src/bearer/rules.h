#pragma once
// What a runtime or a gateway asks of a caller's token: the API model's customJWTAuthorizer as
// values, and the decision whether the claims of a token that has been verified meet it.

#include <boost/json/object.hpp>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ac::bearer {

struct ClaimRule {
    enum class Match { equals, contains, contains_any };
    std::string claim;
    Match match = Match::equals;
    std::vector<std::string> values;  // one but for contains_any
};

// Each rule that is there must be met; within one, any of its values does.
struct Rules {
    std::string discovery_url;
    std::vector<std::string> audience;
    std::vector<std::string> clients;
    std::vector<std::string> scopes;
    std::vector<ClaimRule> claims;
    std::map<std::string, std::string> advertised_scopes;  // scope: what callers are told
};

// `object` has passed the model's constraints (lengths, patterns, enumerations); what they do not
// say is checked here. invalid_argument with the member's path below `path`; not_implemented for
// what would have to be ignored (private endpoints, allowed workloads).
Result<Rules> parse_rules(const boost::json::object& object, std::string_view path);

// unauthenticated, or permission_denied when the token lacks nothing but a scope.
Result<> check_claims(const Rules& rules, const boost::json::object& claims);

// The client that a token was issued to: client_id (RFC 9068), else azp (OpenID Connect).
std::string_view client_of(const boost::json::object& claims);
// "scope", words in one string (RFC 8693 4.2), or "scp", a list or words.
std::vector<std::string> scopes_of(const boost::json::object& claims);

// What callers are told to ask for.
std::vector<std::string> advertised_scopes(const Rules& rules);

}  // namespace ac::bearer
