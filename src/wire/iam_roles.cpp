// Roles.

#include <boost/json/array.hpp>

#include "access/rules.h"
#include "wire/iam_handlers.h"

namespace ac::wire::iam {
namespace {

json::object role_result(const Entity& role) {
    json::object out;
    out["Role"] = entity_json(role);
    return out;
}

Task<json::object> create_role(Turn& turn) {
    Entity wanted{.kind = EntityKind::role, .account = turn.account()};
    AC_CO_TRY(wanted.name, turn.form.require("RoleName"));
    AC_CO_TRY(wanted.trust_policy, turn.form.require("AssumeRolePolicyDocument"));
    AC_CO_TRY(wanted.session_seconds_max, turn.form.number("MaxSessionDuration", 3600));
    if (turn.form.has("Path")) wanted.path = turn.form.get("Path");
    wanted.description = turn.form.get("Description");
    wanted.tags = turn.form.tags();
    wanted.boundary = turn.form.get("PermissionsBoundary");
    AC_CO_TRY(const Entity made, co_await turn.access.create(std::move(wanted)));
    co_return role_result(made);
}

Task<json::object> get_role(Turn& turn) {
    AC_CO_TRY(const auto role, named(turn, EntityKind::role));
    json::object out = role_result(*role);
    out["Role"].as_object()["RoleLastUsed"] = json::object();
    co_return out;
}

Task<json::object> list_roles(Turn& turn) {
    std::vector<json::value> items;
    const auto found = turn.snapshot()->list(turn.account(), EntityKind::role, path_prefix(turn));
    for (const EntityPointer& role : found) items.emplace_back(entity_json(*role));
    co_return page_of(turn, "Roles", items);
}

Task<json::object> delete_role(Turn& turn) {
    AC_CO_TRY(std::string name, turn.form.require("RoleName"));
    AC_CO_CHECK(co_await turn.access.remove(turn.account(), EntityKind::role, std::move(name)));
    co_return json::object();
}

Task<Entity> change_role(Turn& turn, AccessService::Edit edit) {
    AC_CO_TRY(std::string name, turn.form.require("RoleName"));
    co_return co_await turn.access.change(turn.account(), EntityKind::role, std::move(name),
                                          std::move(edit));
}

Task<json::object> update_role(Turn& turn) {
    AC_CO_TRY(const std::int64_t seconds, turn.form.number("MaxSessionDuration", 0));
    const std::string description = turn.form.get("Description");
    AccessService::Edit edit = [seconds, description](Entity& role) -> Result<> {
        if (seconds != 0) role.session_seconds_max = seconds;
        if (!description.empty()) role.description = description;
        return {};
    };
    AC_CO_TRY(const Entity role, co_await change_role(turn, std::move(edit)));
    json::object out;
    if (turn.form.get("Action") == "UpdateRoleDescription") out = role_result(role);
    co_return out;
}

Task<json::object> update_trust(Turn& turn) {
    AC_CO_TRY(const std::string document, turn.form.require("PolicyDocument"));
    AccessService::Edit edit = [document](Entity& role) -> Result<> {
        role.trust_policy = document;
        return {};
    };
    AC_CO_CHECK(co_await change_role(turn, std::move(edit)));
    co_return json::object();
}

// There are no instances, so no role has a profile for them; tools ask before they delete a role.
Task<json::object> list_instance_profiles_for_role(Turn& turn) {
    AC_CO_CHECK(named(turn, EntityKind::role));
    co_return page_of(turn, "InstanceProfiles", {});
}

constexpr Entry kEntries[] = {
    {"CreateRole", create_role},
    {"GetRole", get_role},
    {"ListRoles", list_roles},
    {"DeleteRole", delete_role},
    {"UpdateRole", update_role},
    {"UpdateRoleDescription", update_role},
    {"UpdateAssumeRolePolicy", update_trust},
    {"ListInstanceProfilesForRole", list_instance_profiles_for_role},
};

}  // namespace

std::span<const Entry> role_operations() {
    return kEntries;
}

}  // namespace ac::wire::iam
