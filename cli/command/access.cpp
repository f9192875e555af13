// `agentcore access ...`: IAM of the daemon, by the operations that every AWS client uses.

#include <fmt/format.h>

#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "base/file.h"
#include "cli/command/commands.h"
#include "cli/command/connection.h"
#include "cli/net/access_calls.h"

namespace ac::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kPolicyBytesMax = 131'072;
constexpr std::string_view kPlatform = "bedrock-agentcore.amazonaws.com";

Expected<Connection> open(const Context& context) {
    return connect(context.world, context.common, "");
}

void say(const Context& context, const json::value& document, const std::string& text) {
    context.console().out(context.common.json ? json::serialize(document) + "\n" : text);
}

QueryFields of_user(const std::string& user) {
    QueryFields fields;
    if (!user.empty()) fields.emplace_back("UserName", user);
    return fields;
}

// "-" is stdin.
Expected<std::string> read_document(const Context& context, const std::string& file) {
    if (file == "-") {
        auto text = context.console().read_all(kPolicyBytesMax);
        if (!text) return failed(ExitCode::usage, "the policy on stdin is too long");
        return *std::move(text);
    }
    auto text = read_file(context.world.folder / file, kPolicyBytesMax);
    if (!text) return failed(ExitCode::usage, "cannot read " + file, text.error().message);
    return *std::move(text);
}

json::object listed(std::string_view member, json::array items) {
    json::object out;
    out[member] = std::move(items);
    return out;
}

// A document that IAM answers percent-encoded, indented no further than it came.
std::string decoded(const json::value& value, std::string_view member) {
    const std::string text = text_at(value, member);
    return percent_decode(text).value_or(text);
}

std::string table_of(const json::array& items, std::string_view name) {
    std::string out;
    for (const json::value& item : items)
        out += fmt::format("{:<32} {}  {}\n", text_at(item, name), text_at(item, "CreateDate"),
                           text_at(item, "Arn"));
    return out;
}

// A trust policy's document out of a file, an ARN or a service's name.
Expected<std::string> trust_document(const Context& context, const std::string& trust) {
    if (trust.ends_with(".json") || trust == "-") return read_document(context, trust);
    const std::string who = trust.empty() ? std::string(kPlatform) : trust;
    const bool is_service = who.ends_with(".amazonaws.com");
    json::object principal;
    principal[is_service ? "Service" : "AWS"] = who;
    json::object statement{{"Effect", "Allow"}, {"Action", "sts:AssumeRole"}};
    statement["Principal"] = std::move(principal);
    json::object document{{"Version", "2012-10-17"}};
    document["Statement"] = json::array({std::move(statement)});
    return json::serialize(document);
}

Expected<> list_keys(const Context& context, AwsClient& client, const std::string& user) {
    AC_TRY(json::array keys,
           iam_list(client, "ListAccessKeys", "AccessKeyMetadata", of_user(user)));
    std::string text;
    for (json::value& key : keys) {
        AC_TRY(const auto used,
               iam(client, "GetAccessKeyLastUsed", {{"AccessKeyId", text_at(key, "AccessKeyId")}}));
        const auto& last = member_at(used, "AccessKeyLastUsed");
        const std::string when = text_at(last, "LastUsedDate");
        key.as_object()["LastUsed"] = last;
        text += fmt::format("{}  {:<8}  created {}  {}\n", text_at(key, "AccessKeyId"),
                            text_at(key, "Status"), text_at(key, "CreateDate"),
                            when.empty()
                                ? "never used"
                                : fmt::format("used {} ({})", when, text_at(last, "ServiceName")));
    }
    say(context, listed("accessKeys", std::move(keys)), text);
    return {};
}

Expected<> create_key(const Context& context, AwsClient& client, const std::string& user) {
    AC_TRY(const auto made, iam(client, "CreateAccessKey", of_user(user)));
    const auto& key = member_at(made, "AccessKey");
    say(context, key,
        fmt::format("export AWS_ACCESS_KEY_ID={}\nexport AWS_SECRET_ACCESS_KEY={}\n",
                    text_at(key, "AccessKeyId"), text_at(key, "SecretAccessKey")));
    context.console().err("The secret is not shown again.\n");
    return {};
}

}  // namespace

