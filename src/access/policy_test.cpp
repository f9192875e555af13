#include "access/policy.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace ac::access {
namespace {

const Actor kAlice{.account = "111122223333", .arn = "arn:aws:iam::111122223333:user/alice"};
const Actor kSession{.account = "111122223333",
                     .arn = "arn:aws:sts::111122223333:assumed-role/agent/s1",
                     .role_arn = "arn:aws:iam::111122223333:role/agent"};

std::optional<Effect> ask(std::string_view document, std::string_view action,
                          std::string_view resource, const RequestContext& context = {},
                          PolicyKind kind = PolicyKind::identity, const Actor& actor = kAlice) {
    const auto policy = parse_policy(document, kind);
    EXPECT_TRUE(policy) << policy.error().message << " in " << document;
    if (!policy) return std::nullopt;
    return evaluate(**policy,
                    {.action = action, .resource = resource, .actor = actor, .context = context})
        .effect;
}

std::string error_of(std::string_view document, PolicyKind kind = PolicyKind::identity) {
    const auto policy = parse_policy(document, kind);
    if (policy) return "";
    EXPECT_EQ(policy.error().reason, "MalformedPolicyDocument");
    return policy.error().message;
}

constexpr std::string_view kReadHome = R"({
  "Version": "2012-10-17",
  "Statement": [
    {"Sid": "home", "Effect": "Allow", "Action": ["s3:Get*", "s3:PutObject"],
     "Resource": "arn:aws:s3:::home/${aws:username}/*"},
    {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::home/*/secret*"}]})";

TEST(policy, allows_what_a_statement_names_and_a_deny_wins) {
    RequestContext context;
    context.add("aws:username", "alice");
    EXPECT_EQ(ask(kReadHome, "s3:GetObject", "arn:aws:s3:::home/alice/a", context), Effect::allow);
    EXPECT_EQ(ask(kReadHome, "S3:getobject", "arn:aws:s3:::home/alice/a", context), Effect::allow);
    EXPECT_EQ(ask(kReadHome, "s3:GetObject", "arn:aws:s3:::home/bob/a", context), std::nullopt);
    EXPECT_EQ(ask(kReadHome, "s3:DeleteObject", "arn:aws:s3:::home/alice/a", context),
              std::nullopt);
    EXPECT_EQ(ask(kReadHome, "s3:GetObject", "arn:aws:s3:::home/alice/secret1", context),
              Effect::deny);
    EXPECT_EQ(ask(kReadHome, "s3:GetObject", "arn:aws:s3:::home/alice/a"), std::nullopt)
        << "a variable without a value matches nothing";
}

TEST(policy, values_of_variables_are_not_patterns) {
    RequestContext context;
    context.add("aws:username", "*");
    EXPECT_EQ(ask(kReadHome, "s3:GetObject", "arn:aws:s3:::home/bob/a", context), std::nullopt);
    EXPECT_EQ(ask(kReadHome, "s3:GetObject", "arn:aws:s3:::home/*/a", context), Effect::allow);
}

TEST(policy, variables_have_defaults_and_escapes_and_are_text_in_the_old_version) {
    const auto document = [](std::string_view version, std::string_view resource) {
        return fmt::format(
            R"({{"Version":"{}","Statement":{{"Effect":"Allow","Action":"s3:*",
                "Resource":"{}"}}}})",
            version, resource);
    };
    EXPECT_EQ(ask(document("2012-10-17", "arn:aws:s3:::b/${aws:username, 'nobody'}"),
                  "s3:GetObject", "arn:aws:s3:::b/nobody"),
              Effect::allow);
    EXPECT_EQ(ask(document("2012-10-17", "arn:aws:s3:::b/${*}"), "s3:GetObject",
                  "arn:aws:s3:::b/anything"),
              std::nullopt);
    EXPECT_EQ(
        ask(document("2012-10-17", "arn:aws:s3:::b/${*}"), "s3:GetObject", "arn:aws:s3:::b/*"),
        Effect::allow);
    RequestContext context;
    context.add("aws:username", "alice");
    EXPECT_EQ(ask(document("2008-10-17", "arn:aws:s3:::b/${aws:username}"), "s3:GetObject",
                  "arn:aws:s3:::b/alice", context),
              std::nullopt);
}

