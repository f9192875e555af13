#include "issuer/store.h"

#include <array>
#include <boost/json.hpp>

namespace ac::issuer::store {
namespace {

using storage::Blob;
using storage::Row;
using storage::Rows;

constexpr std::array<storage::Migration, 1> kMigrations = {
    {{.module = "issuer", .version = 1, .sql = R"(
CREATE TABLE issuer_keys (
    pool TEXT NOT NULL, id TEXT NOT NULL, algorithm TEXT NOT NULL, sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL, PRIMARY KEY (pool, id));
CREATE TABLE issuer_pools (
    id TEXT PRIMARY KEY, account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL,
    url TEXT NOT NULL, domain TEXT UNIQUE, algorithm TEXT NOT NULL, document TEXT NOT NULL,
    created_at BIGINT NOT NULL);
CREATE INDEX issuer_pools_by_account ON issuer_pools (account, region);
CREATE TABLE issuer_resource_servers (
    pool TEXT NOT NULL, id TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (pool, id));
CREATE TABLE issuer_clients (
    pool TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, secret_hash TEXT NOT NULL,
    secret_sealed BYTEA NOT NULL, document TEXT NOT NULL, created_at BIGINT NOT NULL,
    PRIMARY KEY (pool, id));
CREATE TABLE issuer_users (
    pool TEXT NOT NULL, name TEXT NOT NULL, id TEXT NOT NULL, password TEXT NOT NULL,
    attributes TEXT NOT NULL, must_change BIGINT NOT NULL, created_at BIGINT NOT NULL,
    PRIMARY KEY (pool, name), UNIQUE (pool, id));
CREATE TABLE issuer_codes (
    hash TEXT PRIMARY KEY, pool TEXT NOT NULL, family TEXT NOT NULL, document TEXT NOT NULL,
    used_at BIGINT, expires_at BIGINT NOT NULL);
CREATE INDEX issuer_codes_by_age ON issuer_codes (expires_at);
CREATE INDEX issuer_codes_by_family ON issuer_codes (pool, family);
CREATE TABLE issuer_refresh (
    hash TEXT PRIMARY KEY, pool TEXT NOT NULL, family TEXT NOT NULL, document TEXT NOT NULL,
    used_at BIGINT, expires_at BIGINT NOT NULL);
CREATE INDEX issuer_refresh_by_age ON issuer_refresh (expires_at);
CREATE INDEX issuer_refresh_by_family ON issuer_refresh (pool, family))"}}};

Result<> run(Transaction& tx, std::string_view sql, const storage::Params& params) {
    AC_TRY([[maybe_unused]] const auto changed, tx.execute(sql, params));
    return {};
}

Result<std::int64_t> count(Transaction& tx, std::string_view sql, const storage::Params& params) {
    AC_TRY(const Rows rows, tx.query(sql, params));
    return rows.at(0).integer(0);
}

// Trees that we wrote ourselves.
json::object object_from(const std::string& text) {
    return json::parse(text).as_object();
}
std::string text_of(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    return value == nullptr ? std::string() : std::string(value->as_string());
}
std::vector<std::string> list_of(const json::object& object, std::string_view name) {
    return json::value_to<std::vector<std::string>>(object.at(name));
}

Pool pool_from(const Row& row) {
    return {.id = row.text(0),
            .scope = {.account = row.text(1), .region = row.text(2)},
            .name = row.text(3),
            .url = row.text(4),
            .domain = row.is_null(5) ? std::string() : row.text(5),
            .algorithm = signature_algorithm_from(row.text(6)).value_or(SignatureAlgorithm::es256),
            .document = object_from(row.text(7)),
            .created_at = from_epoch_ms(row.integer(8))};
}
constexpr std::string_view kPoolColumns =
    "SELECT id, account, region, name, url, domain, algorithm, document, created_at "
    "FROM issuer_pools ";

Result<std::optional<Pool>> one_pool(Transaction& tx, std::string_view where,
                                     const std::string& value) {
    AC_TRY(const Rows rows, tx.query(std::string(kPoolColumns) + std::string(where), {value}));
    if (rows.empty()) return std::nullopt;
    return pool_from(rows[0]);
}

json::object to_document(const Client& client) {
    return {{"redirectUris", json::value_from(client.redirect_uris)},
            {"scopes", json::value_from(client.scopes)},
            {"audiences", json::value_from(client.audiences)},
            {"grants", json::value_from(client.grants)},
            {"accessLife", client.access_life.count()},
            {"refreshLife", client.refresh_life.count()},
            {"given", client.document}};
}

StoredKey stored_key_from(const Row& row) {
    return {.id = row.text(0),
            .algorithm = row.text(1),
            .sealed = row.blob(2),
            .created_at = from_epoch_ms(row.integer(3))};
}

Client client_from(const Row& row) {
    const json::object document = object_from(row.text(5));
    return {.pool = row.text(0),
            .id = row.text(1),
            .name = row.text(2),
            .secret_hash = row.text(3),
            .secret_sealed = row.blob(4),
            .redirect_uris = list_of(document, "redirectUris"),
            .scopes = list_of(document, "scopes"),
            .audiences = list_of(document, "audiences"),
            .grants = list_of(document, "grants"),
            .access_life = Seconds{document.at("accessLife").as_int64()},
            .refresh_life = Seconds{document.at("refreshLife").as_int64()},
            .document = document.at("given").as_object(),
            .created_at = from_epoch_ms(row.integer(6))};
}
constexpr std::string_view kClientSelect =
    "SELECT pool, id, name, secret_hash, secret_sealed, document, created_at FROM issuer_clients ";
constexpr std::string_view kClientColumns =
    "SELECT pool, id, name, secret_hash, secret_sealed, document, created_at FROM issuer_clients "
    "WHERE pool = $1 ";

User user_from(const Row& row) {
    return {.pool = row.text(0),
            .name = row.text(1),
            .id = row.text(2),
            .password_hash = row.text(3),
            .attributes = object_from(row.text(4)),
            .must_change_password = row.integer(5) != 0,
            .created_at = from_epoch_ms(row.integer(6))};
}
constexpr std::string_view kUserColumns =
    "SELECT pool, name, id, password, attributes, must_change, created_at FROM issuer_users "
    "WHERE pool = $1 ";

Result<std::optional<User>> one_user(Transaction& tx, std::string_view where,
                                     const std::string& pool, const std::string& value) {
    AC_TRY(const Rows rows,
           tx.query(std::string(kUserColumns) + std::string(where), {pool, value}));
    if (rows.empty()) return std::nullopt;
    return user_from(rows[0]);
}

json::object to_document(const Grant& grant) {
    return {
        {"client", grant.client},      {"user", grant.user},
        {"userName", grant.user_name}, {"scope", grant.scope},
        {"nonce", grant.nonce},        {"authenticatedAt", to_epoch_ms(grant.authenticated_at)}};
}

Grant grant_from(const std::string& pool, const std::string& family, const json::object& object) {
    return {.pool = pool,
            .family = family,
            .client = text_of(object, "client"),
            .user = text_of(object, "user"),
            .user_name = text_of(object, "userName"),
            .scope = text_of(object, "scope"),
            .nonce = text_of(object, "nonce"),
            .authenticated_at = from_epoch_ms(object.at("authenticatedAt").as_int64())};
}

Result<> insert_grant(Transaction& tx, std::string_view table, const std::string& hash,
                      const Grant& grant, const json::object& document, WallTime expires_at) {
    return run(
        tx,
        "INSERT INTO " + std::string(table) +
            " (hash, pool, family, document, expires_at) VALUES ($1, $2, $3, $4, $5)",
        {hash, grant.pool, grant.family, json::serialize(document), to_epoch_ms(expires_at)});
}

}  // namespace

std::span<const storage::Migration> migrations() {
    return kMigrations;
}

Result<std::vector<StoredKey>> keys(Transaction& tx, const std::string& pool) {
    AC_TRY(const Rows rows,
           tx.query("SELECT id, algorithm, sealed, created_at FROM issuer_keys WHERE pool = $1 "
                    "ORDER BY created_at, id",
                    {pool}));
    std::vector<StoredKey> out;
    for (const Row& row : rows) out.push_back(stored_key_from(row));
    return out;
}

Result<std::vector<std::pair<std::string, StoredKey>>> all_keys(Transaction& tx) {
    AC_TRY(const Rows rows,
           tx.query("SELECT id, algorithm, sealed, created_at, pool FROM issuer_keys "
                    "ORDER BY pool, id"));
    std::vector<std::pair<std::string, StoredKey>> out;
    for (const Row& row : rows) out.emplace_back(row.text(4), stored_key_from(row));
    return out;
}

Result<> replace_key(Transaction& tx, const std::string& pool, const StoredKey& key) {
    return run(tx, "UPDATE issuer_keys SET sealed = $1 WHERE pool = $2 AND id = $3",
               {Blob{key.sealed}, pool, key.id});
}

Result<> insert_key(Transaction& tx, const std::string& pool, const StoredKey& key) {
    return run(tx,
               "INSERT INTO issuer_keys (pool, id, algorithm, sealed, created_at) "
               "VALUES ($1, $2, $3, $4, $5)",
               {pool, key.id, key.algorithm, Blob{key.sealed}, to_epoch_ms(key.created_at)});
}

Result<> erase_keys_before(Transaction& tx, const std::string& pool, WallTime before) {
    return run(tx, "DELETE FROM issuer_keys WHERE pool = $1 AND created_at < $2",
               {pool, to_epoch_ms(before)});
}

Result<std::int64_t> count_pools(Transaction& tx, const Scope& scope) {
    return count(tx, "SELECT COUNT(*) FROM issuer_pools WHERE account = $1 AND region = $2",
                 {scope.account, scope.region});
}

Result<> insert_pool(Transaction& tx, const Pool& pool) {
    return run(tx,
               "INSERT INTO issuer_pools (id, account, region, name, url, algorithm, document, "
               "created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
               {pool.id, pool.scope.account, pool.scope.region, pool.name, pool.url,
                std::string(to_string(pool.algorithm)), json::serialize(pool.document),
                to_epoch_ms(pool.created_at)});
}

Result<std::optional<Pool>> find_pool(Transaction& tx, const std::string& id) {
    return one_pool(tx, "WHERE id = $1", id);
}

Result<std::optional<Pool>> find_pool_of_domain(Transaction& tx, const std::string& domain) {
    return one_pool(tx, "WHERE domain = $1", domain);
}

Result<std::vector<Pool>> list_pools(Transaction& tx, const Scope& scope, const std::string& after,
                                     int items_max) {
    AC_TRY(const Rows rows,
           tx.query(std::string(kPoolColumns) +
                        "WHERE account = $1 AND region = $2 AND id > $3 ORDER BY id LIMIT $4",
                    {scope.account, scope.region, after, std::int64_t{items_max}}));
    std::vector<Pool> out;
    for (const Row& row : rows) out.push_back(pool_from(row));
    return out;
}

Result<> set_domain(Transaction& tx, const std::string& pool, const std::string& domain) {
    storage::Value value;
    if (!domain.empty()) {
        AC_TRY(const auto other, find_pool_of_domain(tx, domain));
        if (other && other->id != pool)
            return fail(ErrorCode::conflict, "Domain already associated with another user pool.");
        value = domain;
    }
    return run(tx, "UPDATE issuer_pools SET domain = $2 WHERE id = $1", {pool, value});
}

Result<> erase_pool(Transaction& tx, const std::string& id) {
    for (const std::string_view table : {"issuer_keys", "issuer_resource_servers", "issuer_clients",
                                         "issuer_users", "issuer_codes", "issuer_refresh"})
        AC_CHECK(run(tx, "DELETE FROM " + std::string(table) + " WHERE pool = $1", {id}));
    return run(tx, "DELETE FROM issuer_pools WHERE id = $1", {id});
}

Result<> put_resource_server(Transaction& tx, const std::string& pool, const std::string& id,
                             const std::string& document) {
    return run(tx, "INSERT INTO issuer_resource_servers (pool, id, document) VALUES ($1, $2, $3)",
               {pool, id, document});
}

Result<std::optional<std::string>> find_resource_server(Transaction& tx, const std::string& pool,
                                                        const std::string& id) {
    AC_TRY(const Rows rows,
           tx.query("SELECT document FROM issuer_resource_servers WHERE pool = $1 AND id = $2",
                    {pool, id}));
    if (rows.empty()) return std::nullopt;
    return rows[0].text(0);
}

Result<std::int64_t> count_clients(Transaction& tx, const std::string& pool) {
    return count(tx, "SELECT COUNT(*) FROM issuer_clients WHERE pool = $1", {pool});
}

Result<> insert_client(Transaction& tx, const Client& client) {
    return run(tx,
               "INSERT INTO issuer_clients (pool, id, name, secret_hash, secret_sealed, document, "
               "created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
               {client.pool, client.id, client.name, client.secret_hash, Blob{client.secret_sealed},
                json::serialize(to_document(client)), to_epoch_ms(client.created_at)});
}

Result<std::optional<Client>> find_client(Transaction& tx, const std::string& pool,
                                          const std::string& id) {
    AC_TRY(const Rows rows, tx.query(std::string(kClientColumns) + "AND id = $2", {pool, id}));
    if (rows.empty()) return std::nullopt;
    return client_from(rows[0]);
}

Result<std::optional<Client>> find_client_by_id(Transaction& tx, const std::string& id) {
    AC_TRY(const Rows rows, tx.query(std::string(kClientSelect) + "WHERE id = $1 AND pool <> $2",
                                     {id, std::string(kDefaultPool)}));
    if (rows.size() != 1) return std::nullopt;
    return client_from(rows[0]);
}

Result<std::vector<Client>> list_clients(Transaction& tx, const std::string& pool) {
    AC_TRY(const Rows rows, tx.query(std::string(kClientColumns) + "ORDER BY id", {pool}));
    std::vector<Client> out;
    for (const Row& row : rows) out.push_back(client_from(row));
    return out;
}

Result<std::vector<Client>> all_clients(Transaction& tx) {
    AC_TRY(const Rows rows, tx.query(std::string(kClientSelect) + "ORDER BY pool, id"));
    std::vector<Client> out;
    for (const Row& row : rows) out.push_back(client_from(row));
    return out;
}

Result<> replace_client_secret(Transaction& tx, const Client& client) {
    return run(tx, "UPDATE issuer_clients SET secret_sealed = $1 WHERE pool = $2 AND id = $3",
               {Blob{client.secret_sealed}, client.pool, client.id});
}

Result<bool> erase_client(Transaction& tx, const std::string& pool, const std::string& id) {
    AC_TRY(const auto changed,
           tx.execute("DELETE FROM issuer_clients WHERE pool = $1 AND id = $2", {pool, id}));
    return changed > 0;
}

Result<std::int64_t> count_users(Transaction& tx, const std::string& pool) {
    return count(tx, "SELECT COUNT(*) FROM issuer_users WHERE pool = $1", {pool});
}

Result<> insert_user(Transaction& tx, const User& user) {
    return run(tx,
               "INSERT INTO issuer_users (pool, name, id, password, attributes, must_change, "
               "created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
               {user.pool, user.name, user.id, user.password_hash, json::serialize(user.attributes),
                std::int64_t{user.must_change_password}, to_epoch_ms(user.created_at)});
}

Result<std::optional<User>> find_user(Transaction& tx, const std::string& pool,
                                      const std::string& name) {
    return one_user(tx, "AND name = $2", pool, name);
}

Result<std::optional<User>> find_user_by_id(Transaction& tx, const std::string& pool,
                                            const std::string& id) {
    return one_user(tx, "AND id = $2", pool, id);
}

Result<std::vector<User>> list_users(Transaction& tx, const std::string& pool) {
    AC_TRY(const Rows rows, tx.query(std::string(kUserColumns) + "ORDER BY name", {pool}));
    std::vector<User> out;
    for (const Row& row : rows) out.push_back(user_from(row));
    return out;
}

Result<> set_password(Transaction& tx, const User& user) {
    return run(tx,
               "UPDATE issuer_users SET password = $3, must_change = $4 WHERE pool = $1 AND "
               "name = $2",
               {user.pool, user.name, user.password_hash, std::int64_t{user.must_change_password}});
}

Result<bool> erase_user(Transaction& tx, const User& user) {
    AC_TRY(const auto changed, tx.execute("DELETE FROM issuer_users WHERE pool = $1 AND name = $2",
                                          {user.pool, user.name}));
    return changed > 0;
}

Result<> insert_code(Transaction& tx, const std::string& hash, const Code& code) {
    json::object document = to_document(code.grant);
    document["redirectUri"] = code.redirect_uri;
    document["challenge"] = code.challenge;
    return insert_grant(tx, "issuer_codes", hash, code.grant, document, code.expires_at);
}

Result<std::optional<Code>> take_code(Transaction& tx, const std::string& hash, WallTime now) {
    AC_TRY(const Rows rows,
           tx.query("SELECT pool, family, document, used_at, expires_at FROM issuer_codes "
                    "WHERE hash = $1",
                    {hash}));
    if (rows.empty()) return std::nullopt;
    const Row& row = rows[0];
    const json::object document = object_from(row.text(2));
    Code code{.grant = grant_from(row.text(0), row.text(1), document),
              .redirect_uri = text_of(document, "redirectUri"),
              .challenge = text_of(document, "challenge"),
              .expires_at = from_epoch_ms(row.integer(4))};
    if (!row.is_null(3)) {
        AC_CHECK(end_family(tx, code.grant.pool, code.grant.family));
        code.grant.family.clear();
        return code;
    }
    AC_CHECK(
        run(tx, "UPDATE issuer_codes SET used_at = $2 WHERE hash = $1", {hash, to_epoch_ms(now)}));
    return code;
}

Result<> insert_refresh(Transaction& tx, const std::string& hash, const RefreshToken& token) {
    return insert_grant(tx, "issuer_refresh", hash, token.grant, to_document(token.grant),
                        token.expires_at);
}

Result<std::optional<RefreshToken>> find_refresh(Transaction& tx, const std::string& hash) {
    AC_TRY(const Rows rows,
           tx.query("SELECT pool, family, document, expires_at FROM issuer_refresh WHERE hash = $1",
                    {hash}));
    if (rows.empty()) return std::nullopt;
    return RefreshToken{
        .grant = grant_from(rows[0].text(0), rows[0].text(1), object_from(rows[0].text(2))),
        .expires_at = from_epoch_ms(rows[0].integer(3))};
}

Result<bool> use_refresh(Transaction& tx, const std::string& hash, WallTime now) {
    AC_TRY(const auto changed,
           tx.execute("UPDATE issuer_refresh SET used_at = $2 WHERE hash = $1 AND used_at IS NULL",
                      {hash, to_epoch_ms(now)}));
    return changed == 1;
}

Result<bool> family_is_alive(Transaction& tx, const std::string& pool, const std::string& family) {
    AC_TRY(const auto found,
           count(tx, "SELECT COUNT(*) FROM issuer_refresh WHERE pool = $1 AND family = $2",
                 {pool, family}));
    return found > 0;
}

Result<> end_family(Transaction& tx, const std::string& pool, const std::string& family) {
    AC_CHECK(run(tx, "DELETE FROM issuer_refresh WHERE pool = $1 AND family = $2", {pool, family}));
    // Codes stay until they expire, marked as used, so that a replay keeps being one.
    return run(tx, "UPDATE issuer_codes SET used_at = 0 WHERE pool = $1 AND family = $2",
               {pool, family});
}

Result<> erase_expired(Transaction& tx, WallTime now) {
    AC_CHECK(run(tx, "DELETE FROM issuer_codes WHERE expires_at < $1", {to_epoch_ms(now)}));
    return run(tx, "DELETE FROM issuer_refresh WHERE expires_at < $1", {to_epoch_ms(now)});
}

}  // namespace ac::issuer::store
