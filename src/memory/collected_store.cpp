// What self-managed strategies have collected of a session since they last delivered.
#include <boost/json.hpp>

#include "memory/store.h"

namespace ac::memory::store {

namespace {

using storage::Row;

constexpr std::string_view kColumns =
    "SELECT memory, strategy, actor, session, event, messages, history, tokens, first_time, "
    "last_time, due_at FROM memory_collected ";

Collected collected_from(const Row& row) {
    Collected out;
    out.memory = row.integer(0);
    out.strategy = row.text(1);
    out.address.actor = ActorId(row.text(2));
    out.address.session = SessionId(row.text(3));
    out.event = EventId(row.text(4));
    out.messages = json::parse(row.text(5)).as_array();
    out.history = json::parse(row.text(6)).as_array();
    out.tokens = row.integer(7);
    out.first = from_epoch_ms(row.integer(8));
    out.last = from_epoch_ms(row.integer(9));
    if (row.integer(10) > 0) out.due = from_epoch_ms(row.integer(10));
    return out;
}

}  // namespace

Result<std::optional<Collected>> find_collected(Transaction& tx, std::int64_t memory,
                                                const std::string& strategy, const ActorId& actor,
                                                const SessionId& session) {
    AC_TRY(const auto rows,
           tx.query(std::string(kColumns) +
                        "WHERE memory = $1 AND strategy = $2 AND actor = $3 AND session = $4",
                    {memory, strategy, actor.text(), session.text()}));
    if (rows.empty()) return std::nullopt;
    return collected_from(rows.front());
}

Result<> save_collected(Transaction& tx, const Collected& row) {
    AC_CHECK(tx.execute(
        "INSERT INTO memory_collected (memory, strategy, actor, session, event, messages, history, "
        "tokens, first_time, last_time, due_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, "
        "$11) ON CONFLICT (memory, strategy, actor, session) DO UPDATE SET "
        "event = excluded.event, messages = excluded.messages, history = excluded.history, "
        "tokens = excluded.tokens, first_time = excluded.first_time, "
        "last_time = excluded.last_time, due_at = excluded.due_at",
        {row.memory, row.strategy, row.address.actor.text(), row.address.session.text(),
         row.event.text(), json::serialize(row.messages), json::serialize(row.history), row.tokens,
         to_epoch_ms(row.first), to_epoch_ms(row.last),
         row.due ? to_epoch_ms(*row.due) : std::int64_t{0}}));
    return {};
}

Result<> erase_collected(Transaction& tx, const Collected& row) {
    AC_CHECK(tx.execute(
        "DELETE FROM memory_collected WHERE memory = $1 AND strategy = $2 AND "
        "actor = $3 AND session = $4",
        {row.memory, row.strategy, row.address.actor.text(), row.address.session.text()}));
    return {};
}

Result<std::vector<Collected>> list_due(Transaction& tx, WallTime now, int items_max) {
    AC_TRY(const auto rows,
           tx.query(std::string(kColumns) + "WHERE due_at > 0 AND due_at <= $1 ORDER BY due_at "
                                            "LIMIT $2",
                    {to_epoch_ms(now), std::int64_t{items_max}}));
    std::vector<Collected> out;
    for (const auto& row : rows) out.push_back(collected_from(row));
    return out;
}

}  // namespace ac::memory::store
