#include "bearer/rules.h"

#include <gmock/gmock.h>

#include <boost/json.hpp>

namespace ac::bearer {
namespace {

namespace json = boost::json;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kUrl =
    R"("discoveryUrl":"https://issuer.example/.well-known/openid-configuration")";

Result<Rules> parsed(std::string_view members) {
    const std::string text = "{" + std::string(kUrl) + std::string(members) + "}";
    return parse_rules(json::parse(text).as_object(), "x");
}

struct ClaimsCase {
    std::string_view name;
    std::string_view rules;
    std::string_view claims;
    std::string_view message;  // empty: admitted
};

class Admission : public testing::TestWithParam<ClaimsCase> {};

TEST_P(Admission, follows_the_rules) {
    const auto rules = parsed(GetParam().rules);
    ASSERT_TRUE(rules) << rules.error().message;
    const auto checked = check_claims(*rules, json::parse(GetParam().claims).as_object());
    if (GetParam().message.empty()) {
        EXPECT_TRUE(checked) << checked.error().message;
    } else {
        ASSERT_FALSE(checked);
        EXPECT_THAT(checked.error().message, HasSubstr(GetParam().message));
        EXPECT_EQ(checked.error().code, GetParam().message == "scopes"
                                            ? ErrorCode::permission_denied
                                            : ErrorCode::unauthenticated);
    }
}

#define AC_AUD R"(,"allowedAudience":["a","b"])"
#define AC_CLIENT R"(,"allowedClients":["c"])"
#define AC_SCOPE R"(,"allowedScopes":["read","write"])"
#define AC_CLAIM(type, value, operation)                                                      \
    R"(,"customClaims":[{"inboundTokenClaimName":"team","inboundTokenClaimValueType":")" type \
    R"(","authorizingClaimMatchValue":{"claimMatchValue":{)" value                            \
    R"(},"claimMatchOperator":")" operation R"("}}])"
#define AC_EQUALS AC_CLAIM("STRING", R"("matchValueString":"red")", "EQUALS")
#define AC_CONTAINS AC_CLAIM("STRING_ARRAY", R"("matchValueString":"red")", "CONTAINS")
#define AC_ANY AC_CLAIM("STRING_ARRAY", R"("matchValueStringList":["red","blue"])", "CONTAINS_ANY")
INSTANTIATE_TEST_SUITE_P(
    rules, Admission,
    testing::Values(
        ClaimsCase{"audience", AC_AUD, R"({"aud":"b"})", ""},
        ClaimsCase{"audience_in_a_list", AC_AUD, R"({"aud":["x","a"]})", ""},
        ClaimsCase{"other_audience", AC_AUD, R"({"aud":"x"})", "audience"},
        ClaimsCase{"no_audience", AC_AUD, R"({"sub":"a"})", "audience"},
        ClaimsCase{"part_of_an_audience", AC_AUD, R"({"aud":"ab"})", "audience"},
        ClaimsCase{"audience_of_odd_type", AC_AUD, R"({"aud":["a",1]})", "audience"},
        ClaimsCase{"audience_as_object", AC_AUD, R"({"aud":{"a":1}})", "audience"},
        ClaimsCase{"client", AC_CLIENT, R"({"client_id":"c"})", ""},
        ClaimsCase{"authorized_party", AC_CLIENT, R"({"azp":"c"})", ""},
        ClaimsCase{"client_goes_before_party", AC_CLIENT, R"({"client_id":"x","azp":"c"})",
                   "client"},
        ClaimsCase{"client_of_odd_type", AC_CLIENT, R"({"client_id":["c"],"azp":"c"})", "client"},
        ClaimsCase{"no_client", AC_CLIENT, R"({})", "client"},
        ClaimsCase{"scope", AC_SCOPE, R"({"scope":"openid read"})", ""},
        ClaimsCase{"scope_list", AC_SCOPE, R"({"scp":["write"]})", ""},
        ClaimsCase{"scope_words_in_scp", AC_SCOPE, R"({"scp":"x write"})", ""},
        ClaimsCase{"part_of_a_scope", AC_SCOPE, R"({"scope":"reader writer"})", "scopes"},
        ClaimsCase{"no_scope", AC_SCOPE, R"({})", "scopes"},
        ClaimsCase{"everything", AC_AUD AC_CLIENT AC_SCOPE,
                   R"({"aud":"a","client_id":"c","scope":"read"})", ""},
        ClaimsCase{"all_but_the_client", AC_AUD AC_CLIENT AC_SCOPE, R"({"aud":"a","scope":"read"})",
                   "client"},
        ClaimsCase{"all_but_the_scope", AC_AUD AC_CLIENT AC_SCOPE, R"({"aud":"a","client_id":"c"})",
                   "scopes"},
        ClaimsCase{"claim_equal", AC_EQUALS, R"({"team":"red"})", ""},
        ClaimsCase{"claim_other", AC_EQUALS, R"({"team":"Red"})", "team"},
        ClaimsCase{"claim_absent", AC_EQUALS, R"({})", "team"},
        ClaimsCase{"claim_list_where_text_is_due", AC_EQUALS, R"({"team":["red"]})", "team"},
        ClaimsCase{"claim_contains", AC_CONTAINS, R"({"team":["x","red"]})", ""},
        ClaimsCase{"claim_lacks", AC_CONTAINS, R"({"team":["x"]})", "team"},
        ClaimsCase{"claim_text_where_list_is_due", AC_CONTAINS, R"({"team":"red"})", "team"},
        ClaimsCase{"claim_any", AC_ANY, R"({"team":["blue"]})", ""},
        ClaimsCase{"claim_none", AC_ANY, R"({"team":["green"]})", "team"}),
    [](const auto& info) { return std::string(info.param.name); });

struct BadRules {
    std::string_view name;
    std::string_view text;
    std::string_view path;
};

class RefusedRules : public testing::TestWithParam<BadRules> {};

TEST_P(RefusedRules, name_the_member) {
    const auto rules = parse_rules(json::parse(GetParam().text).as_object(), "x");
    ASSERT_FALSE(rules);
    EXPECT_THAT(rules.error().message, HasSubstr(GetParam().path));
}

#define AC_RULES(members) \
    R"({"discoveryUrl":"https://issuer.example/.well-known/openid-configuration")" members "}"
INSTANTIATE_TEST_SUITE_P(
    rules, RefusedRules,
    testing::Values(
        BadRules{"nothing_asked", AC_RULES(""), "is required"},
        BadRules{"plain_http",
                 R"({"discoveryUrl":"http://issuer.example/.well-known/openid-configuration",
                     "allowedClients":["c"]})",
                 "x.discoveryUrl: the discovery URL must be https"},
        BadRules{"user_information",
                 R"({"discoveryUrl":"https://a@b.example/.well-known/openid-configuration",
                     "allowedClients":["c"]})",
                 "x.discoveryUrl"},
        BadRules{"file", R"({"discoveryUrl":"file:///.well-known/openid-configuration",
                     "allowedClients":["c"]})",
                 "x.discoveryUrl"},
        BadRules{"text_compared_as_list",
                 AC_RULES(AC_CLAIM("STRING", R"("matchValueString":"a")", "CONTAINS")),
                 "CONTAINS does not go with STRING"},
        BadRules{"list_compared_as_text",
                 AC_RULES(AC_CLAIM("STRING_ARRAY", R"("matchValueString":"a")", "EQUALS")),
                 "EQUALS does not go with STRING_ARRAY"},
        BadRules{"any_without_a_list",
                 AC_RULES(AC_CLAIM("STRING_ARRAY", R"("matchValueString":"a")", "CONTAINS_ANY")),
                 "wants matchValueStringList"},
        BadRules{"equals_with_a_list",
                 AC_RULES(AC_CLAIM("STRING", R"("matchValueStringList":["a"])", "EQUALS")),
                 "x.customClaims.1.authorizingClaimMatchValue.claimMatchValue"},
        BadRules{"mapping_of_a_scope_that_is_not_allowed",
                 AC_RULES(AC_SCOPE R"(,"advertisedScopeMapping":{"other":"x"})"),
                 "x.advertisedScopeMapping"},
        BadRules{"private_endpoint", AC_RULES(AC_AUD R"(,"privateEndpoint":{})"),
                 "x.privateEndpoint is not supported"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(rules, advertised_scopes_replace_those_that_are_mapped) {
    const auto rules = parsed(AC_SCOPE R"(,"advertisedScopeMapping":{"write":"api://x/write"})");
    ASSERT_TRUE(rules);
    EXPECT_THAT(advertised_scopes(*rules), ElementsAre("read", "api://x/write"));
}

}  // namespace
}  // namespace ac::bearer
