#pragma once
// The operations of the IAM front. Each gets one authorized request and returns the members of its
// result.

#include "wire/iam_front.h"

namespace ac::wire::iam {

using access::AccessService;
using access::Entity;
using access::EntityKind;
using access::EntityPointer;
using access::SnapshotPointer;

// One request under way; lives as long as the operation.
struct Turn {
    AccessService& access;
    const Form& form;
    const QueryCall& call;

    const std::string& account() const { return call.scope.account; }
    SnapshotPointer snapshot() const { return access.directory().now(); }
};

using Operation = Task<json::object> (*)(Turn&);

struct Entry {
    std::string_view name;
    Operation operation;
};

// iam_users.cpp: users, groups, keys
std::span<const Entry> user_operations();
// iam_roles.cpp
std::span<const Entry> role_operations();
// iam_policies.cpp: managed policies
std::span<const Entry> policy_operations();
// iam_attachments.cpp: inline and attached policies, boundaries and tags of users, groups, roles
std::span<const Entry> attachment_operations();
// iam_simulate.cpp
std::span<const Entry> simulation_operations();

// iam_json.cpp
json::object entity_json(const Entity& entity);
std::string_view name_member(EntityKind kind);  // "UserName"
json::array tags_json(const access::Tags& tags);
// Documents travel percent-encoded.
std::string encoded(const std::string& document);

// The entity that the request names ("UserName"); NoSuchEntity. Without a name, a user who calls.
Result<EntityPointer> named(const Turn& turn, EntityKind kind);
Result<std::string> name_in(const Turn& turn, EntityKind kind);
// The path for a listing; "/" when there is none.
std::string path_prefix(const Turn& turn);
// A page of `items` under `member`, as Marker and MaxItems ask.
Result<json::object> page_of(const Turn& turn, std::string_view member,
                             const std::vector<json::value>& items);

}  // namespace ac::wire::iam
