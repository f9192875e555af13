#include "access/store.h"

#include <array>

#include "base/encoding.h"

namespace ac::access::store {
namespace {

using storage::Blob;
using storage::Row;
using storage::Rows;

constexpr std::array<storage::Migration, 1> kMigrations = {
    {{.module = "access", .version = 1, .sql = R"(
CREATE TABLE access_entities (
    account TEXT NOT NULL, kind TEXT NOT NULL, folded TEXT NOT NULL,
    document TEXT NOT NULL, changed BIGINT NOT NULL,
    PRIMARY KEY (account, kind, folded));
CREATE INDEX access_entities_by_change ON access_entities (changed);
CREATE TABLE access_keys (
    id TEXT PRIMARY KEY, account TEXT NOT NULL, user_folded TEXT NOT NULL,
    status TEXT NOT NULL, secret BYTEA NOT NULL, created_at BIGINT NOT NULL,
    changed BIGINT NOT NULL);
CREATE INDEX access_keys_by_user ON access_keys (account, user_folded);
CREATE INDEX access_keys_by_change ON access_keys (changed);
CREATE TABLE access_key_uses (
    id TEXT PRIMARY KEY, used_at BIGINT NOT NULL, service TEXT NOT NULL, region TEXT NOT NULL);
CREATE TABLE access_resource_policies (
    resource TEXT PRIMARY KEY, document TEXT NOT NULL, changed BIGINT NOT NULL);
CREATE INDEX access_resource_policies_by_change ON access_resource_policies (changed);
CREATE TABLE access_settings (name TEXT PRIMARY KEY, value BYTEA NOT NULL);
CREATE TABLE access_version (one BIGINT PRIMARY KEY, version BIGINT NOT NULL);
INSERT INTO access_version (one, version) VALUES (1, 0))"}}};

EntityKind kind_from(const std::string& text) {
    for (const EntityKind kind : {EntityKind::group, EntityKind::role, EntityKind::policy})
        if (to_string(kind) == text) return kind;
    return EntityKind::user;
}

KeyRow key_from(const Row& row) {
    return {.id = row.text(0),
            .account = row.text(1),
            .user = row.text(2),
            .status = row.text(3),
            .sealed_secret = row.blob(4),
            .created_at = from_epoch_ms(row.integer(5))};
}

constexpr std::string_view kKeyColumns =
    "SELECT id, account, user_folded, status, secret, created_at FROM access_keys ";

}  // namespace

std::span<const storage::Migration> migrations() {
    return kMigrations;
}

Result<Changes> changes_since(Transaction& tx, std::int64_t version) {
    Changes out;
    AC_TRY(const Rows current, tx.query("SELECT version FROM access_version WHERE one = 1"));
    out.version = current.at(0).integer(0);
    if (out.version == version) return out;
    AC_TRY(const Rows entities,
           tx.query("SELECT account, kind, folded, document FROM access_entities "
                    "WHERE changed > $1",
                    {version}));
    for (const Row& row : entities)
        out.entities.push_back({.kind = kind_from(row.text(1)),
                                .account = row.text(0),
                                .folded = row.text(2),
                                .document = row.text(3)});
    AC_TRY(const Rows keys, tx.query(std::string(kKeyColumns) + "WHERE changed > $1", {version}));
    for (const Row& row : keys) out.keys.push_back(key_from(row));
    AC_TRY(const Rows policies,
           tx.query("SELECT resource, document FROM access_resource_policies WHERE changed > $1",
                    {version}));
    for (const Row& row : policies)
        out.resource_policies.push_back({.resource = row.text(0), .document = row.text(1)});
    return out;
}

Result<std::int64_t> next_version(Transaction& tx) {
    AC_TRY(const Rows rows, tx.query("UPDATE access_version SET version = version + 1 "
                                     "WHERE one = 1 RETURNING version"));
    return rows.at(0).integer(0);
}

Result<std::optional<Entity>> find_entity(Transaction& tx, const std::string& account,
                                          EntityKind kind, const std::string& name) {
    AC_TRY(const Rows rows,
           tx.query("SELECT document FROM access_entities WHERE account = $1 AND kind = $2 AND "
                    "folded = $3",
                    {account, std::string(to_string(kind)), to_lower(name)}));
    if (rows.empty() || rows[0].text(0).empty()) return std::nullopt;
    AC_TRY(Entity entity, entity_from_document(kind, account, rows[0].text(0)));
    return entity;
}

Result<std::vector<Entity>> all_entities(Transaction& tx, const std::string& account) {
    AC_TRY(const Rows rows,
           tx.query("SELECT kind, document FROM access_entities WHERE account = $1 AND "
                    "document <> ''",
                    {account}));
    std::vector<Entity> out;
    for (const Row& row : rows) {
        AC_TRY(Entity entity, entity_from_document(kind_from(row.text(0)), account, row.text(1)));
        out.push_back(std::move(entity));
    }
    return out;
}

namespace {

Result<> write_entity(Transaction& tx, const Entity& entity, std::string document,
                      std::int64_t version) {
    AC_TRY([[maybe_unused]] const auto rows,
           tx.execute("INSERT INTO access_entities (account, kind, folded, document, changed) "
                      "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (account, kind, folded) "
                      "DO UPDATE SET document = excluded.document, changed = excluded.changed",
                      {entity.account, std::string(to_string(entity.kind)), to_lower(entity.name),
                       std::move(document), version}));
    return {};
}

}  // namespace

Result<> save_entity(Transaction& tx, const Entity& entity, std::int64_t version) {
    return write_entity(tx, entity, to_document(entity), version);
}

Result<> erase_entity(Transaction& tx, const Entity& entity, std::int64_t version) {
    return write_entity(tx, entity, "", version);
}

Result<std::vector<KeyRow>> keys_of(Transaction& tx, const std::string& account,
                                    const std::string& user) {
    AC_TRY(const Rows rows, tx.query(std::string(kKeyColumns) +
                                         "WHERE account = $1 AND user_folded = $2 AND status <> '' "
                                         "ORDER BY created_at, id",
                                     {account, user}));
    std::vector<KeyRow> out;
    for (const Row& row : rows) out.push_back(key_from(row));
    return out;
}

Result<> save_key(Transaction& tx, const KeyRow& key, std::int64_t version) {
    AC_TRY([[maybe_unused]] const auto rows,
           tx.execute("INSERT INTO access_keys (id, account, user_folded, status, secret, "
                      "created_at, changed) VALUES ($1, $2, $3, $4, $5, $6, $7) "
                      "ON CONFLICT (id) DO UPDATE SET user_folded = excluded.user_folded, "
                      "status = excluded.status, "
                      "secret = excluded.secret, changed = excluded.changed",
                      {key.id, key.account, key.user, key.status, Blob{key.sealed_secret},
                       to_epoch_ms(key.created_at), version}));
    return {};
}

Result<std::vector<KeyRow>> all_keys(Transaction& tx) {
    AC_TRY(const Rows rows, tx.query(std::string(kKeyColumns) + "WHERE status <> '' ORDER BY id"));
    std::vector<KeyRow> out;
    for (const Row& row : rows) out.push_back(key_from(row));
    return out;
}

Result<> replace_secret(Transaction& tx, const KeyRow& key, const std::string& sealed) {
    AC_TRY([[maybe_unused]] const auto rows,
           tx.execute("UPDATE access_keys SET secret = $1 WHERE id = $2 AND secret = $3",
                      {Blob{sealed}, key.id, Blob{key.sealed_secret}}));
    return {};
}

Result<> save_last_use(Transaction& tx, const std::string& key, const LastUse& use) {
    AC_TRY([[maybe_unused]] const auto rows,
           tx.execute("INSERT INTO access_key_uses (id, used_at, service, region) "
                      "VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO UPDATE SET "
                      "used_at = excluded.used_at, service = excluded.service, "
                      "region = excluded.region",
                      {key, to_epoch_ms(use.at), use.service, use.region}));
    return {};
}

Result<std::optional<LastUse>> find_last_use(Transaction& tx, const std::string& key) {
    AC_TRY(const Rows rows,
           tx.query("SELECT used_at, service, region FROM access_key_uses WHERE id = $1", {key}));
    if (rows.empty()) return std::nullopt;
    return LastUse{.at = from_epoch_ms(rows[0].integer(0)),
                   .service = rows[0].text(1),
                   .region = rows[0].text(2)};
}

Result<> save_resource_policy(Transaction& tx, const ResourcePolicyRow& row, std::int64_t version) {
    AC_TRY([[maybe_unused]] const auto rows,
           tx.execute("INSERT INTO access_resource_policies (resource, document, changed) "
                      "VALUES ($1, $2, $3) ON CONFLICT (resource) DO UPDATE SET "
                      "document = excluded.document, changed = excluded.changed",
                      {row.resource, row.document, version}));
    return {};
}

Result<std::string> keep_setting(Transaction& tx, const std::string& name,
                                 const std::string& value) {
    AC_TRY([[maybe_unused]] const auto made,
           tx.execute("INSERT INTO access_settings (name, value) VALUES ($1, $2) "
                      "ON CONFLICT (name) DO NOTHING",
                      {name, Blob{value}}));
    return setting(tx, name);
}

Result<std::string> setting(Transaction& tx, const std::string& name) {
    AC_TRY(const Rows rows, tx.query("SELECT value FROM access_settings WHERE name = $1", {name}));
    return rows.at(0).blob(0);
}

Result<> replace_setting(Transaction& tx, const std::string& name, const std::string& value) {
    AC_TRY(
        [[maybe_unused]] const auto rows,
        tx.execute("UPDATE access_settings SET value = $1 WHERE name = $2", {Blob{value}, name}));
    return {};
}

}  // namespace ac::access::store
