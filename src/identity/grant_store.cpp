#include "base/encoding.h"
#include "identity/store.h"

namespace ac::identity::store {

namespace {

using storage::Params;
using storage::Row;
using storage::Value;

constexpr std::string_view kGrantColumns =
    "SELECT g.account, g.region, g.workload, g.user_key, g.provider, g.slot, g.scopes, g.revision, "
    "g.lease, g.lease_until, g.expires_at, g.updated_at FROM identity_grants AS g ";
constexpr std::string_view kConsentColumns =
    "SELECT id, state, account, region, workload, user_key, provider, slot, document, revision, "
    "status, expires_at FROM identity_consents ";

Params params_of(const GrantKey& key) {
    return {key.scope.account, key.scope.region, key.workload,
            key.user.text(),   key.provider,     key.slot};
}
constexpr std::string_view kIsGrant =
    "WHERE account = $1 AND region = $2 AND workload = $3 AND user_key = $4 AND provider = $5 AND "
    "slot = $6 ";

GrantKey grant_key_from(const Row& row, std::size_t first) {
    return {.scope = {.account = row.text(first), .region = row.text(first + 1)},
            .workload = row.text(first + 2),
            .user = UserKey::stored(row.text(first + 3)),
            .provider = row.text(first + 4),
            .slot = row.text(first + 5)};
}

SecretRow secret_of(const GrantRow& row) {
    return {.scope = row.key.scope,
            .kind = "grant",
            .name = secret_name(row.key),
            .user = row.key.user.text(),
            .revision = row.revision,
            .sealed = row.sealed};
}

SecretRow secret_of(const ConsentRow& row) {
    return {.scope = row.grant.scope,
            .kind = "consent",
            .name = row.id,
            .user = row.grant.user.text(),
            .revision = row.revision,
            .sealed = row.sealed};
}

Result<GrantRow> grant_from(Transaction& tx, const Row& row) {
    GrantRow out{.key = grant_key_from(row, 0),
                 .scopes = row.text(6),
                 .sealed = {},
                 .revision = row.integer(7),
                 .lease = row.text(8),
                 .lease_until = from_epoch_ms(row.integer(9)),
                 .expires_at = {},
                 .updated_at = from_epoch_ms(row.integer(11))};
    if (!row.is_null(10)) out.expires_at = from_epoch_ms(row.integer(10));
    AC_TRY(const auto secret, find_secret(tx, secret_of(out)));
    if (secret) out.sealed = secret->sealed;
    return out;
}

constexpr std::string_view text_of(ConsentStatus status) {
    switch (status) {
        case ConsentStatus::pending:
            return "pending";
        case ConsentStatus::exchanging:
            return "exchanging";
        case ConsentStatus::authorized:
            return "authorized";
        case ConsentStatus::failed:
            break;
    }
    return "failed";
}

ConsentStatus status_from(std::string_view text) {
    for (const auto status :
         {ConsentStatus::pending, ConsentStatus::exchanging, ConsentStatus::authorized})
        if (text == text_of(status)) return status;
    return ConsentStatus::failed;
}

Result<std::optional<ConsentRow>> first_consent(Transaction& tx, const storage::Rows& rows) {
    if (rows.empty()) return std::nullopt;
    const Row& row = rows.front();
    ConsentRow out{.id = row.text(0),
                   .state = row.text(1),
                   .grant = grant_key_from(row, 2),
                   .document = row.text(8),
                   .sealed = {},
                   .revision = row.integer(9),
                   .status = status_from(row.text(10)),
                   .expires_at = from_epoch_ms(row.integer(11))};
    AC_TRY(const auto secret, find_secret(tx, secret_of(out)));
    if (secret) out.sealed = secret->sealed;
    return out;
}

// With their tokens.
Result<std::int64_t> erase_grants_where(Transaction& tx, const std::string& condition,
                                        const Params& params) {
    AC_TRY(const auto rows, tx.query(std::string(kGrantColumns) + condition, params));
    for (const auto& row : rows) {
        const GrantRow place{.key = grant_key_from(row, 0)};
        AC_CHECK(erase_secret(tx, secret_of(place)));
        AC_CHECK(tx.execute("DELETE FROM identity_grants " + std::string(kIsGrant),
                            params_of(place.key)));
    }
    return static_cast<std::int64_t>(rows.size());
}

}  // namespace

std::string secret_name(const GrantKey& key) {
    return percent_encode(key.workload) + "/" + percent_encode(key.provider) + "/" + key.slot;
}

Result<std::optional<GrantRow>> find_grant(Transaction& tx, const GrantKey& key) {
    AC_TRY(const auto rows,
           tx.query(std::string(kGrantColumns) + std::string(kIsGrant), params_of(key)));
    if (rows.empty()) return std::nullopt;
    AC_TRY(auto row, grant_from(tx, rows.front()));
    return row;
}

Result<std::vector<GrantRow>> list_grants(Transaction& tx, const GrantKey& key,
                                          const std::string& slot_prefix) {
    AC_TRY(const auto rows,
           tx.query(
               std::string(kGrantColumns) +
                   "WHERE account = $1 AND region = $2 AND workload = $3 AND user_key = $4 "
                   "AND provider = $5",
               {key.scope.account, key.scope.region, key.workload, key.user.text(), key.provider}));
    std::vector<GrantRow> out;
    for (const auto& row : rows) {
        if (!row.text(5).starts_with(slot_prefix)) continue;
        AC_TRY(auto grant, grant_from(tx, row));
        out.push_back(std::move(grant));
    }
    return out;
}

Result<> save_grant(Transaction& tx, const GrantRow& row) {
    Params params = params_of(row.key);
    params.insert(params.end(), {row.scopes, row.revision, row.lease, to_epoch_ms(row.lease_until),
                                 row.expires_at ? Value(to_epoch_ms(*row.expires_at)) : Value(),
                                 to_epoch_ms(row.updated_at)});
    AC_CHECK(tx.execute(
        "INSERT INTO identity_grants (account, region, workload, user_key, provider, slot, scopes, "
        "revision, lease, lease_until, expires_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, "
        "$8, $9, $10, $11, $12) ON CONFLICT (account, region, workload, user_key, provider, slot) "
        "DO UPDATE SET scopes = excluded.scopes, revision = excluded.revision, "
        "lease = excluded.lease, lease_until = excluded.lease_until, "
        "expires_at = excluded.expires_at, updated_at = excluded.updated_at",
        params));
    return save_secret(tx, secret_of(row));
}

Result<bool> lease_grant(Transaction& tx, const GrantKey& key, std::int64_t revision,
                         const std::string& lease, WallTime now, WallTime until) {
    Params params = params_of(key);
    params.insert(params.end(), {revision, lease, to_epoch_ms(now), to_epoch_ms(until)});
    AC_TRY(const auto taken,
           tx.execute("UPDATE identity_grants SET lease = $8, lease_until = $10 " +
                          std::string(kIsGrant) +
                          "AND revision = $7 AND (lease = '' OR lease_until < $9)",
                      params));
    return taken > 0;
}

Result<> release_grant(Transaction& tx, const GrantKey& key, const std::string& lease) {
    Params params = params_of(key);
    params.emplace_back(lease);
    AC_CHECK(tx.execute(
        "UPDATE identity_grants SET lease = '' " + std::string(kIsGrant) + "AND lease = $7",
        params));
    return {};
}

Result<> erase_grant(Transaction& tx, const GrantKey& key, std::int64_t revision) {
    Params params = params_of(key);
    params.emplace_back(revision);
    AC_CHECK(erase_grants_where(tx, std::string(kIsGrant) + "AND revision = $7", params));
    return {};
}

Result<> erase_grants_of_workload(Transaction& tx, const Scope& scope,
                                  const std::string& workload) {
    AC_CHECK(erase_grants_where(tx, "WHERE account = $1 AND region = $2 AND workload = $3",
                                {scope.account, scope.region, workload}));
    return {};
}

Result<> erase_grants_of_provider(Transaction& tx, const Scope& scope,
                                  const std::string& provider) {
    AC_CHECK(erase_grants_where(tx, "WHERE account = $1 AND region = $2 AND provider = $3",
                                {scope.account, scope.region, provider}));
    return {};
}

Result<> clear_leases(Transaction& tx) {
    AC_CHECK(tx.execute("UPDATE identity_grants SET lease = '' WHERE lease <> ''"));
    return {};
}

Result<std::optional<ConsentRow>> find_consent(Transaction& tx, const std::string& id) {
    AC_TRY(const auto rows, tx.query(std::string(kConsentColumns) + "WHERE id = $1", {id}));
    return first_consent(tx, rows);
}

Result<std::optional<ConsentRow>> find_consent_by_state(Transaction& tx, const std::string& state) {
    AC_TRY(const auto rows, tx.query(std::string(kConsentColumns) + "WHERE state = $1", {state}));
    return first_consent(tx, rows);
}

Result<> insert_consent(Transaction& tx, const ConsentRow& row) {
    Params params = params_of(row.grant);
    params.insert(params.end(), {row.id, row.state, row.document, row.revision,
                                 std::string(text_of(row.status)), to_epoch_ms(row.expires_at)});
    AC_CHECK(tx.execute(
        "INSERT INTO identity_consents (account, region, workload, user_key, provider, slot, id, "
        "state, document, revision, status, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, "
        "$9, $10, $11, $12)",
        params));
    return save_secret(tx, secret_of(row));
}

Result<bool> move_consent(Transaction& tx, const ConsentRow& row, ConsentStatus before) {
    AC_TRY(const auto moved,
           tx.execute("UPDATE identity_consents SET status = $2, revision = $3 WHERE id = $1 AND "
                      "status = $4",
                      {row.id, std::string(text_of(row.status)), row.revision,
                       std::string(text_of(before))}));
    if (moved == 0) return false;
    if (row.sealed.empty()) {
        AC_CHECK(erase_secret(tx, secret_of(row)));
    } else {
        AC_CHECK(save_secret(tx, secret_of(row)));
    }
    return true;
}

Result<> erase_consent(Transaction& tx, const std::string& id) {
    AC_TRY(const auto row, find_consent(tx, id));
    if (!row) return {};
    AC_CHECK(erase_secret(tx, secret_of(*row)));
    AC_CHECK(tx.execute("DELETE FROM identity_consents WHERE id = $1", {id}));
    return {};
}

Result<std::int64_t> count_consents(Transaction& tx, const Scope& scope) {
    AC_TRY(const auto rows, tx.query("SELECT COUNT(*) FROM identity_consents WHERE account = $1 "
                                     "AND region = $2",
                                     {scope.account, scope.region}));
    return rows.front().integer(0);
}

Result<std::int64_t> sweep(Transaction& tx, WallTime now, int rows_max) {
    AC_TRY(const auto consents,
           tx.query("SELECT id FROM identity_consents WHERE expires_at <= $1 LIMIT $2",
                    {to_epoch_ms(now), std::int64_t{rows_max}}));
    for (const auto& row : consents) AC_CHECK(erase_consent(tx, row.text(0)));
    AC_TRY(const auto grants, erase_grants_where(tx, "WHERE expires_at <= $1 LIMIT $2",
                                                 {to_epoch_ms(now), std::int64_t{rows_max}}));
    return static_cast<std::int64_t>(consents.size()) + grants;
}

}  // namespace ac::identity::store
