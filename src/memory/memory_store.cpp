#include <fmt/format.h>

#include <array>
#include <boost/json.hpp>

#include "memory/store.h"

namespace ac::memory::store {

namespace {

using storage::Params;
using storage::Row;
using storage::Rows;

constexpr std::array<storage::Migration, 7> kMigrations = {
    {{.module = "memory", .version = 1, .sql = R"(
CREATE TABLE memory_memories (
    number BIGINT PRIMARY KEY, account TEXT NOT NULL, region TEXT NOT NULL, id TEXT NOT NULL,
    name TEXT NOT NULL, expiry_days BIGINT NOT NULL, document TEXT NOT NULL, status TEXT NOT NULL,
    created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, UNIQUE (account, region, id));
CREATE TABLE memory_tokens (
    account TEXT NOT NULL, region TEXT NOT NULL, operation TEXT NOT NULL, token TEXT NOT NULL,
    parameters TEXT NOT NULL, answer TEXT NOT NULL, created_at BIGINT NOT NULL,
    PRIMARY KEY (account, region, operation, token));
CREATE INDEX memory_tokens_by_age ON memory_tokens (created_at);
CREATE TABLE memory_sessions (
    number BIGINT PRIMARY KEY, memory BIGINT NOT NULL, actor TEXT NOT NULL, session TEXT NOT NULL,
    bytes BIGINT NOT NULL, created_at BIGINT NOT NULL, used_at BIGINT NOT NULL,
    UNIQUE (memory, actor, session));
CREATE TABLE memory_events (
    session BIGINT NOT NULL, event_time BIGINT NOT NULL, arrival BIGINT NOT NULL,
    memory BIGINT NOT NULL, suffix TEXT NOT NULL, branch TEXT NOT NULL, root TEXT NOT NULL,
    payload TEXT NOT NULL, metadata TEXT NOT NULL, token TEXT, parameters TEXT NOT NULL,
    expires_at BIGINT NOT NULL, PRIMARY KEY (session, event_time, arrival));
CREATE UNIQUE INDEX memory_events_by_token ON memory_events (memory, token);
CREATE INDEX memory_events_by_expiry ON memory_events (expires_at);
CREATE TABLE memory_event_metadata (
    session BIGINT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, event_time BIGINT NOT NULL,
    arrival BIGINT NOT NULL, PRIMARY KEY (session, name, value, event_time, arrival));
CREATE INDEX memory_event_metadata_by_event
    ON memory_event_metadata (session, event_time, arrival);
CREATE TABLE memory_branches (
    session BIGINT NOT NULL, name TEXT NOT NULL, root TEXT NOT NULL, root_time BIGINT NOT NULL,
    root_arrival BIGINT NOT NULL, parent TEXT NOT NULL, PRIMARY KEY (session, name));
CREATE TABLE memory_jobs (
    id TEXT PRIMARY KEY, memory BIGINT NOT NULL, actor TEXT NOT NULL, session TEXT NOT NULL,
    event TEXT NOT NULL, event_time BIGINT NOT NULL, arrival BIGINT NOT NULL,
    payload TEXT NOT NULL, variables TEXT NOT NULL, status TEXT NOT NULL,
    attempts BIGINT NOT NULL, failure TEXT NOT NULL);
CREATE INDEX memory_jobs_by_status ON memory_jobs (status, arrival);
CREATE TABLE memory_records (
    memory BIGINT NOT NULL, id TEXT NOT NULL, number BIGINT NOT NULL, space TEXT NOT NULL,
    strategy TEXT NOT NULL, body TEXT NOT NULL, metadata TEXT NOT NULL, sources TEXT NOT NULL,
    subject TEXT NOT NULL, status TEXT NOT NULL, replaced_by TEXT NOT NULL,
    created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, PRIMARY KEY (memory, id));
CREATE UNIQUE INDEX memory_records_by_number ON memory_records (memory, number);
CREATE INDEX memory_records_by_space
    ON memory_records (memory, space, created_at, number);
CREATE INDEX memory_records_by_subject ON memory_records (memory, space, strategy, subject))"},
     {.module = "memory", .version = 2, .sql = R"(
ALTER TABLE memory_records ADD COLUMN expires_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE memory_records ADD COLUMN expiry_days BIGINT NOT NULL DEFAULT 0;
CREATE INDEX memory_records_by_expiry ON memory_records (expires_at) WHERE expires_at > 0;
ALTER TABLE memory_jobs ADD COLUMN strategy TEXT NOT NULL DEFAULT '';
ALTER TABLE memory_jobs ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}')"},
     {.module = "memory", .version = 3, .sql = R"(
CREATE TABLE memory_collected (
    memory BIGINT NOT NULL, strategy TEXT NOT NULL, actor TEXT NOT NULL, session TEXT NOT NULL,
    event TEXT NOT NULL, messages TEXT NOT NULL, history TEXT NOT NULL, tokens BIGINT NOT NULL,
    first_time BIGINT NOT NULL, last_time BIGINT NOT NULL, due_at BIGINT NOT NULL,
    PRIMARY KEY (memory, strategy, actor, session));
CREATE INDEX memory_collected_by_due ON memory_collected (due_at) WHERE due_at > 0;
ALTER TABLE memory_events ADD COLUMN extract BIGINT NOT NULL DEFAULT 1;
ALTER TABLE memory_events ADD COLUMN variables TEXT NOT NULL DEFAULT '{}')"},
     {.module = "memory_vectors", .version = 1, .sql = R"(
CREATE TABLE memory_vectors (
    memory BIGINT NOT NULL, number BIGINT NOT NULL, model TEXT NOT NULL, vector BYTEA NOT NULL,
    PRIMARY KEY (memory, number, model),
    FOREIGN KEY (memory, number) REFERENCES memory_records (memory, number) ON DELETE CASCADE))"},
     {.module = "memory", .version = 4, .sql = R"(
CREATE TABLE memory_changes (
    memory BIGINT NOT NULL, number BIGINT NOT NULL, stream TEXT NOT NULL, record TEXT NOT NULL,
    document TEXT NOT NULL, changed_at BIGINT NOT NULL, PRIMARY KEY (memory, number)))"},
     {.module = "memory", .version = 5, .sql = R"(
ALTER TABLE memory_records ADD COLUMN revision BIGINT NOT NULL DEFAULT 0;
CREATE INDEX memory_records_by_change ON memory_records (memory, updated_at, number)
    WHERE revision > 0)"},
     {.module = "memory", .version = 6, .sql = R"(
DROP INDEX memory_events_by_token;
CREATE UNIQUE INDEX memory_events_by_token ON memory_events (memory, token)
    WHERE token IS NOT NULL)"}}};

constexpr std::string_view kColumns =
    "SELECT number, account, region, id, name, expiry_days, document, status, created_at, "
    "updated_at FROM memory_memories ";

std::string text_of(const json::object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    return value != nullptr && value->is_string() ? json::value_to<std::string>(*value) : "";
}

json::object strategy_to_json(const Strategy& strategy) {
    json::object out;
    out["id"] = strategy.id;
    out["name"] = strategy.name;
    out["type"] = strategy.type;
    out["kind"] = static_cast<int>(strategy.kind);
    out["description"] = strategy.description;
    out["namespace"] = strategy.namespace_template;
    out["configuration"] = strategy.configuration;
    out["schema"] = strategy.schema;
    out["recordExpiryDays"] = strategy.record_expiry_days;
    out["createdAt"] = to_epoch_ms(strategy.created_at);
    out["updatedAt"] = to_epoch_ms(strategy.updated_at);
    return out;
}

Strategy strategy_from_json(const json::object& object) {
    Strategy out;
    out.id = text_of(object, "id");
    out.name = text_of(object, "name");
    out.type = text_of(object, "type");
    out.kind = static_cast<StrategyKind>(object.at("kind").to_number<int>());
    out.description = text_of(object, "description");
    out.namespace_template = text_of(object, "namespace");
    out.configuration = object.at("configuration").as_object();
    out.schema = object.at("schema").as_object();
    if (const auto* days = object.if_contains("recordExpiryDays"))
        out.record_expiry_days = days->to_number<int>();
    out.created_at = from_epoch_ms(object.at("createdAt").to_number<std::int64_t>());
    out.updated_at = from_epoch_ms(object.at("updatedAt").to_number<std::int64_t>());
    return out;
}

// How a document ends that has none: they are its last member.
constexpr std::string_view kNoStrategies = R"("strategies":[]})";

std::string document_of(const Memory& memory) {
    json::array strategies;
    for (const auto& strategy : memory.strategies)
        strategies.emplace_back(strategy_to_json(strategy));
    json::object out;
    out["details"] = memory.details;
    out["tags"] = json::value_from(memory.tags);
    out["strategies"] = std::move(strategies);
    return json::serialize(out);
}

std::string_view status_text(MemoryStatus status) {
    return status == MemoryStatus::active ? "ACTIVE" : "DELETING";
}

Memory memory_from(const Row& row) {
    Memory out;
    out.number = row.integer(0);
    out.scope = {.account = row.text(1), .region = row.text(2)};
    out.id = MemoryId(row.text(3));
    out.name = row.text(4);
    out.expiry_days = static_cast<int>(row.integer(5));
    const auto document = json::parse(row.text(6));
    out.details = document.at("details").as_object();
    if (const auto* tags = document.as_object().if_contains("tags"))
        out.tags = json::value_to<Tags>(*tags);
    for (const auto& strategy : document.at("strategies").as_array())
        out.strategies.push_back(strategy_from_json(strategy.as_object()));
    out.status = row.text(7) == "ACTIVE" ? MemoryStatus::active : MemoryStatus::deleting;
    out.created_at = from_epoch_ms(row.integer(8));
    out.updated_at = from_epoch_ms(row.integer(9));
    return out;
}

std::optional<Memory> first_memory(const Rows& rows) {
    if (rows.empty()) return std::nullopt;
    return memory_from(rows.front());
}

}  // namespace

std::span<const storage::Migration> migrations() {
    return kMigrations;
}

Result<std::optional<Memory>> find_memory(Transaction& tx, const Scope& scope, const MemoryId& id) {
    AC_TRY(const auto rows,
           tx.query(std::string(kColumns) + "WHERE account = $1 AND region = $2 AND id = $3",
                    {scope.account, scope.region, id.text()}));
    return first_memory(rows);
}

Result<Memory> get_memory(Transaction& tx, const Scope& scope, const MemoryId& id) {
    AC_TRY(auto memory, find_memory(tx, scope, id));
    if (!memory || memory->status != MemoryStatus::active)
        return fail(ErrorCode::not_found, "Memory not found: " + id.text());
    return *std::move(memory);
}

Result<MemoryKey> get_memory_key(Transaction& tx, const Scope& scope, const MemoryId& id) {
    AC_TRY(const auto rows,
           tx.query("SELECT number, id, expiry_days, document FROM memory_memories WHERE account = "
                    "$1 AND region = $2 AND id = $3 AND status = 'ACTIVE'",
                    {scope.account, scope.region, id.text()}));
    if (rows.empty()) return fail(ErrorCode::not_found, "Memory not found: " + id.text());
    const auto& row = rows.front();
    return MemoryKey{.number = row.integer(0),
                     .id = MemoryId(row.text(1)),
                     .expiry_days = static_cast<int>(row.integer(2)),
                     .has_strategies = !row.text(3).ends_with(kNoStrategies)};
}

Result<std::optional<Memory>> find_memory_by_number(Transaction& tx, std::int64_t number) {
    AC_TRY(const auto rows, tx.query(std::string(kColumns) + "WHERE number = $1", {number}));
    return first_memory(rows);
}

Result<bool> memory_name_taken(Transaction& tx, const Scope& scope, const std::string& name) {
    AC_TRY(const auto rows,
           tx.query("SELECT 1 FROM memory_memories WHERE account = $1 AND region = $2 AND "
                    "name = $3 AND status = 'ACTIVE'",
                    {scope.account, scope.region, name}));
    return !rows.empty();
}

Result<std::int64_t> count_memories(Transaction& tx, const Scope& scope) {
    AC_TRY(const auto rows,
           tx.query("SELECT COUNT(*) FROM memory_memories WHERE account = $1 AND region = $2",
                    {scope.account, scope.region}));
    return rows.front().integer(0);
}

Result<> save_memory(Transaction& tx, const Memory& memory) {
    AC_CHECK(tx.execute(
        "INSERT INTO memory_memories (number, account, region, id, name, expiry_days, document, "
        "status, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) "
        "ON CONFLICT (number) DO UPDATE SET expiry_days = excluded.expiry_days, "
        "document = excluded.document, status = excluded.status, updated_at = excluded.updated_at",
        {memory.number, memory.scope.account, memory.scope.region, memory.id.text(), memory.name,
         std::int64_t{memory.expiry_days}, document_of(memory),
         std::string(status_text(memory.status)), to_epoch_ms(memory.created_at),
         to_epoch_ms(memory.updated_at)}));
    return {};
}

Result<std::vector<Memory>> list_memories(Transaction& tx, const Scope& scope,
                                          const std::string& after, int items_max) {
    AC_TRY(const auto rows,
           tx.query(std::string(kColumns) + "WHERE account = $1 AND region = $2 AND id > $3 "
                                            "ORDER BY id LIMIT $4",
                    {scope.account, scope.region, after, std::int64_t{items_max}}));
    std::vector<Memory> out;
    for (const auto& row : rows) out.push_back(memory_from(row));
    return out;
}

Result<std::vector<std::int64_t>> list_memory_numbers(Transaction& tx, MemoryStatus status) {
    AC_TRY(const auto rows, tx.query("SELECT number FROM memory_memories WHERE status = $1",
                                     {std::string(status_text(status))}));
    std::vector<std::int64_t> out;
    for (const auto& row : rows) out.push_back(row.integer(0));
    return out;
}

namespace {

// Session by session, in the order of their index: what is gone is not looked at again.
constexpr int kPurgedSessions = 20;

Result<std::int64_t> purge_sessions(Transaction& tx, std::int64_t number, int rows_max) {
    const std::string first = fmt::format(
        "(SELECT number FROM memory_sessions WHERE memory = $1 ORDER BY actor, session LIMIT {})",
        kPurgedSessions);
    const std::string events = fmt::format(
        "(SELECT session, event_time, arrival FROM memory_events WHERE session IN {} "
        "ORDER BY session, event_time, arrival LIMIT $2)",
        first);
    const Params params{number, std::int64_t{rows_max}};
    AC_CHECK(tx.execute(
        "DELETE FROM memory_event_metadata WHERE (session, event_time, arrival) IN " + events,
        params));
    AC_TRY(const auto gone,
           tx.execute("DELETE FROM memory_events WHERE (session, event_time, arrival) IN " + events,
                      params));
    if (gone > 0) return gone;
    AC_CHECK(tx.execute("DELETE FROM memory_branches WHERE session IN " + first, {number}));
    return tx.execute("DELETE FROM memory_sessions WHERE number IN " + first, {number});
}

}  // namespace

Result<std::int64_t> purge_memory(Transaction& tx, std::int64_t number, int rows_max) {
    AC_TRY(const auto sessions, purge_sessions(tx, number, rows_max));
    AC_TRY(const auto records,
           tx.execute("DELETE FROM memory_records WHERE memory = $1 AND id IN (SELECT id FROM "
                      "memory_records WHERE memory = $1 LIMIT $2)",
                      {number, std::int64_t{rows_max}}));
    if (sessions + records > 0) return sessions + records;
    AC_CHECK(tx.execute("DELETE FROM memory_jobs WHERE memory = $1", {number}));
    AC_CHECK(tx.execute("DELETE FROM memory_collected WHERE memory = $1", {number}));
    AC_CHECK(tx.execute("DELETE FROM memory_changes WHERE memory = $1", {number}));
    AC_CHECK(tx.execute("DELETE FROM memory_memories WHERE number = $1", {number}));
    return 0;
}

Result<std::optional<std::string>> find_answer(Transaction& tx, const Scope& scope,
                                               std::string_view operation, const Idempotency& once,
                                               WallTime oldest) {
    if (once.token.empty()) return std::nullopt;
    AC_TRY(const auto rows,
           tx.query("SELECT parameters, answer FROM memory_tokens WHERE account = $1 AND "
                    "region = $2 AND operation = $3 AND token = $4 AND created_at >= $5",
                    {scope.account, scope.region, std::string(operation), once.token,
                     to_epoch_ms(oldest)}));
    if (rows.empty()) return std::nullopt;
    if (rows.front().text(0) != once.parameters) {
        return fail({.code = ErrorCode::invalid_argument,
                     .message = "clientToken was used before with other parameters",
                     .reason = "IdempotentParameterMismatchException"});
    }
    return rows.front().text(1);
}

Result<> keep_answer(Transaction& tx, const Scope& scope, std::string_view operation,
                     const Idempotency& once, const std::string& answer, WallTime now) {
    if (once.token.empty()) return {};
    AC_CHECK(tx.execute(
        "INSERT INTO memory_tokens (account, region, operation, token, parameters, answer, "
        "created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) "
        "ON CONFLICT (account, region, operation, token) DO UPDATE SET "
        "parameters = excluded.parameters, answer = excluded.answer, "
        "created_at = excluded.created_at",
        {scope.account, scope.region, std::string(operation), once.token, once.parameters, answer,
         to_epoch_ms(now)}));
    return {};
}

Result<> forget_answers(Transaction& tx, WallTime oldest) {
    AC_CHECK(tx.execute("DELETE FROM memory_tokens WHERE created_at < $1", {to_epoch_ms(oldest)}));
    return {};
}

}  // namespace ac::memory::store
