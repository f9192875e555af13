// Managed policies: those of the account, with their versions, and AWS's own.

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <charconv>

#include "access/managed_policies.h"
#include "access/rules.h"
#include "wire/iam_handlers.h"

namespace ac::wire::iam {
namespace {

using access::PolicyVersion;

Error no_such_policy(const std::string& arn) {
    return access::iam_error(ErrorCode::not_found, "NoSuchEntity",
                             fmt::format("Policy {} does not exist or is not attachable.", arn));
}

Result<std::string> own_policy_name(const Turn& turn) {
    AC_TRY(const std::string arn, turn.form.require("PolicyArn"));
    const auto name = access::parse_entity_arn(arn);
    if (!name || name->kind != EntityKind::policy)
        return fail(access::iam_error(ErrorCode::invalid_argument, "ValidationError",
                                      fmt::format("ARN {} is not valid.", arn)));
    const Entity* found =
        name->account == turn.account()
            ? turn.snapshot()->find(turn.account(), EntityKind::policy, name->name)
            : nullptr;
    if (found == nullptr || found->arn() != arn) return fail(no_such_policy(arn));
    return name->name;
}

json::object managed_json(const access::ManagedPolicy& policy) {
    return {{"PolicyName", policy.name},
            {"PolicyId", fmt::format("ANPA{}", policy.name)},
            {"Arn", access::managed_policy_arn(policy)},
            {"Path", policy.path},
            {"DefaultVersionId", "v1"},
            {"AttachmentCount", 0},
            {"IsAttachable", true},
            {"CreateDate", query_time(WallTime{})},
            {"UpdateDate", query_time(WallTime{})}};
}

// Who has the policy attached, or as boundary.
std::vector<EntityPointer> holders(const Turn& turn, const std::string& arn, bool as_boundary) {
    std::vector<EntityPointer> out;
    const auto snapshot = turn.snapshot();
    for (const EntityKind kind : {EntityKind::user, EntityKind::group, EntityKind::role})
        for (const EntityPointer& entity : snapshot->list(turn.account(), kind, "/"))
            if (as_boundary ? entity->boundary == arn : entity->attached.contains(arn))
                out.push_back(entity);
    return out;
}

json::object counted_json(const Turn& turn, const Entity& policy) {
    json::object out = entity_json(policy);
    out["AttachmentCount"] = holders(turn, policy.arn(), false).size();
    out["PermissionsBoundaryUsageCount"] = holders(turn, policy.arn(), true).size();
    return out;
}

json::object version_json(const PolicyVersion& version, bool is_default, bool with_document) {
    json::object out{{"VersionId", fmt::format("v{}", version.number)},
                     {"IsDefaultVersion", is_default},
                     {"CreateDate", query_time(version.created_at)}};
    if (with_document) out["Document"] = encoded(version.document);
    return out;
}

Result<std::int64_t> version_in(const Turn& turn) {
    AC_TRY(const std::string text, turn.form.require("VersionId"));
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), number);
    if (text.front() != 'v' || error != std::errc{} || end != text.data() + text.size())
        return fail(access::iam_error(ErrorCode::invalid_argument, "ValidationError",
                                      "VersionId is v and a number"));
    return number;
}

Error no_such_version(std::int64_t number) {
    return access::iam_error(ErrorCode::not_found, "NoSuchEntity",
                             fmt::format("Policy version v{} does not exist.", number));
}

Task<json::object> create_policy(Turn& turn) {
    Entity wanted{.kind = EntityKind::policy, .account = turn.account()};
    AC_CO_TRY(wanted.name, turn.form.require("PolicyName"));
    AC_CO_TRY(std::string document, turn.form.require("PolicyDocument"));
    if (turn.form.has("Path")) wanted.path = turn.form.get("Path");
    wanted.description = turn.form.get("Description");
    wanted.tags = turn.form.tags();
    PolicyVersion first{.document = std::move(document), .created_at = turn.call.facts.now};
    wanted.versions.push_back(std::move(first));
    AC_CO_TRY(const Entity made, co_await turn.access.create(std::move(wanted)));
    json::object out;
    out["Policy"] = counted_json(turn, made);
    co_return out;
}

