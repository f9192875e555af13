#include <boost/json/array.hpp>
#include <charconv>

#include "access/rules.h"
#include "base/encoding.h"
#include "wire/iam_handlers.h"

namespace ac::wire::iam {
namespace {

constexpr std::int64_t kItemsDefault = 100;
constexpr std::int64_t kItemsMax = 1000;

void add_boundary(json::object& out, const Entity& entity) {
    if (entity.boundary.empty()) return;
    out["PermissionsBoundary"] = json::object{{"PermissionsBoundaryType", "Policy"},
                                              {"PermissionsBoundaryArn", entity.boundary}};
}

json::object policy_json(const Entity& policy) {
    return {{"PolicyName", policy.name},
            {"PolicyId", policy.id},
            {"Arn", policy.arn()},
            {"Path", policy.path},
            {"DefaultVersionId", "v" + std::to_string(policy.default_version)},
            {"IsAttachable", true},
            {"Description", policy.description},
            {"CreateDate", query_time(policy.created_at)},
            {"UpdateDate", query_time(policy.updated_at)}};
}

}  // namespace

std::string_view name_member(EntityKind kind) {
    switch (kind) {
        case EntityKind::user:
            return "UserName";
        case EntityKind::group:
            return "GroupName";
        case EntityKind::role:
            return "RoleName";
        case EntityKind::policy:
            break;
    }
    return "PolicyName";
}

json::array tags_json(const access::Tags& tags) {
    json::array out;
    for (const auto& [key, value] : tags) out.push_back({{"Key", key}, {"Value", value}});
    return out;
}

std::string encoded(const std::string& document) {
    return percent_encode(document);
}

json::object entity_json(const Entity& entity) {
    if (entity.kind == EntityKind::policy) return policy_json(entity);
    const bool is_role = entity.kind == EntityKind::role;
    const std::string_view id = is_role                           ? "RoleId"
                                : entity.kind == EntityKind::user ? "UserId"
                                                                  : "GroupId";
    json::object out{{"Path", entity.path},
                     {name_member(entity.kind), entity.name},
                     {id, entity.id},
                     {"Arn", entity.arn()},
                     {"CreateDate", query_time(entity.created_at)}};
    if (is_role) {
        out["AssumeRolePolicyDocument"] = encoded(entity.trust_policy);
        out["MaxSessionDuration"] = entity.session_seconds_max;
        if (!entity.description.empty()) out["Description"] = entity.description;
    }
    add_boundary(out, entity);
    if (!entity.tags.empty()) out["Tags"] = tags_json(entity.tags);
    return out;
}

Result<std::string> name_in(const Turn& turn, EntityKind kind) {
    const std::string_view member = name_member(kind);
    const bool may_be_own = kind == EntityKind::user && !turn.form.has(member) &&
                            turn.call.principal.kind == access::Principal::Kind::user;
    if (may_be_own) return turn.call.principal.name;
    return turn.form.require(member);
}

Result<EntityPointer> named(const Turn& turn, EntityKind kind) {
    AC_TRY(const std::string name, name_in(turn, kind));
    const auto snapshot = turn.snapshot();
    const auto found = snapshot->entities.find({turn.account(), kind, to_lower(name)});
    if (found == snapshot->entities.end()) return fail(access::no_such_entity(kind, name));
    return found->second;
}

std::string path_prefix(const Turn& turn) {
    return turn.form.has("PathPrefix") ? turn.form.get("PathPrefix") : "/";
}

Result<json::object> page_of(const Turn& turn, std::string_view member,
                             const std::vector<json::value>& items) {
    AC_TRY(const std::int64_t wanted, turn.form.number("MaxItems", kItemsDefault));
    if (wanted < 1 || wanted > kItemsMax)
        return fail(access::iam_error(ErrorCode::invalid_argument, "ValidationError",
                                      "MaxItems is 1 to 1000"));
    std::size_t from = 0;
    if (turn.form.has("Marker")) {
        const auto text = from_base64(turn.form.get("Marker")).value_or("");
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), from);
        if (error != std::errc{} || end != text.data() + text.size() || from > items.size())
            return fail(access::iam_error(ErrorCode::invalid_argument, "ValidationError",
                                          "Marker is not one that was answered"));
    }
    const std::size_t to = std::min(items.size(), from + static_cast<std::size_t>(wanted));
    json::object out{{"IsTruncated", to < items.size()}};
    out[member] = json::array(items.begin() + static_cast<std::ptrdiff_t>(from),
                              items.begin() + static_cast<std::ptrdiff_t>(to));
    if (to < items.size()) out["Marker"] = to_base64(std::to_string(to));
    return out;
}

}  // namespace ac::wire::iam