TEST(policy, not_action_and_not_resource_are_all_but_those) {
    constexpr std::string_view document =
        R"({"Statement":{"Effect":"Allow","NotAction":["iam:*","sts:*"],
            "NotResource":["arn:aws:s3:::private/*"]}})";
    EXPECT_EQ(ask(document, "s3:GetObject", "arn:aws:s3:::public/a"), Effect::allow);
    EXPECT_EQ(ask(document, "iam:CreateUser", "arn:aws:iam::1:user/x"), std::nullopt);
    EXPECT_EQ(ask(document, "s3:GetObject", "arn:aws:s3:::private/a"), std::nullopt);
}

TEST(policy, principals_are_named_in_resource_policies) {
    const auto with = [](std::string_view principal) {
        return fmt::format(
            R"({{"Statement":{{"Effect":"Allow","Principal":{},"Action":"*","Resource":"*"}}}})",
            principal);
    };
    const auto says = [&](std::string_view principal, const Actor& actor) {
        return ask(with(principal), "s3:GetObject", "arn:aws:s3:::b/k", {}, PolicyKind::resource,
                   actor) == Effect::allow;
    };
    EXPECT_TRUE(says(R"("*")", kAlice));
    EXPECT_TRUE(says(R"({"AWS":"*"})", kAlice));
    EXPECT_TRUE(says(R"({"AWS":["111122223333"]})", kAlice));
    EXPECT_TRUE(says(R"({"AWS":"arn:aws:iam::111122223333:root"})", kAlice));
    EXPECT_TRUE(says(R"({"AWS":"arn:aws:iam::111122223333:user/alice"})", kAlice));
    EXPECT_FALSE(says(R"({"AWS":"arn:aws:iam::111122223333:user/bob"})", kAlice));
    EXPECT_FALSE(says(R"({"AWS":"444455556666"})", kAlice));
    EXPECT_FALSE(says(R"({"Service":"bedrock-agentcore.amazonaws.com"})", kAlice));
    EXPECT_TRUE(says(R"({"AWS":"arn:aws:iam::111122223333:role/agent"})", kSession));
    EXPECT_TRUE(says(R"({"AWS":"arn:aws:sts::111122223333:assumed-role/agent/s1"})", kSession));
    EXPECT_FALSE(says(R"({"AWS":"arn:aws:sts::111122223333:assumed-role/agent/s2"})", kSession));
    const Actor service{.service = "bedrock-agentcore.amazonaws.com"};
    EXPECT_TRUE(says(R"({"Service":"bedrock-agentcore.amazonaws.com"})", service));
    EXPECT_FALSE(says(R"({"AWS":"111122223333"})", service));
}

TEST(policy, not_principal_spares_those_it_names) {
    constexpr std::string_view document =
        R"({"Statement":{"Effect":"Deny",
            "NotPrincipal":{"AWS":"arn:aws:iam::111122223333:user/alice"},
            "Action":"*","Resource":"*"}})";
    EXPECT_EQ(ask(document, "s3:GetObject", "x", {}, PolicyKind::resource), std::nullopt);
    EXPECT_EQ(ask(document, "s3:GetObject", "x", {}, PolicyKind::resource, kSession), Effect::deny);
}

// Operator, values of the policy, values of the request (none: the key is absent), holds.
struct ConditionCase {
    std::string_view op;
    std::string_view wanted;
    std::vector<std::string> given;
    bool holds;
};

