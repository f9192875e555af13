#include "interpreter/store.h"

#include <fmt/format.h>

#include <array>

namespace ac::interpreter::store {
namespace {

using storage::Params;
using storage::Row;
using storage::Rows;

constexpr std::array<storage::Migration, 2> kMigrations = {
    {{.module = "interpreter", .version = 1, .sql = R"(
CREATE TABLE interpreters (
    account TEXT NOT NULL, region TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL,
    description TEXT NOT NULL, role_arn TEXT NOT NULL, network_mode TEXT NOT NULL,
    created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL,
    token TEXT, fingerprint TEXT NOT NULL,
    PRIMARY KEY (account, region, id), UNIQUE (account, region, name));
CREATE INDEX interpreters_by_token ON interpreters (account, region, token);
CREATE TABLE interpreter_tags (
    account TEXT NOT NULL, region TEXT NOT NULL, interpreter TEXT NOT NULL,
    key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (account, region, interpreter, key));
CREATE TABLE interpreter_sessions (
    account TEXT NOT NULL, region TEXT NOT NULL, interpreter TEXT NOT NULL, id TEXT NOT NULL,
    sort_key TEXT NOT NULL, name TEXT NOT NULL, timeout BIGINT NOT NULL, status TEXT NOT NULL,
    created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL,
    token TEXT, fingerprint TEXT NOT NULL, PRIMARY KEY (account, region, id));
CREATE INDEX interpreter_sessions_by_time
    ON interpreter_sessions (account, region, interpreter, sort_key);
CREATE INDEX interpreter_sessions_by_token
    ON interpreter_sessions (account, region, interpreter, token);
CREATE INDEX interpreter_sessions_by_status ON interpreter_sessions (status);
CREATE INDEX interpreter_sessions_by_age ON interpreter_sessions (updated_at))"},
     {.module = "interpreter",
      .version = 2,
      .sql = "ALTER TABLE interpreters ADD COLUMN vpc TEXT NOT NULL DEFAULT ''"}}};

constexpr std::string_view kColumns =
    "SELECT id, name, description, role_arn, network_mode, vpc, created_at, updated_at "
    "FROM interpreters WHERE account = $1 AND region = $2 ";
constexpr std::string_view kSessionColumns =
    "SELECT interpreter, id, name, timeout, status, created_at, updated_at "
    "FROM interpreter_sessions WHERE account = $1 AND region = $2 AND interpreter = $3 ";

Result<> run(Transaction& tx, std::string_view sql, const Params& params) {
    AC_TRY([[maybe_unused]] const auto changed, tx.execute(sql, params));
    return {};
}

storage::Value token_value(const std::string& token) {
    if (token.empty()) return {};
    return token;
}

Interpreter interpreter_from(const Row& row) {
    return {.id = InterpreterId(row.text(0)),
            .name = row.text(1),
            .description = row.text(2),
            .role_arn = row.text(3),
            .network = network_mode_of(row.text(4)),
            .vpc = row.text(5),
            .created_at = from_epoch_ms(row.integer(6)),
            .updated_at = from_epoch_ms(row.integer(7))};
}

SessionView session_from(const Row& row) {
    return {.interpreter = InterpreterId(row.text(0)),
            .id = SessionId(row.text(1)),
            .name = row.text(2),
            .timeout = Seconds{row.integer(3)},
            .status = row.text(4) == "READY" ? SessionStatus::ready : SessionStatus::terminated,
            .created_at = from_epoch_ms(row.integer(5)),
            .updated_at = from_epoch_ms(row.integer(6))};
}

Result<std::optional<Interpreter>> one(Transaction& tx, const Scope& scope, std::string_view where,
                                       const std::string& value) {
    AC_TRY(const Rows rows, tx.query(std::string(kColumns) + std::string(where),
                                     {scope.account, scope.region, value}));
    if (rows.empty()) return std::nullopt;
    return interpreter_from(rows[0]);
}

Result<std::optional<Known>> known(Transaction& tx, std::string_view sql, const Params& params) {
    AC_TRY(const Rows rows, tx.query(sql, params));
    if (rows.empty()) return std::nullopt;
    return Known{.id = rows[0].text(0), .fingerprint = rows[0].text(1)};
}

}  // namespace

std::span<const storage::Migration> migrations() {
    return kMigrations;
}

Result<std::int64_t> count(Transaction& tx, const Scope& scope) {
    AC_TRY(const Rows rows,
           tx.query("SELECT COUNT(*) FROM interpreters WHERE account = $1 AND region = $2",
                    {scope.account, scope.region}));
    return rows.at(0).integer(0);
}

Result<> insert(Transaction& tx, const Scope& scope, const NewInterpreter& made) {
    const Interpreter& it = made.interpreter;
    return run(tx,
               "INSERT INTO interpreters (account, region, id, name, description, role_arn, "
               "network_mode, vpc, created_at, updated_at, token, fingerprint) "
               "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
               {scope.account, scope.region, it.id.text(), it.name, it.description, it.role_arn,
                std::string(to_string(it.network)), it.vpc, to_epoch_ms(it.created_at),
                to_epoch_ms(it.updated_at), token_value(made.once.token), made.once.fingerprint});
}

Result<std::optional<Interpreter>> find(Transaction& tx, const Scope& scope,
                                        const InterpreterId& id) {
    return one(tx, scope, "AND id = $3", id.text());
}

Result<std::optional<Interpreter>> find_by_name(Transaction& tx, const Scope& scope,
                                                const std::string& name) {
    return one(tx, scope, "AND name = $3", name);
}

Result<std::optional<Known>> find_by_token(Transaction& tx, const Scope& scope,
                                           const std::string& token) {
    if (token.empty()) return std::nullopt;
    return known(tx,
                 "SELECT id, fingerprint FROM interpreters "
                 "WHERE account = $1 AND region = $2 AND token = $3",
                 {scope.account, scope.region, token});
}

Result<std::vector<Interpreter>> list(Transaction& tx, const Scope& scope, const std::string& after,
                                      int items_max) {
    AC_TRY(const Rows rows,
           tx.query(std::string(kColumns) + "AND id > $3 ORDER BY id LIMIT $4",
                    {scope.account, scope.region, after, static_cast<std::int64_t>(items_max)}));
    std::vector<Interpreter> out;
    for (const Row& row : rows) out.push_back(interpreter_from(row));
    return out;
}

Result<bool> erase(Transaction& tx, const Scope& scope, const InterpreterId& id) {
    AC_CHECK(run(tx,
                 "DELETE FROM interpreter_tags "
                 "WHERE account = $1 AND region = $2 AND interpreter = $3",
                 {scope.account, scope.region, id.text()}));
    AC_TRY(const auto changed,
           tx.execute("DELETE FROM interpreters WHERE account = $1 AND region = $2 AND id = $3",
                      {scope.account, scope.region, id.text()}));
    return changed > 0;
}

Result<Tags> tags(Transaction& tx, const Scope& scope, const InterpreterId& id) {
    AC_TRY(const Rows rows, tx.query("SELECT key, value FROM interpreter_tags WHERE account = $1 "
                                     "AND region = $2 AND interpreter = $3",
                                     {scope.account, scope.region, id.text()}));
    Tags out;
    for (const Row& row : rows) out.emplace(row.text(0), row.text(1));
    return out;
}

Result<> put_tag(Transaction& tx, const Scope& scope, const InterpreterId& id,
                 const std::string& key, const std::string& value) {
    return run(tx,
               "INSERT INTO interpreter_tags (account, region, interpreter, key, value) "
               "VALUES ($1, $2, $3, $4, $5) "
               "ON CONFLICT (account, region, interpreter, key) DO UPDATE SET value = $5",
               {scope.account, scope.region, id.text(), key, value});
}

Result<> erase_tag(Transaction& tx, const Scope& scope, const InterpreterId& id,
                   const std::string& key) {
    return run(tx,
               "DELETE FROM interpreter_tags "
               "WHERE account = $1 AND region = $2 AND interpreter = $3 AND key = $4",
               {scope.account, scope.region, id.text(), key});
}

std::string session_key(const SessionView& session) {
    return fmt::format("{:015}-{}", to_epoch_ms(session.created_at), session.id.text());
}

Result<> insert_session(Transaction& tx, const Scope& scope, const SessionView& session,
                        const Idempotency& once) {
    return run(
        tx,
        "INSERT INTO interpreter_sessions (account, region, interpreter, id, sort_key, name, "
        "timeout, status, created_at, updated_at, token, fingerprint) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, 'READY', $8, $9, $10, $11)",
        {scope.account, scope.region, session.interpreter.text(), session.id.text(),
         session_key(session), session.name, session.timeout.count(),
         to_epoch_ms(session.created_at), to_epoch_ms(session.updated_at), token_value(once.token),
         once.fingerprint});
}

Result<std::optional<SessionView>> find_session(Transaction& tx, const Scope& scope,
                                                const InterpreterId& interpreter,
                                                const SessionId& id) {
    AC_TRY(const Rows rows, tx.query(std::string(kSessionColumns) + "AND id = $4",
                                     {scope.account, scope.region, interpreter.text(), id.text()}));
    if (rows.empty()) return std::nullopt;
    return session_from(rows[0]);
}

Result<std::optional<Known>> find_session_by_token(Transaction& tx, const Scope& scope,
                                                   const InterpreterId& interpreter,
                                                   const std::string& token) {
    if (token.empty()) return std::nullopt;
    return known(tx,
                 "SELECT id, fingerprint FROM interpreter_sessions "
                 "WHERE account = $1 AND region = $2 AND interpreter = $3 AND token = $4",
                 {scope.account, scope.region, interpreter.text(), token});
}

Result<std::vector<SessionView>> list_sessions(Transaction& tx, const Scope& scope,
                                               const SessionQuery& query, const std::string& before,
                                               int items_max) {
    // ':' sorts behind every digit.
    Params params{scope.account, scope.region, query.interpreter.text(),
                  before.empty() ? std::string(":") : before, static_cast<std::int64_t>(items_max)};
    std::string sql(kSessionColumns);
    sql += "AND sort_key < $4 ";
    if (query.status) {
        sql += "AND status = $6 ";
        params.emplace_back(std::string(to_string(*query.status)));
    }
    sql += "ORDER BY sort_key DESC LIMIT $5";
    AC_TRY(const Rows rows, tx.query(sql, params));
    std::vector<SessionView> out;
    for (const Row& row : rows) out.push_back(session_from(row));
    return out;
}

Result<> end_session(Transaction& tx, const Scope& scope, const SessionId& id, WallTime now) {
    return run(tx,
               "UPDATE interpreter_sessions SET status = 'TERMINATED', updated_at = $4 "
               "WHERE account = $1 AND region = $2 AND id = $3 AND status = 'READY'",
               {scope.account, scope.region, id.text(), to_epoch_ms(now)});
}

Result<> end_all_sessions(Transaction& tx, WallTime now) {
    return run(tx,
               "UPDATE interpreter_sessions SET status = 'TERMINATED', updated_at = $1 "
               "WHERE status = 'READY'",
               {to_epoch_ms(now)});
}

Result<> erase_sessions_before(Transaction& tx, WallTime before) {
    return run(tx,
               "DELETE FROM interpreter_sessions WHERE status = 'TERMINATED' AND updated_at < $1",
               {to_epoch_ms(before)});
}

}  // namespace ac::interpreter::store
