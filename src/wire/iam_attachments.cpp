// What users, groups and roles have in common: inline and attached policies, boundaries, tags.

#include <boost/json/array.hpp>

#include "access/managed_policies.h"
#include "access/rules.h"
#include "wire/iam_handlers.h"

namespace ac::wire::iam {
namespace {

constexpr EntityKind kUser = EntityKind::user;
constexpr EntityKind kGroup = EntityKind::group;
constexpr EntityKind kRole = EntityKind::role;

Task<json::object> change(Turn& turn, EntityKind kind, AccessService::Edit edit) {
    AC_CO_TRY(std::string name, turn.form.require(name_member(kind)));
    AC_CO_CHECK(
        co_await turn.access.change(turn.account(), kind, std::move(name), std::move(edit)));
    co_return json::object();
}

Error no_such_inline(const std::string& policy) {
    return access::iam_error(ErrorCode::not_found, "NoSuchEntity",
                             "The policy with name " + policy + " cannot be found.");
}

template <EntityKind kind>
Task<json::object> put_policy(Turn& turn) {
    AC_CO_TRY(const std::string policy, turn.form.require("PolicyName"));
    AC_CO_TRY(const std::string document, turn.form.require("PolicyDocument"));
    AccessService::Edit edit = [policy, document](Entity& entity) -> Result<> {
        entity.inline_policies[policy] = document;
        return {};
    };
    co_return co_await change(turn, kind, std::move(edit));
}

template <EntityKind kind>
Task<json::object> get_policy(Turn& turn) {
    AC_CO_TRY(const auto entity, named(turn, kind));
    AC_CO_TRY(const std::string policy, turn.form.require("PolicyName"));
    const auto found = entity->inline_policies.find(policy);
    if (found == entity->inline_policies.end()) co_return fail(no_such_inline(policy));
    json::object out;
    out[name_member(kind)] = entity->name;
    out["PolicyName"] = policy;
    out["PolicyDocument"] = encoded(found->second);
    co_return out;
}

template <EntityKind kind>
Task<json::object> delete_policy(Turn& turn) {
    AC_CO_TRY(const std::string policy, turn.form.require("PolicyName"));
    AccessService::Edit edit = [policy](Entity& entity) -> Result<> {
        if (entity.inline_policies.erase(policy) == 0) return fail(no_such_inline(policy));
        return {};
    };
    co_return co_await change(turn, kind, std::move(edit));
}

template <EntityKind kind>
Task<json::object> list_policies(Turn& turn) {
    AC_CO_TRY(const auto entity, named(turn, kind));
    std::vector<json::value> items;
    for (const auto& [policy, document] : entity->inline_policies) items.emplace_back(policy);
    co_return page_of(turn, "PolicyNames", items);
}

template <EntityKind kind>
Task<json::object> attach(Turn& turn) {
    AC_CO_TRY(const std::string arn, turn.form.require("PolicyArn"));
    AccessService::Edit edit = [arn](Entity& entity) -> Result<> {
        entity.attached.insert(arn);
        return {};
    };
    co_return co_await change(turn, kind, std::move(edit));
}

template <EntityKind kind>
Task<json::object> detach(Turn& turn) {
    AC_CO_TRY(const std::string arn, turn.form.require("PolicyArn"));
    AccessService::Edit edit = [arn](Entity& entity) -> Result<> {
        if (entity.attached.erase(arn) == 0)
            return fail(access::iam_error(ErrorCode::not_found, "NoSuchEntity",
                                          "Policy " + arn + " was not found."));
        return {};
    };
    co_return co_await change(turn, kind, std::move(edit));
}

template <EntityKind kind>
Task<json::object> list_attached(Turn& turn) {
    AC_CO_TRY(const auto entity, named(turn, kind));
    std::vector<json::value> items;
    for (const std::string& arn : entity->attached)
        items.emplace_back(
            json::object{{"PolicyName", arn.substr(arn.rfind('/') + 1)}, {"PolicyArn", arn}});
    co_return page_of(turn, "AttachedPolicies", items);
}

template <EntityKind kind>
Task<json::object> put_boundary(Turn& turn) {
    AC_CO_TRY(const std::string arn, turn.form.require("PermissionsBoundary"));
    AccessService::Edit edit = [arn](Entity& entity) -> Result<> {
        entity.boundary = arn;
        return {};
    };
    co_return co_await change(turn, kind, std::move(edit));
}

template <EntityKind kind>
Task<json::object> delete_boundary(Turn& turn) {
    AccessService::Edit edit = [](Entity& entity) -> Result<> {
        entity.boundary.clear();
        return {};
    };
    co_return co_await change(turn, kind, std::move(edit));
}

AccessService::Edit adding(std::map<std::string, std::string> tags) {
    return [tags = std::move(tags)](Entity& entity) -> Result<> {
        for (const auto& [key, value] : tags) entity.tags[key] = value;
        return {};
    };
}

AccessService::Edit removing(std::vector<std::string> keys) {
    return [keys = std::move(keys)](Entity& entity) -> Result<> {
        for (const std::string& key : keys) entity.tags.erase(key);
        return {};
    };
}

template <EntityKind kind>
Task<json::object> tag(Turn& turn) {
    co_return co_await change(turn, kind, adding(turn.form.tags()));
}

template <EntityKind kind>
Task<json::object> untag(Turn& turn) {
    co_return co_await change(turn, kind, removing(turn.form.list("TagKeys")));
}

template <EntityKind kind>
Task<json::object> list_tags(Turn& turn) {
    AC_CO_TRY(const auto entity, named(turn, kind));
    std::vector<json::value> items;
    const json::array tags = tags_json(entity->tags);
    for (const json::value& item : tags) items.push_back(item);
    co_return page_of(turn, "Tags", items);
}

constexpr Entry kEntries[] = {
    {"PutUserPolicy", put_policy<kUser>},
    {"PutGroupPolicy", put_policy<kGroup>},
    {"PutRolePolicy", put_policy<kRole>},
    {"GetUserPolicy", get_policy<kUser>},
    {"GetGroupPolicy", get_policy<kGroup>},
    {"GetRolePolicy", get_policy<kRole>},
    {"DeleteUserPolicy", delete_policy<kUser>},
    {"DeleteGroupPolicy", delete_policy<kGroup>},
    {"DeleteRolePolicy", delete_policy<kRole>},
    {"ListUserPolicies", list_policies<kUser>},
    {"ListGroupPolicies", list_policies<kGroup>},
    {"ListRolePolicies", list_policies<kRole>},
    {"AttachUserPolicy", attach<kUser>},
    {"AttachGroupPolicy", attach<kGroup>},
    {"AttachRolePolicy", attach<kRole>},
    {"DetachUserPolicy", detach<kUser>},
    {"DetachGroupPolicy", detach<kGroup>},
    {"DetachRolePolicy", detach<kRole>},
    {"ListAttachedUserPolicies", list_attached<kUser>},
    {"ListAttachedGroupPolicies", list_attached<kGroup>},
    {"ListAttachedRolePolicies", list_attached<kRole>},
    {"PutUserPermissionsBoundary", put_boundary<kUser>},
    {"PutRolePermissionsBoundary", put_boundary<kRole>},
    {"DeleteUserPermissionsBoundary", delete_boundary<kUser>},
    {"DeleteRolePermissionsBoundary", delete_boundary<kRole>},
    {"TagUser", tag<kUser>},
    {"TagRole", tag<kRole>},
    {"UntagUser", untag<kUser>},
    {"UntagRole", untag<kRole>},
    {"ListUserTags", list_tags<kUser>},
    {"ListRoleTags", list_tags<kRole>},
};

}  // namespace

std::span<const Entry> attachment_operations() {
    return kEntries;
}

}  // namespace ac::wire::iam
