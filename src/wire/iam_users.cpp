// Users, groups and access keys.

#include <boost/json/array.hpp>

#include "access/rules.h"
#include "base/encoding.h"
#include "wire/iam_handlers.h"

namespace ac::wire::iam {
namespace {

template <EntityKind kind>
constexpr std::string_view kTitle = kind == EntityKind::user ? "User" : "Group";

template <EntityKind kind>
Task<json::object> create(Turn& turn) {
    Entity wanted{.kind = kind, .account = turn.account()};
    AC_CO_TRY(wanted.name, turn.form.require(name_member(kind)));
    if (turn.form.has("Path")) wanted.path = turn.form.get("Path");
    wanted.tags = turn.form.tags();
    wanted.boundary = turn.form.get("PermissionsBoundary");
    AC_CO_TRY(const Entity made, co_await turn.access.create(std::move(wanted)));
    json::object out;
    out[kTitle<kind>] = entity_json(made);
    co_return out;
}

Task<json::object> get_user(Turn& turn) {
    const access::Principal& caller = turn.call.principal;
    json::object out;
    if (!turn.form.has("UserName") && caller.kind == access::Principal::Kind::root) {
        out["User"] = json::object{{"UserId", caller.account},
                                   {"Arn", caller.arn},
                                   {"Path", "/"},
                                   {"CreateDate", query_time(WallTime{})}};
        co_return out;
    }
    AC_CO_TRY(const auto user, named(turn, EntityKind::user));
    out["User"] = entity_json(*user);
    co_return out;
}

std::vector<json::value> members_of(const Turn& turn, const std::string& group) {
    std::vector<json::value> out;
    for (const EntityPointer& user : turn.snapshot()->list(turn.account(), EntityKind::user, "/"))
        if (user->groups.contains(to_lower(group))) out.emplace_back(entity_json(*user));
    return out;
}

Task<json::object> get_group(Turn& turn) {
    AC_CO_TRY(const auto group, named(turn, EntityKind::group));
    AC_CO_TRY(json::object out, page_of(turn, "Users", members_of(turn, group->name)));
    out["Group"] = entity_json(*group);
    co_return out;
}

template <EntityKind kind>
Task<json::object> list(Turn& turn) {
    std::vector<json::value> items;
    const auto found = turn.snapshot()->list(turn.account(), kind, path_prefix(turn));
    for (const EntityPointer& entity : found) items.emplace_back(entity_json(*entity));
    co_return page_of(turn, kind == EntityKind::user ? "Users" : "Groups", items);
}

template <EntityKind kind>
Task<json::object> remove(Turn& turn) {
    AC_CO_TRY(std::string name, turn.form.require(name_member(kind)));
    AC_CO_CHECK(co_await turn.access.remove(turn.account(), kind, std::move(name)));
    co_return json::object();
}

Task<json::object> update_user(Turn& turn) {
    AC_CO_TRY(std::string name, turn.form.require("UserName"));
    AC_CO_CHECK(co_await turn.access.rename(turn.account(), EntityKind::user, std::move(name),
                                            turn.form.get("NewUserName"),
                                            turn.form.get("NewPath")));
    co_return json::object();
}

Task<json::object> set_membership(Turn& turn, bool is_member) {
    AC_CO_TRY(const std::string group, turn.form.require("GroupName"));
    AC_CO_TRY(std::string user, turn.form.require("UserName"));
    AccessService::Edit edit = [group, is_member](Entity& entity) -> Result<> {
        if (is_member)
            entity.groups.insert(to_lower(group));
        else if (entity.groups.erase(to_lower(group)) == 0)
            return fail(access::no_such_entity(EntityKind::group, group));
        return {};
    };
    AC_CO_CHECK(co_await turn.access.change(turn.account(), EntityKind::user, std::move(user),
                                            std::move(edit)));
    co_return json::object();
}

Task<json::object> add_user_to_group(Turn& turn) {
    co_return co_await set_membership(turn, true);
}

Task<json::object> remove_user_from_group(Turn& turn) {
    co_return co_await set_membership(turn, false);
}

Task<json::object> list_groups_for_user(Turn& turn) {
    AC_CO_TRY(const auto user, named(turn, EntityKind::user));
    std::vector<json::value> items;
    const auto snapshot = turn.snapshot();
    for (const std::string& group : user->groups)
        if (const Entity* found = snapshot->find(turn.account(), EntityKind::group, group))
            items.emplace_back(entity_json(*found));
    co_return page_of(turn, "Groups", items);
}

// Whose keys: the user that is named, else the caller's own ("" is the account's root).
Result<std::string> key_owner(const Turn& turn) {
    using Kind = access::Principal::Kind;
    if (turn.form.has("UserName")) {
        AC_TRY(const auto user, named(turn, EntityKind::user));
        return user->name;
    }
    const access::Principal& caller = turn.call.principal;
    if (caller.kind == Kind::root) return std::string();
    if (caller.kind == Kind::user) return caller.name;
    return fail(access::iam_error(ErrorCode::invalid_argument, "ValidationError",
                                  "Must specify userName when calling with non-User credentials"));
}

json::object key_json(const access::KeyView& key) {
    return {{"UserName", key.user},
            {"AccessKeyId", key.id},
            {"Status", key.active ? "Active" : "Inactive"},
            {"CreateDate", query_time(key.created_at)}};
}

Task<json::object> create_access_key(Turn& turn) {
    AC_CO_TRY(std::string owner, key_owner(turn));
    AC_CO_TRY(const auto key, co_await turn.access.create_key(turn.account(), std::move(owner)));
    json::object out = key_json(key.view);
    out["SecretAccessKey"] = key.secret->view();
    json::object result;
    result["AccessKey"] = std::move(out);
    co_return result;
}

Task<json::object> list_access_keys(Turn& turn) {
    AC_CO_TRY(const std::string owner, key_owner(turn));
    std::vector<json::value> items;
    const auto keys = turn.access.keys_of(turn.account(), owner);
    for (const access::KeyView& key : keys) items.emplace_back(key_json(key));
    co_return page_of(turn, "AccessKeyMetadata", items);
}

Task<json::object> update_access_key(Turn& turn) {
    AC_CO_TRY(std::string owner, key_owner(turn));
    AC_CO_TRY(std::string id, turn.form.require("AccessKeyId"));
    const std::string& status = turn.form.get("Status");
    if (status != "Active" && status != "Inactive")
        co_return fail(access::iam_error(ErrorCode::invalid_argument, "ValidationError",
                                         "Status is Active or Inactive"));
    AC_CO_CHECK(co_await turn.access.set_key_active(turn.account(), std::move(owner), std::move(id),
                                                    status == "Active"));
    co_return json::object();
}

Task<json::object> delete_access_key(Turn& turn) {
    AC_CO_TRY(std::string owner, key_owner(turn));
    AC_CO_TRY(std::string id, turn.form.require("AccessKeyId"));
    AC_CO_CHECK(co_await turn.access.delete_key(turn.account(), std::move(owner), std::move(id)));
    co_return json::object();
}

Task<json::object> get_access_key_last_used(Turn& turn) {
    AC_CO_TRY(const std::string id, turn.form.require("AccessKeyId"));
    const auto key = turn.access.find_key(turn.account(), id);
    if (!key)
        co_return fail(access::iam_error(ErrorCode::not_found, "NoSuchEntity",
                                         "The Access Key with id " + id + " cannot be found."));
    AC_CO_TRY(const auto use, co_await turn.access.last_use(id));
    json::object last{{"ServiceName", use ? use->service : "N/A"},
                      {"Region", use ? use->region : "N/A"}};
    if (use) last["LastUsedDate"] = query_time(use->at);
    json::object out;
    out["UserName"] = key->user;
    out["AccessKeyLastUsed"] = std::move(last);
    co_return out;
}

constexpr Entry kEntries[] = {
    {"CreateUser", create<EntityKind::user>},
    {"GetUser", get_user},
    {"ListUsers", list<EntityKind::user>},
    {"UpdateUser", update_user},
    {"DeleteUser", remove<EntityKind::user>},
    {"CreateGroup", create<EntityKind::group>},
    {"GetGroup", get_group},
    {"ListGroups", list<EntityKind::group>},
    {"DeleteGroup", remove<EntityKind::group>},
    {"AddUserToGroup", add_user_to_group},
    {"RemoveUserFromGroup", remove_user_from_group},
    {"ListGroupsForUser", list_groups_for_user},
    {"CreateAccessKey", create_access_key},
    {"ListAccessKeys", list_access_keys},
    {"UpdateAccessKey", update_access_key},
    {"DeleteAccessKey", delete_access_key},
    {"GetAccessKeyLastUsed", get_access_key_last_used},
};

}  // namespace

std::span<const Entry> user_operations() {
    return kEntries;
}

}  // namespace ac::wire::iam
