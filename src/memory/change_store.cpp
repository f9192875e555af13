// Changes of records that a stream is still to be told of.
#include "memory/store.h"

namespace ac::memory::store {

Result<> insert_change(Transaction& tx, std::int64_t memory, const StreamedChange& change) {
    AC_CHECK(
        tx.execute("INSERT INTO memory_changes (memory, number, stream, record, document, "
                   "changed_at) VALUES ($1, $2, $3, $4, $5, $6)",
                   {memory, change.sequence, change.stream, change.key, change.document,
                    to_epoch_ms(change.time)}));
    return {};
}

Result<bool> has_streams(Transaction& tx) {
    AC_TRY(const auto rows, tx.query("SELECT 1 FROM memory_memories WHERE document LIKE "
                                     "'%\"streamDeliveryResources\"%' UNION ALL "
                                     "SELECT 1 FROM memory_changes LIMIT 1",
                                     {}));
    return !rows.empty();
}

// One step over the key: reading all that waits to find the few memories would be slow.
Result<std::optional<std::int64_t>> next_changed_memory(Transaction& tx, std::int64_t after) {
    AC_TRY(const auto rows, tx.query("SELECT memory FROM memory_changes WHERE memory > $1 "
                                     "ORDER BY memory LIMIT 1",
                                     {after}));
    if (rows.empty()) return std::nullopt;
    return rows.front().integer(0);
}

Result<std::vector<StreamedChange>> list_changes(Transaction& tx, std::int64_t memory,
                                                 int items_max) {
    AC_TRY(const auto rows,
           tx.query("SELECT number, stream, record, document, changed_at FROM memory_changes "
                    "WHERE memory = $1 ORDER BY number LIMIT $2",
                    {memory, std::int64_t{items_max}}));
    std::vector<StreamedChange> out;
    for (const auto& row : rows)
        out.push_back({.stream = row.text(1),
                       .sequence = row.integer(0),
                       .key = row.text(2),
                       .document = row.text(3),
                       .time = from_epoch_ms(row.integer(4))});
    return out;
}

// One by one: a change of a lower number may have come meanwhile, from another writer.
Result<> erase_changes(Transaction& tx, std::int64_t memory,
                       std::span<const std::int64_t> sequences) {
    for (const auto sequence : sequences)
        AC_CHECK(tx.execute("DELETE FROM memory_changes WHERE memory = $1 AND number = $2",
                            {memory, sequence}));
    return {};
}

}  // namespace ac::memory::store