Task<json::object> get_policy(Turn& turn) {
    json::object out;
    if (const auto* managed = access::find_managed_policy(turn.form.get("PolicyArn"))) {
        out["Policy"] = managed_json(*managed);
        co_return out;
    }
    AC_CO_TRY(const std::string name, own_policy_name(turn));
    const auto snapshot = turn.snapshot();
    const Entity* policy = snapshot->find(turn.account(), EntityKind::policy, name);
    if (policy == nullptr) co_return fail(no_such_policy(turn.form.get("PolicyArn")));
    out["Policy"] = counted_json(turn, *policy);
    if (!policy->tags.empty()) out["Policy"].as_object()["Tags"] = tags_json(policy->tags);
    co_return out;
}

Task<json::object> list_policies(Turn& turn) {
    const std::string& scope = turn.form.get("Scope");
    const std::string path = path_prefix(turn);
    std::vector<json::value> items;
    const auto own = turn.snapshot()->list(turn.account(), EntityKind::policy, path);
    for (const EntityPointer& policy : own) {
        json::object view = counted_json(turn, *policy);
        const bool is_attached = view["AttachmentCount"].to_number<std::int64_t>() > 0;
        if (scope == "AWS" || (turn.form.get("OnlyAttached") == "true" && !is_attached)) continue;
        items.emplace_back(std::move(view));
    }
    if (scope != "Local")
        for (const access::ManagedPolicy& policy : access::managed_policies()) {
            const std::string arn = access::managed_policy_arn(policy);
            const std::size_t count = holders(turn, arn, false).size();
            if (!policy.path.starts_with(path)) continue;
            if (turn.form.get("OnlyAttached") == "true" && count == 0) continue;
            json::object view = managed_json(policy);
            view["AttachmentCount"] = count;
            items.emplace_back(std::move(view));
        }
    co_return page_of(turn, "Policies", items);
}

Task<json::object> delete_policy(Turn& turn) {
    AC_CO_TRY(std::string name, own_policy_name(turn));
    AC_CO_CHECK(co_await turn.access.remove(turn.account(), EntityKind::policy, std::move(name)));
    co_return json::object();
}

Task<json::object> create_policy_version(Turn& turn) {
    AC_CO_TRY(std::string name, own_policy_name(turn));
    AC_CO_TRY(const std::string document, turn.form.require("PolicyDocument"));
    const bool as_default = turn.form.get("SetAsDefault") == "true";
    const WallTime now = turn.call.facts.now;
    AccessService::Edit edit = [document, as_default, now](Entity& policy) -> Result<> {
        policy.versions.push_back(
            {.number = policy.next_version, .document = document, .created_at = now});
        if (as_default) policy.default_version = policy.next_version;
        ++policy.next_version;
        return {};
    };
    AC_CO_TRY(const Entity policy, co_await turn.access.change(turn.account(), EntityKind::policy,
                                                               std::move(name), std::move(edit)));
    json::object out;
    out["PolicyVersion"] = version_json(policy.versions.back(), as_default, false);
    co_return out;
}

Task<json::object> get_policy_version(Turn& turn) {
    AC_CO_TRY(const std::int64_t number, version_in(turn));
    json::object out;
    if (const auto* managed = access::find_managed_policy(turn.form.get("PolicyArn"))) {
        if (number != 1) co_return fail(no_such_version(number));
        const PolicyVersion only{.document = std::string(managed->document)};
        out["PolicyVersion"] = version_json(only, true, true);
        co_return out;
    }
    AC_CO_TRY(const std::string name, own_policy_name(turn));
    const auto snapshot = turn.snapshot();
    const Entity* policy = snapshot->find(turn.account(), EntityKind::policy, name);
    const PolicyVersion* version = policy != nullptr ? policy->version(number) : nullptr;
    if (version == nullptr) co_return fail(no_such_version(number));
    out["PolicyVersion"] = version_json(*version, number == policy->default_version, true);
    co_return out;
}

