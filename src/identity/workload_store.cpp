#include <array>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_from.hpp>
#include <boost/json/value_to.hpp>

#include "identity/store.h"
#include "identity/vault.h"

namespace ac::identity::store {

namespace {

using storage::Blob;
using storage::Row;

constexpr std::array<storage::Migration, 1> kMigrations = {
    {{.module = "identity", .version = 1, .sql = R"(
CREATE TABLE identity_workloads (
    account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL, return_urls TEXT NOT NULL,
    created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, PRIMARY KEY (account, region, name));
CREATE TABLE identity_tags (
    resource TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (resource, name));
CREATE TABLE identity_vaults (
    account TEXT NOT NULL, region TEXT NOT NULL, id TEXT NOT NULL, customer_key TEXT NOT NULL,
    modified_at BIGINT NOT NULL, PRIMARY KEY (account, region, id));
CREATE TABLE identity_providers (
    account TEXT NOT NULL, region TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
    config TEXT NOT NULL, callback TEXT NOT NULL, expires_at BIGINT, revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL,
    PRIMARY KEY (account, region, kind, name));
CREATE INDEX identity_providers_by_callback ON identity_providers (callback);
CREATE TABLE identity_secrets (
    account TEXT NOT NULL, region TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
    user_key TEXT NOT NULL, revision BIGINT NOT NULL, sealed BYTEA NOT NULL, key_id TEXT NOT NULL,
    PRIMARY KEY (account, region, kind, name, user_key));
CREATE INDEX identity_secrets_by_key ON identity_secrets (key_id);
CREATE TABLE identity_grants (
    account TEXT NOT NULL, region TEXT NOT NULL, workload TEXT NOT NULL, user_key TEXT NOT NULL,
    provider TEXT NOT NULL, slot TEXT NOT NULL, scopes TEXT NOT NULL, revision BIGINT NOT NULL,
    lease TEXT NOT NULL, lease_until BIGINT NOT NULL, expires_at BIGINT,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (account, region, workload, user_key, provider, slot));
CREATE INDEX identity_grants_by_provider ON identity_grants (account, region, provider);
CREATE INDEX identity_grants_by_expiry ON identity_grants (expires_at);
CREATE TABLE identity_consents (
    id TEXT PRIMARY KEY, state TEXT NOT NULL UNIQUE, account TEXT NOT NULL, region TEXT NOT NULL,
    workload TEXT NOT NULL, user_key TEXT NOT NULL, provider TEXT NOT NULL, slot TEXT NOT NULL,
    document TEXT NOT NULL, revision BIGINT NOT NULL, status TEXT NOT NULL,
    expires_at BIGINT NOT NULL);
CREATE INDEX identity_consents_by_expiry ON identity_consents (expires_at))"}}};

Workload workload_from(const Row& row) {
    return {.name = row.text(0),
            .return_urls = json::value_to<std::vector<std::string>>(json::parse(row.text(1))),
            .created_at = from_epoch_ms(row.integer(2)),
            .updated_at = from_epoch_ms(row.integer(3))};
}

VaultView vault_from(const Row& row) {
    return {.id = row.text(0),
            .key_type = row.text(1).empty() ? VaultKeyType::service : VaultKeyType::customer,
            .kms_key_arn = row.text(1),
            .modified_at = from_epoch_ms(row.integer(2))};
}

constexpr std::string_view kSecretColumns =
    "SELECT account, region, kind, name, user_key, revision, sealed FROM identity_secrets ";

SecretRow secret_from(const Row& row) {
    return {.scope = {.account = row.text(0), .region = row.text(1)},
            .kind = row.text(2),
            .name = row.text(3),
            .user = row.text(4),
            .revision = row.integer(5),
            .sealed = row.blob(6)};
}

storage::Params place_of(const SecretRow& row) {
    return {row.scope.account, row.scope.region, row.kind, row.name, row.user};
}

}  // namespace

std::span<const storage::Migration> migrations() {
    return kMigrations;
}

Result<std::optional<Workload>> find_workload(Transaction& tx, const Scope& scope,
                                              const std::string& name) {
    AC_TRY(const auto rows,
           tx.query("SELECT name, return_urls, created_at, updated_at FROM identity_workloads "
                    "WHERE account = $1 AND region = $2 AND name = $3",
                    {scope.account, scope.region, name}));
    if (rows.empty()) return std::nullopt;
    return workload_from(rows.front());
}

Result<> save_workload(Transaction& tx, const Scope& scope, const Workload& workload) {
    AC_CHECK(tx.execute(
        "INSERT INTO identity_workloads (account, region, name, return_urls, created_at, "
        "updated_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account, region, name) DO UPDATE "
        "SET return_urls = excluded.return_urls, updated_at = excluded.updated_at",
        {scope.account, scope.region, workload.name,
         json::serialize(json::value_from(workload.return_urls)), to_epoch_ms(workload.created_at),
         to_epoch_ms(workload.updated_at)}));
    return {};
}

Result<bool> erase_workload(Transaction& tx, const Scope& scope, const std::string& name) {
    AC_TRY(const auto gone, tx.execute("DELETE FROM identity_workloads WHERE account = $1 AND "
                                       "region = $2 AND name = $3",
                                       {scope.account, scope.region, name}));
    return gone > 0;
}

Result<std::vector<Workload>> list_workloads(Transaction& tx, const Scope& scope,
                                             const std::string& after, int items_max) {
    AC_TRY(const auto rows,
           tx.query("SELECT name, return_urls, created_at, updated_at FROM identity_workloads "
                    "WHERE account = $1 AND region = $2 AND name > $3 "
                    "ORDER BY name LIMIT $4",
                    {scope.account, scope.region, after, std::int64_t{items_max}}));
    std::vector<Workload> out;
    for (const auto& row : rows) out.push_back(workload_from(row));
    return out;
}

Result<std::int64_t> count_workloads(Transaction& tx, const Scope& scope) {
    AC_TRY(const auto rows, tx.query("SELECT COUNT(*) FROM identity_workloads WHERE account = $1 "
                                     "AND region = $2",
                                     {scope.account, scope.region}));
    return rows.front().integer(0);
}

Result<Tags> find_tags(Transaction& tx, const std::string& resource) {
    AC_TRY(const auto rows,
           tx.query("SELECT name, value FROM identity_tags WHERE resource = $1", {resource}));
    Tags out;
    for (const auto& row : rows) out.emplace(row.text(0), row.text(1));
    return out;
}

Result<> add_tags(Transaction& tx, const std::string& resource, const Tags& tags) {
    for (const auto& [name, value] : tags)
        AC_CHECK(
            tx.execute("INSERT INTO identity_tags (resource, name, value) VALUES ($1, $2, $3) "
                       "ON CONFLICT (resource, name) DO UPDATE SET value = excluded.value",
                       {resource, name, value}));
    return {};
}

Result<> erase_tags(Transaction& tx, const std::string& resource,
                    const std::vector<std::string>& keys) {
    for (const std::string& key : keys)
        AC_CHECK(tx.execute("DELETE FROM identity_tags WHERE resource = $1 AND name = $2",
                            {resource, key}));
    return {};
}

Result<> erase_all_tags(Transaction& tx, const std::string& resource) {
    AC_CHECK(tx.execute("DELETE FROM identity_tags WHERE resource = $1", {resource}));
    return {};
}

Result<VaultView> find_vault(Transaction& tx, const Scope& scope, const std::string& id) {
    AC_TRY(const auto rows, tx.query("SELECT id, customer_key, modified_at FROM identity_vaults "
                                     "WHERE account = $1 AND region = $2 AND id = $3",
                                     {scope.account, scope.region, id}));
    if (!rows.empty()) return vault_from(rows.front());
    return VaultView{.id = id};
}

Result<> save_vault(Transaction& tx, const Scope& scope, const VaultView& vault) {
    AC_CHECK(tx.execute(
        "INSERT INTO identity_vaults (account, region, id, customer_key, modified_at) VALUES "
        "($1, $2, $3, $4, $5) ON CONFLICT (account, region, id) DO UPDATE SET "
        "customer_key = excluded.customer_key, modified_at = excluded.modified_at",
        {scope.account, scope.region, vault.id, vault.kms_key_arn,
         to_epoch_ms(vault.modified_at)}));
    return {};
}

Result<std::vector<std::pair<Scope, VaultView>>> list_customer_vaults(Transaction& tx) {
    AC_TRY(const auto rows, tx.query("SELECT id, customer_key, modified_at, account, region FROM "
                                     "identity_vaults WHERE customer_key <> ''"));
    std::vector<std::pair<Scope, VaultView>> out;
    for (const auto& row : rows) {
        Scope scope{.account = row.text(3), .region = row.text(4)};
        out.emplace_back(std::move(scope), vault_from(row));
    }
    return out;
}

Result<std::optional<SecretRow>> find_secret(Transaction& tx, const SecretRow& place) {
    AC_TRY(const auto rows,
           tx.query(std::string(kSecretColumns) + "WHERE account = $1 AND region = $2 AND "
                                                  "kind = $3 AND name = $4 AND user_key = $5",
                    place_of(place)));
    if (rows.empty()) return std::nullopt;
    return secret_from(rows.front());
}

Result<> save_secret(Transaction& tx, const SecretRow& row) {
    AC_CHECK(tx.execute(
        "INSERT INTO identity_secrets (account, region, kind, name, user_key, revision, sealed, "
        "key_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
        "ON CONFLICT (account, region, kind, name, user_key) DO UPDATE SET "
        "revision = excluded.revision, sealed = excluded.sealed, key_id = excluded.key_id",
        {row.scope.account, row.scope.region, row.kind, row.name, row.user, row.revision,
         Blob{row.sealed}, key_id_of(row.sealed)}));
    return {};
}

Result<> erase_secret(Transaction& tx, const SecretRow& place) {
    AC_CHECK(
        tx.execute("DELETE FROM identity_secrets WHERE account = $1 AND region = $2 AND "
                   "kind = $3 AND name = $4 AND user_key = $5",
                   place_of(place)));
    return {};
}

Result<std::vector<SecretRow>> list_wrapped_otherwise(Transaction& tx,
                                                      const std::optional<Scope>& scope,
                                                      const std::string& key_id, int rows_max) {
    std::string sql(kSecretColumns);
    storage::Params params{key_id, std::int64_t{rows_max}};
    if (scope) {
        sql += "WHERE key_id <> $1 AND account = $3 AND region = $4 LIMIT $2";
        params.insert(params.end(), {scope->account, scope->region});
    } else {
        sql +=
            "AS s WHERE key_id <> $1 AND NOT EXISTS (SELECT 1 FROM identity_vaults AS v WHERE "
            "v.account = s.account AND v.region = s.region AND v.customer_key <> '') LIMIT $2";
    }
    AC_TRY(const auto rows, tx.query(sql, params));
    std::vector<SecretRow> out;
    for (const auto& row : rows) out.push_back(secret_from(row));
    return out;
}

Result<> replace_wrapping(Transaction& tx, const SecretRow& row, const std::string& sealed) {
    storage::Params params = place_of(row);
    params.insert(params.end(), {Blob{row.sealed}, Blob{sealed}, key_id_of(sealed)});
    AC_CHECK(
        tx.execute("UPDATE identity_secrets SET sealed = $7, key_id = $8 WHERE account = $1 "
                   "AND region = $2 AND kind = $3 AND name = $4 AND user_key = $5 AND "
                   "sealed = $6",
                   params));
    return {};
}

}  // namespace ac::identity::store
