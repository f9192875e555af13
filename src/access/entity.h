#pragma once
// What IAM keeps: users, groups, roles and managed policies, one record each. Names are unique in
// an account without regard to case.

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace ac::access {

enum class EntityKind { user, group, role, policy };

std::string_view to_string(EntityKind kind);  // "user"

using Tags = std::map<std::string, std::string>;

struct PolicyVersion {
    std::int64_t number = 1;  // "v1"
    std::string document;
    WallTime created_at{};
};

struct Entity {
    EntityKind kind = EntityKind::user;
    std::string account;
    std::string name;
    std::string path = "/";
    std::string id;  // AIDA..., AGPA..., AROA..., ANPA...
    std::string description = {};
    WallTime created_at{};
    WallTime updated_at{};
    Tags tags = {};

    // user, group, role
    std::map<std::string, std::string> inline_policies = {};
    std::set<std::string> attached = {};  // ARNs of managed policies
    std::string boundary = {};            // ARN; empty: none
    // user: names of its groups, in lower case
    std::set<std::string> groups = {};
    // role
    std::string trust_policy = {};
    std::int64_t session_seconds_max = 3600;
    // policy
    std::vector<PolicyVersion> versions = {};  // ascending
    std::int64_t default_version = 1;
    std::int64_t next_version = 2;

    std::string arn() const;
    // nullptr: no such version.
    const PolicyVersion* version(std::int64_t number) const;
};

using EntityPointer = std::shared_ptr<const Entity>;

// "arn:aws:iam::ACCOUNT:role/path/name"
std::string entity_arn(std::string_view account, EntityKind kind, std::string_view path,
                       std::string_view name);
struct EntityName {
    EntityKind kind = EntityKind::user;
    std::string account;
    std::string name;
};
// invalid_argument: not the ARN of such a thing.
Result<EntityName> parse_entity_arn(std::string_view arn);

// As stored.
std::string to_document(const Entity& entity);
Result<Entity> entity_from_document(EntityKind kind, std::string account,
                                    std::string_view document);

}  // namespace ac::access