Task<json::object> list_policy_versions(Turn& turn) {
    std::vector<json::value> items;
    if (access::find_managed_policy(turn.form.get("PolicyArn")) != nullptr) {
        const PolicyVersion only;
        items.emplace_back(version_json(only, true, false));
        co_return page_of(turn, "Versions", items);
    }
    AC_CO_TRY(const std::string name, own_policy_name(turn));
    const auto snapshot = turn.snapshot();
    const Entity* policy = snapshot->find(turn.account(), EntityKind::policy, name);
    if (policy == nullptr) co_return fail(no_such_policy(turn.form.get("PolicyArn")));
    for (auto at = policy->versions.rbegin(); at != policy->versions.rend(); ++at)
        items.emplace_back(version_json(*at, at->number == policy->default_version, false));
    co_return page_of(turn, "Versions", items);
}

Task<json::object> set_default_version(Turn& turn) {
    AC_CO_TRY(std::string name, own_policy_name(turn));
    AC_CO_TRY(const std::int64_t number, version_in(turn));
    AccessService::Edit edit = [number](Entity& policy) -> Result<> {
        if (policy.version(number) == nullptr) return fail(no_such_version(number));
        policy.default_version = number;
        return {};
    };
    AC_CO_CHECK(co_await turn.access.change(turn.account(), EntityKind::policy, std::move(name),
                                            std::move(edit)));
    co_return json::object();
}

Task<json::object> delete_policy_version(Turn& turn) {
    AC_CO_TRY(std::string name, own_policy_name(turn));
    AC_CO_TRY(const std::int64_t number, version_in(turn));
    AccessService::Edit edit = [number](Entity& policy) -> Result<> {
        if (policy.version(number) == nullptr) return fail(no_such_version(number));
        if (policy.default_version == number)
            return fail(access::iam_error(ErrorCode::conflict, "DeleteConflict",
                                          "Cannot delete the default version of a policy."));
        std::erase_if(policy.versions,
                      [number](const PolicyVersion& v) { return v.number == number; });
        return {};
    };
    AC_CO_CHECK(co_await turn.access.change(turn.account(), EntityKind::policy, std::move(name),
                                            std::move(edit)));
    co_return json::object();
}

Task<json::object> list_entities_for_policy(Turn& turn) {
    AC_CO_TRY(const std::string arn, turn.form.require("PolicyArn"));
    json::array users;
    json::array groups;
    json::array roles;
    const auto found = holders(turn, arn, false);
    for (const EntityPointer& holder : found) {
        json::array& into = holder->kind == EntityKind::user    ? users
                            : holder->kind == EntityKind::group ? groups
                                                                : roles;
        json::object item;
        item[name_member(holder->kind)] = holder->name;
        into.emplace_back(std::move(item));
    }
    json::object out;
    out["PolicyUsers"] = std::move(users);
    out["PolicyGroups"] = std::move(groups);
    out["PolicyRoles"] = std::move(roles);
    out["IsTruncated"] = false;
    co_return out;
}

constexpr Entry kEntries[] = {
    {"CreatePolicy", create_policy},
    {"GetPolicy", get_policy},
    {"ListPolicies", list_policies},
    {"DeletePolicy", delete_policy},
    {"CreatePolicyVersion", create_policy_version},
    {"GetPolicyVersion", get_policy_version},
    {"ListPolicyVersions", list_policy_versions},
    {"SetDefaultPolicyVersion", set_default_version},
    {"DeletePolicyVersion", delete_policy_version},
    {"ListEntitiesForPolicy", list_entities_for_policy},
};

}  // namespace

std::span<const Entry> policy_operations() {
    return kEntries;
}

}  // namespace ac::wire::iam
