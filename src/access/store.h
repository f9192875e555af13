#pragma once
// The tables of access. All SQL of the module is in store.cpp. Every change carries the number of
// its transaction, so that a reader asks for what is newer than what it has; what was removed stays
// as a mark.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "access/entity.h"
#include "base/ids.h"
#include "storage/database.h"

namespace ac::access::store {

std::span<const storage::Migration> migrations();

using storage::Transaction;

struct EntityRow {
    EntityKind kind = EntityKind::user;
    std::string account;
    std::string folded;    // the name in lower case
    std::string document;  // empty: removed
};

struct KeyRow {
    std::string id;
    std::string account;
    std::string user;    // folded; empty: the account's root
    std::string status;  // "Active", "Inactive", "" (removed)
    std::string sealed_secret;
    WallTime created_at{};
};

struct ResourcePolicyRow {
    std::string resource;  // ARN
    std::string document;  // empty: removed
};

struct Changes {
    std::int64_t version = 0;  // of the newest transaction
    std::vector<EntityRow> entities;
    std::vector<KeyRow> keys;
    std::vector<ResourcePolicyRow> resource_policies;
};

// What changed after `version`.
Result<Changes> changes_since(Transaction& tx, std::int64_t version);
// The number that this transaction's changes carry.
Result<std::int64_t> next_version(Transaction& tx);

Result<std::optional<Entity>> find_entity(Transaction& tx, const std::string& account,
                                          EntityKind kind, const std::string& name);
Result<std::vector<Entity>> all_entities(Transaction& tx, const std::string& account);
Result<> save_entity(Transaction& tx, const Entity& entity, std::int64_t version);
Result<> erase_entity(Transaction& tx, const Entity& entity, std::int64_t version);

Result<std::vector<KeyRow>> keys_of(Transaction& tx, const std::string& account,
                                    const std::string& user);
Result<> save_key(Transaction& tx, const KeyRow& key, std::int64_t version);

// All that are not removed.
Result<std::vector<KeyRow>> all_keys(Transaction& tx);
// Other bytes for the same secret, unless the row has changed meanwhile.
Result<> replace_secret(Transaction& tx, const KeyRow& key, const std::string& sealed);

struct LastUse {
    WallTime at{};
    std::string service;
    std::string region;
};
Result<> save_last_use(Transaction& tx, const std::string& key, const LastUse& use);
Result<std::optional<LastUse>> find_last_use(Transaction& tx, const std::string& key);

Result<> save_resource_policy(Transaction& tx, const ResourcePolicyRow& row, std::int64_t version);

// A value that is made once; the one that was there first is answered.
Result<std::string> keep_setting(Transaction& tx, const std::string& name,
                                 const std::string& value);
Result<std::string> setting(Transaction& tx, const std::string& name);
Result<> replace_setting(Transaction& tx, const std::string& name, const std::string& value);

}  // namespace ac::access::store