Expected<> run(const Context& context, const AccessUserOptions& options) {
    AC_TRY(const auto connection, open(context));
    AwsClient& client = *connection.client;
    if (options.verb == "list") {
        AC_TRY(json::array users, iam_list(client, "ListUsers", "Users"));
        const std::string text = table_of(users, "UserName");
        say(context, listed("users", std::move(users)), text);
        return {};
    }
    const QueryFields fields{{"UserName", options.name}};
    if (options.verb == "delete") {
        AC_CHECK(iam(client, "DeleteUser", fields));
        say(context, json::object{{"deleted", options.name}},
            fmt::format("user {} deleted\n", options.name));
        return {};
    }
    const bool creates = options.verb == "create";
    AC_TRY(const auto answer, iam(client, creates ? "CreateUser" : "GetUser", fields));
    const auto& user = member_at(answer, "User");
    say(context, user,
        fmt::format("{}{}\n", text_at(user, "Arn"),
                    creates ? " created; it may do nothing until it gets a policy" : ""));
    return {};
}

Expected<> run(const Context& context, const AccessKeyOptions& options) {
    AC_TRY(const auto connection, open(context));
    AwsClient& client = *connection.client;
    if (options.verb == "list") return list_keys(context, client, options.user);
    if (options.verb == "create") return create_key(context, client, options.user);
    QueryFields fields = of_user(options.user);
    fields.emplace_back("AccessKeyId", options.key);
    if (options.verb == "delete") {
        AC_CHECK(iam(client, "DeleteAccessKey", fields));
    } else {
        fields.emplace_back("Status", options.verb == "enable" ? "Active" : "Inactive");
        AC_CHECK(iam(client, "UpdateAccessKey", fields));
    }
    say(context, json::object{{"key", options.key}, {"done", options.verb}},
        fmt::format("{}: {}d\n", options.key, options.verb));
    return {};
}

Expected<> run(const Context& context, const AccessRoleOptions& options) {
    AC_TRY(const auto connection, open(context));
    AwsClient& client = *connection.client;
    if (options.verb == "list") {
        AC_TRY(json::array roles, iam_list(client, "ListRoles", "Roles"));
        const std::string text = table_of(roles, "RoleName");
        say(context, listed("roles", std::move(roles)), text);
        return {};
    }
    QueryFields fields{{"RoleName", options.name}};
    if (options.verb == "delete") {
        AC_CHECK(iam(client, "DeleteRole", fields));
        say(context, json::object{{"deleted", options.name}},
            fmt::format("role {} deleted\n", options.name));
        return {};
    }
    if (options.verb == "create") {
        AC_TRY(std::string document, trust_document(context, options.trust));
        fields.emplace_back("AssumeRolePolicyDocument", std::move(document));
    }
    AC_TRY(const auto answer,
           iam(client, options.verb == "create" ? "CreateRole" : "GetRole", fields));
    const auto& role = member_at(answer, "Role");
    say(context, role,
        fmt::format("{}\ntrusts {}\n", text_at(role, "Arn"),
                    decoded(role, "AssumeRolePolicyDocument")));
    return {};
}

namespace {

struct Holder {
    std::string kind;  // "User"
    std::string name;
};

Expected<Holder> holder_of(const AccessPolicyOptions& options) {
    if (!options.user.empty()) return Holder{"User", options.user};
    if (!options.role.empty()) return Holder{"Role", options.role};
    return failed(ExitCode::usage, "whose policies?", "say --user NAME or --role NAME");
}

Expected<> list_policies(const Context& context, AwsClient& client, const Holder& holder,
                         const QueryFields& of) {
    AC_TRY(json::array own,
           iam_list(client, fmt::format("List{}Policies", holder.kind), "PolicyNames", of));
    AC_TRY(json::array attached,
           iam_list(client, fmt::format("ListAttached{}Policies", holder.kind), "AttachedPolicies",
                    of));
    std::string text;
    for (const json::value& name : own)
        text += fmt::format("inline    {}\n", std::string_view(name.as_string()));
    for (const json::value& policy : attached)
        text += fmt::format("attached  {}\n", text_at(policy, "PolicyArn"));
    json::object document;
    document["inline"] = std::move(own);
    document["attached"] = std::move(attached);
    say(context, document, text);
    return {};
}

}  // namespace

