#include <fmt/format.h>

#include <boost/json.hpp>

#include "memory/store.h"

namespace ac::memory::store {

namespace {

using storage::Params;
using storage::Row;
using storage::Rows;

constexpr std::string_view kRecordColumns =
    "SELECT id, number, space, strategy, body, metadata, sources, subject, created_at, "
    "updated_at, expires_at, expiry_days FROM memory_records WHERE memory = $1 AND status = "
    "'ACTIVE' ";

std::string sources_text(const std::vector<std::string>& sources) {
    return json::serialize(json::array(sources.begin(), sources.end()));
}

Record record_from(const Row& row) {
    Record out;
    out.id = RecordId(row.text(0));
    out.key = row.integer(1);
    out.space = row.text(2);
    out.strategy = row.text(3);
    out.text = row.text(4);
    out.metadata = metadata_from_json(json::parse(row.text(5)).as_object());
    const auto sources = json::parse(row.text(6));
    for (const auto& source : sources.as_array())
        out.sources.push_back(json::value_to<std::string>(source));
    out.subject = row.text(7);
    out.created_at = from_epoch_ms(row.integer(8));
    out.updated_at = from_epoch_ms(row.integer(9));
    if (row.integer(10) > 0) out.expires_at = from_epoch_ms(row.integer(10));
    out.expiry_days = static_cast<int>(row.integer(11));
    return out;
}

std::int64_t expiry_of(const Record& record) {
    return record.expires_at ? to_epoch_ms(*record.expires_at) : 0;
}

std::vector<Record> records_from(const Rows& rows) {
    std::vector<Record> out;
    for (const auto& row : rows) out.push_back(record_from(row));
    return out;
}

// What lies below is told by comparing the beginning: LIKE would need escapes, ranges a collation.
void add_spaces(const std::optional<SpaceSelection>& spaces, std::string& sql, Params& params) {
    if (!spaces) return;
    std::string path = spaces->space;
    if (spaces->below)
        while (path.ends_with('/')) path.pop_back();
    if (spaces->below && path.empty()) return;
    params.emplace_back(path);
    sql += fmt::format("AND (space = ${}", params.size());
    if (spaces->below) {
        params.emplace_back(path + "/");
        sql += fmt::format(" OR substr(space, 1, length(${0})) = ${0}", params.size());
    }
    sql += ") ";
}

}  // namespace

Result<> insert_record(Transaction& tx, std::int64_t memory, const Record& record) {
    AC_CHECK(tx.execute(
        "INSERT INTO memory_records (memory, id, number, space, strategy, body, metadata, sources, "
        "subject, status, replaced_by, created_at, updated_at, expires_at, expiry_days) VALUES "
        "($1, "
        "$2, $3, $4, $5, $6, $7, $8, $9, 'ACTIVE', '', $10, $11, $12, $13)",
        {memory, record.id.text(), record.key, record.space, record.strategy, record.text,
         json::serialize(metadata_to_json(record.metadata)), sources_text(record.sources),
         record.subject, to_epoch_ms(record.created_at), to_epoch_ms(record.updated_at),
         expiry_of(record), std::int64_t{record.expiry_days}}));
    return {};
}

Result<std::optional<Record>> find_record(Transaction& tx, std::int64_t memory,
                                          const RecordId& id) {
    AC_TRY(const auto rows,
           tx.query(std::string(kRecordColumns) + "AND id = $2", {memory, id.text()}));
    if (rows.empty()) return std::nullopt;
    return record_from(rows.front());
}

Result<> update_record(Transaction& tx, std::int64_t memory, const Record& record) {
    AC_CHECK(tx.execute(
        "UPDATE memory_records SET space = $3, strategy = $4, body = $5, metadata = $6, "
        "sources = $7, subject = $8, created_at = $9, updated_at = $10, expires_at = $11, "
        "expiry_days = $12, revision = revision + 1 WHERE memory = $1 AND id = $2",
        {memory, record.id.text(), record.space, record.strategy, record.text,
         json::serialize(metadata_to_json(record.metadata)), sources_text(record.sources),
         record.subject, to_epoch_ms(record.created_at), to_epoch_ms(record.updated_at),
         expiry_of(record), std::int64_t{record.expiry_days}}));
    return forget_vectors(tx, memory, record.key);
}

Result<bool> erase_record(Transaction& tx, std::int64_t memory, const RecordId& id) {
    AC_TRY(const auto erased, tx.execute("DELETE FROM memory_records WHERE memory = $1 AND id = $2",
                                         {memory, id.text()}));
    return erased > 0;
}

Result<> supersede_record(Transaction& tx, std::int64_t memory, const RecordId& id,
                          const RecordId& by, WallTime now) {
    AC_CHECK(
        tx.execute("UPDATE memory_records SET status = 'SUPERSEDED', replaced_by = $3, "
                   "updated_at = $4, revision = revision + 1 WHERE memory = $1 AND id = $2",
                   {memory, id.text(), by.text(), to_epoch_ms(now)}));
    return {};
}

// The sign keeps SQLite from walking all records in order of number to spare itself the sorting of
// the few that the index by subject gives.
Result<std::optional<Record>> find_by_subject(Transaction& tx, std::int64_t memory,
                                              const std::string& space, const std::string& strategy,
                                              const std::string& subject) {
    AC_TRY(const auto rows, tx.query(std::string(kRecordColumns) +
                                         "AND space = $2 AND strategy = $3 AND subject = $4 "
                                         "ORDER BY +number DESC LIMIT 1",
                                     {memory, space, strategy, subject}));
    if (rows.empty()) return std::nullopt;
    return record_from(rows.front());
}

Result<std::vector<Record>> records_by_key(Transaction& tx, std::int64_t memory,
                                           std::span<const std::int64_t> keys) {
    if (keys.empty()) return std::vector<Record>();
    Params params{memory};
    std::string list;
    for (const auto key : keys) {
        params.emplace_back(key);
        list += fmt::format("{}${}", list.empty() ? "" : ", ", params.size());
    }
    AC_TRY(const auto rows,
           tx.query(fmt::format("{}AND number IN ({})", kRecordColumns, list), params));
    return records_from(rows);
}

Result<std::vector<Record>> list_records(Transaction& tx, std::int64_t memory,
                                         const std::optional<SpaceSelection>& spaces,
                                         const std::string& strategy, Cursor after, int items_max) {
    Params params{memory, after.time, after.arrival, std::int64_t{items_max}};
    std::string sql(kRecordColumns);
    sql += "AND (created_at, number) < ($2, $3) ";
    add_spaces(spaces, sql, params);
    if (!strategy.empty()) {
        params.emplace_back(strategy);
        sql += fmt::format("AND strategy = ${} ", params.size());
    }
    AC_TRY(const auto rows,
           tx.query(sql + "ORDER BY created_at DESC, number DESC LIMIT $4", params));
    return records_from(rows);
}

Result<std::vector<Record>> scan_records(Transaction& tx, std::int64_t memory,
                                         const std::optional<SpaceSelection>& spaces,
                                         std::int64_t after, int items_max) {
    Params params{memory, after, std::int64_t{items_max}};
    std::string sql(kRecordColumns);
    sql += "AND number > $2 ";
    add_spaces(spaces, sql, params);
    AC_TRY(const auto rows, tx.query(sql + "ORDER BY number LIMIT $3", params));
    return records_from(rows);
}

Result<std::vector<Record>> scan_for_index(Transaction& tx, std::int64_t memory,
                                           const std::optional<SpaceSelection>& spaces,
                                           std::int64_t after, int items_max) {
    Params params{memory, after, std::int64_t{items_max}};
    std::string sql =
        "SELECT number, space, strategy, body, metadata, created_at FROM memory_records WHERE "
        "memory = $1 AND status = 'ACTIVE' AND number > $2 ";
    add_spaces(spaces, sql, params);
    AC_TRY(const auto rows, tx.query(sql + "ORDER BY number LIMIT $3", params));
    std::vector<Record> out;
    out.reserve(rows.size());
    for (const auto& row : rows) {
        auto& one = out.emplace_back(Record{.key = row.integer(0),
                                            .space = row.text(1),
                                            .strategy = row.text(2),
                                            .text = row.text(3),
                                            .created_at = from_epoch_ms(row.integer(5))});
        if (const auto& metadata = row.text(4); metadata != "{}")
            one.metadata = metadata_from_json(json::parse(metadata).as_object());
    }
    return out;
}

Result<bool> has_more_records(Transaction& tx, std::int64_t memory, const SpaceSelection& spaces,
                              std::size_t count) {
    const auto limit = static_cast<std::int64_t>(count) + 1;
    Params params{memory, limit};
    std::string sql = "SELECT COUNT(*) FROM (SELECT 1 FROM memory_records WHERE memory = $1 ";
    add_spaces(spaces, sql, params);
    AC_TRY(const auto rows, tx.query(sql + "LIMIT $2) AS some", params));
    return rows.front().integer(0) == limit;
}

Result<std::vector<RecordTimes>> scan_times(Transaction& tx, std::int64_t memory,
                                            const std::optional<SpaceSelection>& spaces,
                                            std::int64_t after, int items_max) {
    Params params{memory, after, std::int64_t{items_max}};
    std::string sql =
        "SELECT number, created_at, updated_at FROM memory_records WHERE memory = $1 AND "
        "status = 'ACTIVE' AND number > $2 ";
    add_spaces(spaces, sql, params);
    AC_TRY(const auto rows, tx.query(sql + "ORDER BY number LIMIT $3", params));
    std::vector<RecordTimes> out;
    out.reserve(rows.size());
    for (const auto& row : rows)
        out.push_back(
            {row.integer(0), from_epoch_ms(row.integer(1)), from_epoch_ms(row.integer(2))});
    return out;
}

Result<std::vector<ChangedRecord>> scan_changed(Transaction& tx, std::int64_t memory,
                                                ChangedRecord after, int items_max) {
    AC_TRY(const auto rows,
           tx.query("SELECT updated_at, number, revision FROM memory_records WHERE memory = $1 AND "
                    "revision > 0 AND (updated_at, number) > ($2, $3) ORDER BY updated_at, number "
                    "LIMIT $4",
                    {memory, to_epoch_ms(after.updated_at), after.key, std::int64_t{items_max}}));
    std::vector<ChangedRecord> out;
    for (const auto& row : rows)
        out.push_back({from_epoch_ms(row.integer(0)), row.integer(1), row.integer(2)});
    return out;
}

Result<std::vector<ExpiredRecord>> sweep_records(Transaction& tx, WallTime now, int rows_max) {
    AC_TRY(const auto rows,
           tx.query("SELECT memory, number, id FROM memory_records WHERE expires_at > 0 AND "
                    "expires_at <= $1 LIMIT $2",
                    {to_epoch_ms(now), std::int64_t{rows_max}}));
    std::vector<ExpiredRecord> out;
    for (const auto& row : rows) {
        out.push_back({row.integer(0), row.integer(1), RecordId(row.text(2))});
        AC_CHECK(tx.execute("DELETE FROM memory_records WHERE memory = $1 AND number = $2",
                            {row.integer(0), row.integer(1)}));
    }
    return out;
}

}  // namespace ac::memory::store
