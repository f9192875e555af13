#include "runtime/store.h"

#include <array>

#include "runtime/spec_text.h"

namespace ac::runtime::store {
namespace {

using storage::Params;
using storage::Row;
using storage::Rows;
using storage::Value;

constexpr std::array<storage::Migration, 1> kMigrations = {
    {{.module = "runtime", .version = 1, .sql = R"(
CREATE TABLE runtime_agents (
    account TEXT NOT NULL, region TEXT NOT NULL, id TEXT NOT NULL,
    name TEXT NOT NULL, status TEXT NOT NULL, failure_reason TEXT NOT NULL,
    latest BIGINT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL,
    PRIMARY KEY (account, region, id), UNIQUE (account, region, name));
CREATE TABLE runtime_versions (
    account TEXT NOT NULL, region TEXT NOT NULL, agent TEXT NOT NULL, version BIGINT NOT NULL,
    status TEXT NOT NULL, failure_reason TEXT NOT NULL, description TEXT NOT NULL,
    document TEXT NOT NULL, spec TEXT NOT NULL, built TEXT NOT NULL,
    created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL,
    PRIMARY KEY (account, region, agent, version));
CREATE TABLE runtime_endpoints (
    account TEXT NOT NULL, region TEXT NOT NULL, agent TEXT NOT NULL, name TEXT NOT NULL,
    id TEXT NOT NULL, live_version BIGINT, target_version BIGINT, status TEXT NOT NULL,
    description TEXT NOT NULL, failure_reason TEXT NOT NULL,
    created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL,
    PRIMARY KEY (account, region, agent, name));
CREATE TABLE runtime_tags (
    account TEXT NOT NULL, region TEXT NOT NULL, agent TEXT NOT NULL, endpoint TEXT NOT NULL,
    name TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (account, region, agent, endpoint, name));
CREATE TABLE runtime_tokens (
    account TEXT NOT NULL, region TEXT NOT NULL, operation TEXT NOT NULL, token TEXT NOT NULL,
    parameters TEXT NOT NULL, answer TEXT NOT NULL, created_at BIGINT NOT NULL,
    PRIMARY KEY (account, region, operation, token));
CREATE INDEX runtime_tokens_by_age ON runtime_tokens (created_at))"}}};

// The runtime's own columns, then those of one of its versions.
constexpr std::string_view kRuntimeColumns =
    "a.id, a.name, v.version, a.status, a.failure_reason, v.description, v.document, v.spec, "
    "a.created_at, a.updated_at, v.status, v.failure_reason, v.created_at, v.updated_at";
constexpr std::string_view kRuntimeJoin =
    " FROM runtime_agents a JOIN runtime_versions v ON v.account = a.account AND "
    "v.region = a.region AND v.agent = a.id WHERE a.account = $1 AND a.region = $2 ";

constexpr std::string_view kEndpointColumns =
    "SELECT agent, name, id, live_version, target_version, status, description, failure_reason, "
    "created_at, updated_at FROM runtime_endpoints WHERE account = $1 AND region = $2 AND "
    "agent = $3 ";

Params scoped(const Scope& scope, std::initializer_list<Value> rest) {
    Params params{scope.account, scope.region};
    params.insert(params.end(), rest.begin(), rest.end());
    return params;
}

std::string text_of(Status status) {
    return std::string(to_string(status));
}

Value number_or_null(const std::optional<std::int64_t>& number) {
    return number ? Value(*number) : Value();
}

std::optional<std::int64_t> number_of(const Row& row, std::size_t column) {
    if (row.is_null(column)) return std::nullopt;
    return row.integer(column);
}

enum class StatusOf { runtime, version };

Result<RuntimeView> runtime_from(const Row& row, StatusOf whose) {
    AC_TRY(Spec spec, spec_from_text(row.text(7)));
    RuntimeView view{.id = RuntimeId(row.text(0)),
                     .name = row.text(1),
                     .version = row.integer(2),
                     .description = row.text(5),
                     .document = row.text(6),
                     .spec = std::move(spec)};
    const bool own = whose == StatusOf::version;
    view.status = status_from(row.text(own ? 10 : 3));
    view.failure_reason = row.text(own ? 11 : 4);
    view.created_at = from_epoch_ms(row.integer(own ? 12 : 8));
    view.updated_at = from_epoch_ms(row.integer(own ? 13 : 9));
    return view;
}

Result<std::vector<RuntimeView>> runtimes_from(const Rows& rows, StatusOf whose) {
    std::vector<RuntimeView> out;
    out.reserve(rows.size());
    for (const Row& row : rows) {
        AC_TRY(RuntimeView view, runtime_from(row, whose));
        out.push_back(std::move(view));
    }
    return out;
}

EndpointView endpoint_from(const Row& row) {
    return {.runtime = RuntimeId(row.text(0)),
            .name = row.text(1),
            .id = row.text(2),
            .live_version = number_of(row, 3),
            .target_version = number_of(row, 4),
            .status = status_from(row.text(5)),
            .description = row.text(6),
            .failure_reason = row.text(7),
            .created_at = from_epoch_ms(row.integer(8)),
            .updated_at = from_epoch_ms(row.integer(9))};
}

Result<std::int64_t> count(Transaction& tx, std::string_view sql, const Params& params) {
    AC_TRY(const Rows rows, tx.query(sql, params));
    return rows.at(0).integer(0);
}

Result<> run(Transaction& tx, std::string_view sql, const Params& params) {
    AC_TRY([[maybe_unused]] const auto changed, tx.execute(sql, params));
    return {};
}

}  // namespace

std::span<const storage::Migration> migrations() {
    return kMigrations;
}

Result<std::int64_t> count_runtimes(Transaction& tx, const Scope& scope) {
    return count(tx, "SELECT COUNT(*) FROM runtime_agents WHERE account = $1 AND region = $2",
                 scoped(scope, {}));
}

Result<bool> name_taken(Transaction& tx, const Scope& scope, const std::string& name) {
    AC_TRY(const auto found, count(tx,
                                   "SELECT COUNT(*) FROM runtime_agents WHERE account = $1 AND "
                                   "region = $2 AND name = $3",
                                   scoped(scope, {name})));
    return found > 0;
}

Result<> insert_runtime(Transaction& tx, const Scope& scope, const RuntimeView& runtime) {
    AC_CHECK(run(tx,
                 "INSERT INTO runtime_agents (account, region, id, name, status, failure_reason, "
                 "latest, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, '', $6, $7, $7)",
                 scoped(scope, {runtime.id.text(), runtime.name, text_of(runtime.status),
                                runtime.version, to_epoch_ms(runtime.created_at)})));
    return insert_version(tx, scope, runtime);
}

Result<> insert_version(Transaction& tx, const Scope& scope, const RuntimeView& version) {
    return run(tx,
               "INSERT INTO runtime_versions (account, region, agent, version, status, "
               "failure_reason, description, document, spec, built, created_at, updated_at) "
               "VALUES ($1, $2, $3, $4, $5, '', $6, $7, $8, '', $9, $9)",
               scoped(scope, {version.id.text(), version.version, text_of(version.status),
                              version.description, version.document, to_text(version.spec),
                              to_epoch_ms(version.updated_at)}));
}

Result<std::optional<RuntimeView>> find_runtime(Transaction& tx, const Scope& scope,
                                                const RuntimeId& id,
                                                std::optional<std::int64_t> version) {
    const std::string select =
        "SELECT " + std::string(kRuntimeColumns) + std::string(kRuntimeJoin) + "AND a.id = $3 ";
    auto found = version
                     ? tx.query(select + "AND v.version = $4", scoped(scope, {id.text(), *version}))
                     : tx.query(select + "AND v.version = a.latest", scoped(scope, {id.text()}));
    AC_TRY(const Rows rows, std::move(found));
    if (rows.empty()) return std::nullopt;
    AC_TRY(RuntimeView view,
           runtime_from(rows[0], version ? StatusOf::version : StatusOf::runtime));
    return view;
}

Result<> set_runtime_status(Transaction& tx, const Scope& scope, const RuntimeView& runtime) {
    return run(tx,
               "UPDATE runtime_agents SET status = $4, failure_reason = $5, updated_at = $6 "
               "WHERE account = $1 AND region = $2 AND id = $3",
               scoped(scope, {runtime.id.text(), text_of(runtime.status), runtime.failure_reason,
                              to_epoch_ms(runtime.updated_at)}));
}

Result<> set_latest(Transaction& tx, const Scope& scope, const RuntimeId& id,
                    std::int64_t version) {
    return run(tx,
               "UPDATE runtime_agents SET latest = $4 WHERE account = $1 AND region = $2 AND "
               "id = $3",
               scoped(scope, {id.text(), version}));
}

Result<std::int64_t> count_versions(Transaction& tx, const Scope& scope, const RuntimeId& id) {
    return count(tx,
                 "SELECT COUNT(*) FROM runtime_versions WHERE account = $1 AND region = $2 AND "
                 "agent = $3",
                 scoped(scope, {id.text()}));
}

Result<> set_version_status(Transaction& tx, const Scope& scope, const RuntimeView& version,
                            const std::optional<BuiltVersion>& built) {
    return run(tx,
               "UPDATE runtime_versions SET status = $5, failure_reason = $6, updated_at = $7, "
               "built = $8 WHERE account = $1 AND region = $2 AND agent = $3 AND version = $4",
               scoped(scope, {version.id.text(), version.version, text_of(version.status),
                              version.failure_reason, to_epoch_ms(version.updated_at),
                              built ? to_text(*built) : std::string()}));
}

Result<std::optional<BuiltVersion>> find_built(Transaction& tx, const Scope& scope,
                                               const RuntimeId& id, std::int64_t version) {
    AC_TRY(const Rows rows,
           tx.query("SELECT built FROM runtime_versions WHERE account = $1 AND region = $2 AND "
                    "agent = $3 AND version = $4",
                    scoped(scope, {id.text(), version})));
    if (rows.empty() || rows[0].text(0).empty()) return std::nullopt;
    AC_TRY(BuiltVersion built, built_from_text(rows[0].text(0)));
    return built;
}

Result<> erase_version(Transaction& tx, const Scope& scope, const RuntimeId& id,
                       std::int64_t version) {
    return run(tx,
               "DELETE FROM runtime_versions WHERE account = $1 AND region = $2 AND agent = $3 "
               "AND version = $4",
               scoped(scope, {id.text(), version}));
}

Result<> erase_runtime(Transaction& tx, const Scope& scope, const RuntimeId& id) {
    constexpr std::array<std::string_view, 4> kStatements = {
        "DELETE FROM runtime_tags WHERE account = $1 AND region = $2 AND agent = $3",
        "DELETE FROM runtime_endpoints WHERE account = $1 AND region = $2 AND agent = $3",
        "DELETE FROM runtime_versions WHERE account = $1 AND region = $2 AND agent = $3",
        "DELETE FROM runtime_agents WHERE account = $1 AND region = $2 AND id = $3"};
    for (const std::string_view statement : kStatements)
        AC_CHECK(run(tx, statement, scoped(scope, {id.text()})));
    return {};
}

Result<std::vector<RuntimeView>> list_runtimes(Transaction& tx, const Scope& scope,
                                               const std::string& after, int items_max) {
    AC_TRY(const Rows rows,
           tx.query("SELECT " + std::string(kRuntimeColumns) + std::string(kRuntimeJoin) +
                        "AND v.version = a.latest AND a.id > $3 ORDER BY a.id LIMIT $4",
                    scoped(scope, {after, std::int64_t{items_max}})));
    return runtimes_from(rows, StatusOf::runtime);
}

Result<std::vector<RuntimeView>> list_versions(Transaction& tx, const Scope& scope,
                                               const RuntimeId& id, std::int64_t below,
                                               int items_max) {
    AC_TRY(const Rows rows,
           tx.query("SELECT " + std::string(kRuntimeColumns) + std::string(kRuntimeJoin) +
                        "AND a.id = $3 AND v.version < $4 ORDER BY v.version DESC LIMIT $5",
                    scoped(scope, {id.text(), below, std::int64_t{items_max}})));
    return runtimes_from(rows, StatusOf::version);
}

Result<std::vector<PendingBuild>> list_unbuilt(Transaction& tx) {
    AC_TRY(const Rows rows,
           tx.query("SELECT account, region, agent, version, spec FROM runtime_versions WHERE "
                    "status = 'CREATING' ORDER BY created_at"));
    std::vector<PendingBuild> out;
    for (const Row& row : rows) {
        AC_TRY(Spec spec, spec_from_text(row.text(4)));
        out.push_back({.scope = {row.text(0), row.text(1)},
                       .id = RuntimeId(row.text(2)),
                       .version = row.integer(3),
                       .spec = std::move(spec)});
    }
    return out;
}

Result<std::vector<BuiltVersion>> list_built(Transaction& tx) {
    AC_TRY(const Rows rows, tx.query("SELECT built FROM runtime_versions WHERE built <> ''"));
    std::vector<BuiltVersion> out;
    for (const Row& row : rows) {
        AC_TRY(BuiltVersion built, built_from_text(row.text(0)));
        out.push_back(std::move(built));
    }
    return out;
}

Result<std::vector<std::pair<Scope, RuntimeId>>> list_deleting(Transaction& tx) {
    AC_TRY(const Rows rows,
           tx.query("SELECT account, region, id FROM runtime_agents WHERE status = 'DELETING'"));
    std::vector<std::pair<Scope, RuntimeId>> out;
    for (const Row& row : rows)
        out.emplace_back(Scope{row.text(0), row.text(1)}, RuntimeId(row.text(2)));
    return out;
}

Result<> insert_endpoint(Transaction& tx, const Scope& scope, const EndpointView& endpoint) {
    return run(tx,
               "INSERT INTO runtime_endpoints (account, region, agent, name, id, live_version, "
               "target_version, status, description, failure_reason, created_at, updated_at) "
               "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '', $10, $10)",
               scoped(scope, {endpoint.runtime.text(), endpoint.name, endpoint.id,
                              number_or_null(endpoint.live_version),
                              number_or_null(endpoint.target_version), text_of(endpoint.status),
                              endpoint.description, to_epoch_ms(endpoint.created_at)}));
}

Result<std::optional<EndpointView>> find_endpoint(Transaction& tx, const Scope& scope,
                                                  const RuntimeId& id, const std::string& name) {
    AC_TRY(const Rows rows, tx.query(std::string(kEndpointColumns) + "AND name = $4",
                                     scoped(scope, {id.text(), name})));
    if (rows.empty()) return std::nullopt;
    return endpoint_from(rows[0]);
}

Result<> save_endpoint(Transaction& tx, const Scope& scope, const EndpointView& endpoint) {
    return run(
        tx,
        "UPDATE runtime_endpoints SET live_version = $5, target_version = $6, status = $7, "
        "description = $8, failure_reason = $9, updated_at = $10 WHERE account = $1 AND "
        "region = $2 AND agent = $3 AND name = $4",
        scoped(scope,
               {endpoint.runtime.text(), endpoint.name, number_or_null(endpoint.live_version),
                number_or_null(endpoint.target_version), text_of(endpoint.status),
                endpoint.description, endpoint.failure_reason, to_epoch_ms(endpoint.updated_at)}));
}

Result<> erase_endpoint(Transaction& tx, const Scope& scope, const RuntimeId& id,
                        const std::string& name) {
    AC_CHECK(run(tx,
                 "DELETE FROM runtime_tags WHERE account = $1 AND region = $2 AND agent = $3 AND "
                 "endpoint = $4",
                 scoped(scope, {id.text(), name})));
    return run(tx,
               "DELETE FROM runtime_endpoints WHERE account = $1 AND region = $2 AND agent = $3 "
               "AND name = $4",
               scoped(scope, {id.text(), name}));
}

Result<std::int64_t> count_endpoints(Transaction& tx, const Scope& scope, const RuntimeId& id) {
    return count(tx,
                 "SELECT COUNT(*) FROM runtime_endpoints WHERE account = $1 AND region = $2 AND "
                 "agent = $3",
                 scoped(scope, {id.text()}));
}

Result<bool> version_in_use(Transaction& tx, const Scope& scope, const RuntimeId& id,
                            std::int64_t version) {
    AC_TRY(const auto found,
           count(tx,
                 "SELECT COUNT(*) FROM runtime_endpoints WHERE account = $1 AND region = $2 AND "
                 "agent = $3 AND (live_version = $4 OR target_version = $4)",
                 scoped(scope, {id.text(), version})));
    return found > 0;
}

Result<std::vector<EndpointView>> list_endpoints(Transaction& tx, const Scope& scope,
                                                 const RuntimeId& id, const std::string& after,
                                                 int items_max) {
    AC_TRY(const Rows rows,
           tx.query(std::string(kEndpointColumns) + "AND name > $4 ORDER BY name LIMIT $5",
                    scoped(scope, {id.text(), after, std::int64_t{items_max}})));
    std::vector<EndpointView> out;
    for (const Row& row : rows) out.push_back(endpoint_from(row));
    return out;
}

Result<Tags> find_tags(Transaction& tx, const Scope& scope, const Resource& resource) {
    AC_TRY(const Rows rows,
           tx.query("SELECT name, value FROM runtime_tags WHERE account = $1 AND region = $2 AND "
                    "agent = $3 AND endpoint = $4",
                    scoped(scope, {resource.runtime.text(), resource.endpoint})));
    Tags tags;
    for (const Row& row : rows) tags.emplace(row.text(0), row.text(1));
    return tags;
}

Result<> set_tag(Transaction& tx, const Scope& scope, const Resource& resource,
                 const std::string& key, const std::string& value) {
    return run(tx,
               "INSERT INTO runtime_tags (account, region, agent, endpoint, name, value) VALUES "
               "($1, $2, $3, $4, $5, $6) ON CONFLICT (account, region, agent, endpoint, name) DO "
               "UPDATE SET value = excluded.value",
               scoped(scope, {resource.runtime.text(), resource.endpoint, key, value}));
}

Result<> erase_tag(Transaction& tx, const Scope& scope, const Resource& resource,
                   const std::string& key) {
    return run(tx,
               "DELETE FROM runtime_tags WHERE account = $1 AND region = $2 AND agent = $3 AND "
               "endpoint = $4 AND name = $5",
               scoped(scope, {resource.runtime.text(), resource.endpoint, key}));
}

Result<std::optional<std::string>> find_answer(Transaction& tx, const Scope& scope,
                                               std::string_view operation, const Idempotency& once,
                                               WallTime oldest) {
    if (once.token.empty()) return std::nullopt;
    AC_TRY(const Rows rows,
           tx.query("SELECT parameters, answer FROM runtime_tokens WHERE account = $1 AND "
                    "region = $2 AND operation = $3 AND token = $4 AND created_at >= $5",
                    scoped(scope, {std::string(operation), once.token, to_epoch_ms(oldest)})));
    if (rows.empty()) return std::nullopt;
    if (rows[0].text(0) != once.parameters) {
        return fail({.code = ErrorCode::invalid_argument,
                     .message = "clientToken was used before with other parameters",
                     .reason = "IdempotentParameterMismatchException"});
    }
    return rows[0].text(1);
}

Result<> keep_answer(Transaction& tx, const Scope& scope, std::string_view operation,
                     const Idempotency& once, const std::string& answer, WallTime now) {
    if (once.token.empty()) return {};
    return run(tx,
               "INSERT INTO runtime_tokens (account, region, operation, token, parameters, answer, "
               "created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (account, region, "
               "operation, token) DO UPDATE SET parameters = excluded.parameters, "
               "answer = excluded.answer, created_at = excluded.created_at",
               scoped(scope, {std::string(operation), once.token, once.parameters, answer,
                              to_epoch_ms(now)}));
}

Result<> forget_answers(Transaction& tx, WallTime oldest) {
    return run(tx, "DELETE FROM runtime_tokens WHERE created_at < $1", {to_epoch_ms(oldest)});
}

}  // namespace ac::runtime::store