const ConditionCase kConditions[] = {
    {"StringEquals", R"(["a","b"])", {"b"}, true},
    {"StringEquals", R"("a*")", {"ab"}, false},
    {"StringEquals", R"("a")", {}, false},
    {"StringEqualsIfExists", R"("a")", {}, true},
    {"StringNotEquals", R"(["a","b"])", {"b"}, false},
    {"StringNotEquals", R"(["a","b"])", {"c"}, true},
    {"StringNotEquals", R"("a")", {}, true},
    {"StringEqualsIgnoreCase", R"("AbC")", {"aBc"}, true},
    {"StringNotEqualsIgnoreCase", R"("AbC")", {"aBc"}, false},
    {"StringLike", R"("a?c*")", {"abcd"}, true},
    {"StringNotLike", R"("a?c*")", {"abcd"}, false},
    {"NumericEquals", R"(10)", {"10.0"}, true},
    {"NumericNotEquals", R"("10")", {"11"}, true},
    {"NumericLessThan", R"("10")", {"10"}, false},
    {"NumericLessThanEquals", R"("10")", {"10"}, true},
    {"NumericGreaterThan", R"("10")", {"10.5"}, true},
    {"NumericGreaterThanEquals", R"("10")", {"9"}, false},
    {"NumericLessThan", R"("10")", {"nine"}, false},
    {"DateLessThan", R"("2026-01-02T00:00:00Z")", {"2026-01-01T23:59:59Z"}, true},
    {"DateGreaterThan", R"("2026-01-02")", {"2026-01-01T23:59:59Z"}, false},
    {"DateEquals", R"("1767225600")", {"2026-01-01T00:00:00Z"}, true},
    {"DateNotEquals", R"("1767225600")", {"2026-01-01T00:00:01Z"}, true},
    {"Bool", R"("true")", {"TRUE"}, true},
    {"Bool", R"(true)", {"false"}, false},
    {"Bool", R"("false")", {}, false},
    {"BoolIfExists", R"("false")", {}, true},
    {"BinaryEquals", R"("QmluYXJ5")", {"QmluYXJ5"}, true},
    {"BinaryEquals", R"("QmluYXJ5")", {"QmluYXJ6"}, false},
    {"IpAddress", R"(["10.0.0.0/8","192.0.2.1"])", {"10.255.0.1"}, true},
    {"IpAddress", R"("192.0.2.1")", {"192.0.2.2"}, false},
    {"IpAddress", R"("2001:db8::/33")", {"2001:db8:7fff::1"}, true},
    {"IpAddress", R"("2001:db8::/33")", {"2001:db8:8000::1"}, false},
    {"IpAddress", R"("0.0.0.0/0")", {"::1"}, false},
    {"NotIpAddress", R"("10.0.0.0/8")", {"11.0.0.1"}, true},
    {"NotIpAddress", R"("10.0.0.0/8")", {"10.0.0.1"}, false},
    {"ArnLike", R"("arn:aws:sns:*:1:t*")", {"arn:aws:sns:us-west-2:1:topic:x"}, true},
    {"ArnLike", R"("arn:aws:sns:*:t:x")", {"arn:aws:sns:us-west-2:1:t:x"}, false},
    {"ArnLike", R"("arn:aws:sns:*")", {"arn:aws:sns:us-west-2:1:t"}, true},
    {"ArnEquals", R"("*")", {"arn:aws:sns:us-west-2:1:t"}, true},
    {"ArnLike", R"("arn:aws:iam::1:role/*")", {"not an arn"}, false},
    {"ArnNotLike", R"("arn:aws:iam::1:role/*")", {"arn:aws:iam::1:user/x"}, true},
    {"Null", R"("true")", {}, true},
    {"Null", R"("true")", {"x"}, false},
    {"Null", R"("false")", {"x"}, true},
    {"Null", R"("false")", {}, false},
    {"ForAllValues:StringEquals", R"(["a","b"])", {"a", "b"}, true},
    {"ForAllValues:StringEquals", R"(["a","b"])", {"a", "c"}, false},
    {"ForAllValues:StringEquals", R"(["a","b"])", {}, true},
    {"ForAnyValue:StringEquals", R"(["a","b"])", {"c", "b"}, true},
    {"ForAnyValue:StringEquals", R"(["a","b"])", {"c"}, false},
    {"ForAnyValue:StringEquals", R"(["a","b"])", {}, false},
    {"ForAnyValue:StringNotEquals", R"(["a"])", {"a", "b"}, true},
    {"ForAllValues:StringNotLike", R"(["a*"])", {"ab", "b"}, false},
    {"ForAnyValue:StringLikeIfExists", R"(["a*"])", {}, true},
};

TEST(policy, conditions_hold_as_documented) {
    for (const ConditionCase& item : kConditions) {
        const std::string document = fmt::format(
            R"({{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"*","Resource":"*",
                "Condition":{{"{}":{{"x:Key":{}}}}}}}}})",
            item.op, item.wanted);
        RequestContext context;
        if (!item.given.empty()) context.add_all("X:key", item.given);
        EXPECT_EQ(ask(document, "a:b", "r", context) == Effect::allow, item.holds)
            << item.op << " " << item.wanted << " on "
            << (item.given.empty() ? "nothing" : item.given.front());
    }
}

TEST(policy, all_conditions_of_a_statement_must_hold) {
    constexpr std::string_view document =
        R"({"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{
            "StringEquals":{"x:a":"1","x:b":"2"},"Bool":{"x:c":"true"}}}})";
    RequestContext context;
    context.add("x:a", "1");
    context.add("x:c", "true");
    EXPECT_EQ(ask(document, "a:b", "r", context), std::nullopt);
    context.add("x:b", "2");
    EXPECT_EQ(ask(document, "a:b", "r", context), Effect::allow);
}

TEST(policy, errors_name_the_place) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"{", "line 1, column 2"},
        {"{\n  \"Statement\": [}", "line 2, column"},
        {R"({"Version":"2012-10-17"})", "Missing required field Statement"},
        {R"([])", "not a JSON object"},
        {R"({"Version":"2013","Statement":[]})", "Version"},
        {R"({"Statement":[],"Extra":1})", "Extra: Unknown field"},
        {R"({"Statement":[{"Effect":"Allow","Action":"s3:*"}]})", "Statement[0]: Policy statement"},
        {R"({"Statement":[{"Effect":"allow","Action":"s3:*","Resource":"*"}]})",
         "Statement[0].Effect: Invalid effect"},
        {R"({"Statement":{"Action":"s3:*","Resource":"*"}})",
         "Statement: Missing required field Effect"},
        {R"({"Statement":{"Effect":"Allow","Action":["s3:Get","get"],"Resource":"*"}})",
         "Statement.Action[1]: Actions/Conditions must be prefaced"},
        {R"({"Statement":{"Effect":"Allow","Action":"s3:*","NotAction":"s3:*","Resource":"*"}})",
         "Only one of Action and NotAction"},
        {R"({"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"bucket"}})",
         "Statement.Resource: Resource bucket must be in ARN format"},
        {R"({"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*","Principal":"*"}})",
         "should not specify a principal"},
        {R"({"Statement":{"Effect":"Allow","Action":"*","Resource":"*",
             "Condition":{"Equals":{}}}})",
         "Statement.Condition.Equals: Invalid Condition type"},
        {R"({"Statement":{"Effect":"Allow","Action":"*","Resource":"*",
             "Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/33"}}}})",
         "Statement.Condition.IpAddress.aws:SourceIp: '10.0.0.0/33' is no IP address"},
        {R"({"Statement":{"Effect":"Allow","Action":"*","Resource":"*",
             "Condition":{"NumericLessThan":{"x:y":["1","z"]}}}})",
         "'z' is no number"},
        {R"({"Statement":{"Effect":"Allow","Effect":"Deny","Action":"*","Resource":"*"}})",
         "Effect is given twice"},
        {R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*",
             "Resource":"arn:aws:s3:::${x"}})",
         "not closed"},
        {R"({"Statement":[{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"},
                          {"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"}]})",
         "must be unique: a"},
    };
    for (const auto& [document, message] : cases)
        EXPECT_NE(error_of(document).find(message), std::string::npos)
            << error_of(document) << " for " << document;
}

TEST(policy, trust_policies_name_principals_and_no_resources) {
    EXPECT_EQ(error_of(R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow",
                           "Principal":{"Service":"bedrock-agentcore.amazonaws.com"},
                           "Action":"sts:AssumeRole",
                           "Condition":{"StringEquals":{"aws:SourceAccount":"1"}}}]})",
                       PolicyKind::trust),
              "");
    EXPECT_NE(
        error_of(R"({"Statement":{"Effect":"Allow","Action":"sts:AssumeRole"}})", PolicyKind::trust)
            .find("Principal"),
        std::string::npos);
    EXPECT_NE(error_of(R"({"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*"}})",
                       PolicyKind::trust)
                  .find("AssumeRole"),
              std::string::npos);
    EXPECT_NE(error_of(R"({"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole",
                           "Resource":"*"}})",
                       PolicyKind::trust)
                  .find("prohibited field Resource"),
              std::string::npos);
    for (const std::string_view principal :
         {R"({"AWS":"arn:aws:iam::111122223333:user/*"})", R"({"AWS":"alice"})", R"({"X":"y"})",
          R"({})", R"("alice")", R"({"AWS":"arn:aws:s3:::bucket"})"})
        EXPECT_NE(
            error_of(fmt::format(
                         R"({{"Statement":{{"Effect":"Allow","Principal":{},"Action":"sts:*"}}}})",
                         principal),
                     PolicyKind::trust)
                .find("Invalid principal"),
            std::string::npos)
            << principal;
}

TEST(policy, deep_nesting_and_huge_documents_are_refused_or_done_quickly) {
    EXPECT_NE(error_of(std::string(100'000, '[')), "");
    EXPECT_NE(error_of(R"({"Statement":)" + std::string(100, '[') + std::string(100, ']') + "}"),
              "");
    std::string document = R"({"Statement":[)";
    for (int i = 0; i < 2000; ++i)
        document += R"({"Effect":"Deny","Action":"*a*a*a*a*a*a*b:x","Resource":"*"},)";
    document.back() = ']';
    document += "}";
    EXPECT_EQ(ask(document, "a" + std::string(200, 'a') + ":y", "r"), std::nullopt);
}

}  // namespace
}  // namespace ac::access
