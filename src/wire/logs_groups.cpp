#include "wire/telemetry_call.h"

namespace ac::wire::telemetry_front {
namespace {

constexpr std::size_t kPolicyBytesMax = 51'200;
constexpr std::size_t kPolicyNameBytesMax = 256;
constexpr std::string_view kInvalid = "InvalidParameterException";

Result<std::string> group_name(const Turn& turn) {
    return name_in(turn.input, "logGroupName", ".-_/#", 512, kInvalid);
}

Result<json::object> create_log_group(Documents& documents, const Turn& turn) {
    AC_TRY(const std::string name, group_name(turn));
    AC_TRY(const auto existing, documents.find(Kind::log_group, name));
    if (existing)
        return refuse(ErrorCode::conflict, "ResourceAlreadyExistsException",
                      "The specified log group already exists");
    const std::string arn = turn.logs_arn("log-group:" + name);
    json::object group = {{"logGroupName", name},   {"creationTime", to_epoch_ms(turn.now)},
                          {"metricFilterCount", 0}, {"arn", arn + ":*"},
                          {"logGroupArn", arn},     {"storedBytes", 0}};
    const std::string chosen = text_in(turn.input, "logGroupClass");
    group["logGroupClass"] = chosen.empty() ? "STANDARD" : chosen;
    AC_CHECK(put(documents, Kind::log_group, name, group));
    return json::object();
}

Result<json::object> describe_log_groups(Documents& documents, const Turn& turn) {
    AC_TRY(auto groups, all_of(documents, Kind::log_group));
    const std::string prefix = text_in(turn.input, "logGroupNamePrefix");
    const std::string part = text_in(turn.input, "logGroupNamePattern");
    std::erase_if(groups, [&](const json::object& group) {
        const std::string name = text_in(group, "logGroupName");
        return !name.starts_with(prefix) || name.find(part) == name.npos;
    });
    return page(std::move(groups), "logGroups", "logGroupName", turn.input);
}

Result<json::object> delete_log_group(Documents& documents, const Turn& turn) {
    AC_TRY(const std::string name, group_name(turn));
    AC_TRY(const bool removed, documents.remove(Kind::log_group, name));
    if (!removed) return fail(ErrorCode::not_found, "The specified log group does not exist.");
    return json::object();
}

Result<std::string> policy_name(const Turn& turn) {
    std::string name = text_in(turn.input, "policyName");
    if (name.empty() || name.size() > kPolicyNameBytesMax)
        return refuse(ErrorCode::invalid_argument, kInvalid, "policyName has 1 to 256 bytes");
    return name;
}

Result<json::object> put_resource_policy(Documents& documents, const Turn& turn) {
    AC_TRY(const std::string name, policy_name(turn));
    const std::string text = text_in(turn.input, "policyDocument");
    boost::system::error_code error;
    const json::value document = json::parse(text, error);
    if (error || !document.is_object() || !document.get_object().contains("Statement") ||
        text.size() > kPolicyBytesMax)
        return refuse(ErrorCode::invalid_argument, kInvalid,
                      "policyDocument is not a policy of at most 51200 bytes");
    json::object policy = {{"policyName", name},
                           {"policyDocument", text},
                           {"lastUpdatedTime", to_epoch_ms(turn.now)},
                           {"policyScope", "ACCOUNT"}};
    AC_CHECK(put(documents, Kind::resource_policy, name, policy));
    return json::object{{"resourcePolicy", std::move(policy)}};
}

Result<json::object> describe_resource_policies(Documents& documents, const Turn& turn) {
    AC_TRY(auto policies, all_of(documents, Kind::resource_policy));
    return page(std::move(policies), "resourcePolicies", "policyName", turn.input);
}

Result<json::object> delete_resource_policy(Documents& documents, const Turn& turn) {
    AC_TRY(const std::string name, policy_name(turn));
    AC_TRY(const bool removed, documents.remove(Kind::resource_policy, name));
    if (!removed) return fail(ErrorCode::not_found, "Policy with name [" + name + "] not found");
    return json::object();
}

constexpr Operation kOperations[] = {
    {"CreateLogGroup", "logGroupName", "log-group", create_log_group},
    {"DescribeLogGroups", "", "", describe_log_groups},
    {"DeleteLogGroup", "logGroupName", "log-group", delete_log_group},
    {"PutResourcePolicy", "", "", put_resource_policy},
    {"DescribeResourcePolicies", "", "", describe_resource_policies},
    {"DeleteResourcePolicy", "", "", delete_resource_policy},
};

}  // namespace

std::span<const Operation> group_operations() {
    return kOperations;
}

}  // namespace ac::wire::telemetry_front