Expected<> run(const Context& context, const AccessPolicyOptions& options) {
    AC_TRY(const Holder holder, holder_of(options));
    AC_TRY(const auto connection, open(context));
    AwsClient& client = *connection.client;
    QueryFields fields{{holder.kind + "Name", holder.name}};
    if (options.verb == "list") return list_policies(context, client, holder, fields);
    const bool attaches = options.verb == "attach" || options.verb == "detach";
    fields.emplace_back(attaches ? "PolicyArn" : "PolicyName", options.policy);
    if (options.verb == "show") {
        AC_TRY(const auto answer, iam(client, fmt::format("Get{}Policy", holder.kind), fields));
        context.console().out(decoded(answer, "PolicyDocument") + "\n");
        return {};
    }
    if (options.verb == "put") {
        AC_TRY(std::string document, read_document(context, options.file));
        fields.emplace_back("PolicyDocument", std::move(document));
    }
    std::string action = options.verb;
    action[0] = static_cast<char>(action[0] - 'a' + 'A');
    AC_CHECK(iam(client, action + holder.kind + "Policy", fields));
    say(context, json::object{{"policy", options.policy}, {"done", options.verb}},
        fmt::format("{} {} of {}: done\n", options.verb, options.policy, holder.name));
    return {};
}

namespace {

// "alice", "role/worker", "root" or an ARN.
Expected<std::string> arn_of(AwsClient& client, const std::string& as) {
    if (as.starts_with("arn:")) return as;
    AC_TRY(const std::string account, own_account(client));
    if (as == "root") return fmt::format("arn:aws:iam::{}:root", account);
    const bool is_role = as.starts_with("role/");
    const std::string name = is_role ? as.substr(5) : as;
    AC_TRY(const auto answer, iam(client, is_role ? "GetRole" : "GetUser",
                                  {{is_role ? "RoleName" : "UserName", name}}));
    return text_at(member_at(answer, is_role ? "Role" : "User"), "Arn");
}

std::string line_of(const json::value& result) {
    const std::string decision = text_at(result, "EvalDecision");
    std::string why = "no statement allows it";
    const json::array* matched = member_at(result, "MatchedStatements").if_array();
    if (matched != nullptr && !matched->empty())
        why = fmt::format("statement {} of {}",
                          text_at(member_at(matched->front(), "StartPosition"), "Line"),
                          text_at(matched->front(), "SourcePolicyId"));
    else if (decision == "allowed")
        why = "the account's root";
    return fmt::format("{:<13} {} on {}: {}\n", decision, text_at(result, "EvalActionName"),
                       text_at(result, "EvalResourceName"), why);
}

}  // namespace

Expected<> run(const Context& context, const AccessSimulateOptions& options) {
    AC_TRY(const auto connection, open(context));
    AwsClient& client = *connection.client;
    AC_TRY(std::string arn, arn_of(client, options.as));
    QueryFields fields{{"PolicySourceArn", std::move(arn)}};
    for (std::size_t i = 0; i < options.actions.size(); ++i)
        fields.emplace_back(fmt::format("ActionNames.member.{}", i + 1), options.actions[i]);
    for (std::size_t i = 0; i < options.resources.size(); ++i)
        fields.emplace_back(fmt::format("ResourceArns.member.{}", i + 1), options.resources[i]);
    for (std::size_t i = 0; i < options.context.size(); ++i) {
        const auto equals = options.context[i].find('=');
        if (equals == std::string::npos)
            return failed(ExitCode::usage, "--context is KEY=VALUE, not " + options.context[i]);
        const std::string entry = fmt::format("ContextEntries.member.{}", i + 1);
        fields.emplace_back(entry + ".ContextKeyName", options.context[i].substr(0, equals));
        fields.emplace_back(entry + ".ContextKeyType", "string");
        fields.emplace_back(entry + ".ContextKeyValues.member.1",
                            options.context[i].substr(equals + 1));
    }
    AC_TRY(json::array results,
           iam_list(client, "SimulatePrincipalPolicy", "EvaluationResults", fields));
    std::string text;
    for (const json::value& result : results) text += line_of(result);
    say(context, listed("results", std::move(results)), text);
    return {};
}

}  // namespace ac::cli
