#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "identity/store.h"

namespace ac::identity::store {

namespace {

using storage::Blob;
using storage::Row;
using storage::Value;

constexpr std::string_view kColumns =
    "SELECT p.kind, p.name, p.config, p.callback, p.expires_at, p.revision, p.created_at, "
    "p.updated_at, s.sealed, p.account, p.region FROM identity_providers AS p LEFT JOIN "
    "identity_secrets AS s ON s.account = p.account AND s.region = p.region AND s.kind = p.kind "
    "AND s.name = p.name AND s.user_key = '' ";

Provider provider_from(const Row& row) {
    Provider out;
    out.kind = row.text(0) == to_string(ProviderKind::api_key) ? ProviderKind::api_key
                                                               : ProviderKind::oauth2;
    out.name = row.text(1);
    if (out.kind == ProviderKind::oauth2)
        out.oauth = oauth_config_from(json::parse(row.text(2)).as_object());
    out.callback = row.text(3);
    if (!row.is_null(4)) out.expires_at = from_epoch_ms(row.integer(4));
    out.revision = row.integer(5);
    out.created_at = from_epoch_ms(row.integer(6));
    out.updated_at = from_epoch_ms(row.integer(7));
    if (!row.is_null(8)) out.sealed = row.blob(8);
    return out;
}

SecretRow secret_of(const Scope& scope, const Provider& provider) {
    return {.scope = scope,
            .kind = std::string(to_string(provider.kind)),
            .name = provider.name,
            .user = {},
            .revision = provider.revision,
            .sealed = provider.sealed};
}

}  // namespace

Result<std::optional<Provider>> find_provider(Transaction& tx, const Scope& scope,
                                              ProviderKind kind, const std::string& name) {
    AC_TRY(const auto rows,
           tx.query(std::string(kColumns) + "WHERE p.account = $1 AND p.region = $2 AND "
                                            "p.kind = $3 AND p.name = $4",
                    {scope.account, scope.region, std::string(to_string(kind)), name}));
    if (rows.empty()) return std::nullopt;
    return provider_from(rows.front());
}

Result<std::optional<PlacedProvider>> find_provider_by_callback(Transaction& tx,
                                                                const std::string& callback) {
    AC_TRY(const auto rows, tx.query(std::string(kColumns) + "WHERE p.callback = $1", {callback}));
    if (rows.empty() || callback.empty()) return std::nullopt;
    return PlacedProvider{
        .scope = {.account = rows.front().text(9), .region = rows.front().text(10)},
        .provider = provider_from(rows.front())};
}

Result<> save_provider(Transaction& tx, const Scope& scope, const Provider& provider) {
    const std::string config = provider.kind == ProviderKind::oauth2
                                   ? json::serialize(to_json(provider.oauth))
                                   : std::string("{}");
    const Value expires_at =
        provider.expires_at ? Value(to_epoch_ms(*provider.expires_at)) : Value();
    AC_CHECK(tx.execute(
        "INSERT INTO identity_providers (account, region, kind, name, config, callback, "
        "expires_at, revision, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, "
        "$10) ON CONFLICT (account, region, kind, name) DO UPDATE SET config = excluded.config, "
        "expires_at = excluded.expires_at, revision = excluded.revision, "
        "updated_at = excluded.updated_at",
        {scope.account, scope.region, std::string(to_string(provider.kind)), provider.name, config,
         provider.callback, expires_at, provider.revision, to_epoch_ms(provider.created_at),
         to_epoch_ms(provider.updated_at)}));
    if (provider.sealed.empty()) return erase_secret(tx, secret_of(scope, provider));
    return save_secret(tx, secret_of(scope, provider));
}

Result<bool> erase_provider(Transaction& tx, const Scope& scope, ProviderKind kind,
                            const std::string& name) {
    AC_TRY(const auto gone,
           tx.execute("DELETE FROM identity_providers WHERE account = $1 AND region = $2 AND "
                      "kind = $3 AND name = $4",
                      {scope.account, scope.region, std::string(to_string(kind)), name}));
    const Provider place{.kind = kind, .name = name};
    AC_CHECK(erase_secret(tx, secret_of(scope, place)));
    return gone > 0;
}

Result<std::vector<Provider>> list_providers(Transaction& tx, const Scope& scope, ProviderKind kind,
                                             const std::string& after, int items_max) {
    AC_TRY(const auto rows,
           tx.query(std::string(kColumns) +
                        "WHERE p.account = $1 AND p.region = $2 AND p.kind = $3 AND "
                        "p.name > $4 ORDER BY p.name LIMIT $5",
                    {scope.account, scope.region, std::string(to_string(kind)), after,
                     std::int64_t{items_max}}));
    std::vector<Provider> out;
    for (const auto& row : rows) out.push_back(provider_from(row));
    return out;
}

Result<std::int64_t> count_providers(Transaction& tx, const Scope& scope) {
    AC_TRY(const auto rows, tx.query("SELECT COUNT(*) FROM identity_providers WHERE account = $1 "
                                     "AND region = $2",
                                     {scope.account, scope.region}));
    return rows.front().integer(0);
}

Result<std::int64_t> empty_expired_providers(Transaction& tx, WallTime now, int rows_max) {
    AC_TRY(const auto rows,
           tx.query(
               std::string(kColumns) + "WHERE p.expires_at <= $1 AND s.sealed IS NOT NULL LIMIT $2",
               {to_epoch_ms(now), std::int64_t{rows_max}}));
    for (const auto& row : rows) {
        const Scope scope{.account = row.text(9), .region = row.text(10)};
        AC_CHECK(erase_secret(tx, secret_of(scope, provider_from(row))));
    }
    return static_cast<std::int64_t>(rows.size());
}

}  // namespace ac::identity::store
