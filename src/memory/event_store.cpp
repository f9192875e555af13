#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "memory/store.h"

namespace ac::memory::store {

namespace {

using storage::Params;
using storage::Row;
using storage::Value;

// e.actor and the session's name are known to the caller, who fills in the address.
constexpr std::string_view kEventColumns =
    "e.event_time, e.arrival, e.suffix, e.branch, e.root, e.payload, e.metadata, e.parameters";

std::string event_id(std::int64_t time_ms, const std::string& suffix) {
    return fmt::format("{:019}#{}", time_ms, suffix);
}

std::string text_of(const json::object& object) {
    return object.empty() ? "{}" : json::serialize(object);
}

std::string metadata_text(const Metadata& metadata) {
    json::object out;
    for (const auto& [key, value] : metadata.entries) out[key] = value;
    return text_of(out);
}

StoredEvent event_from(const Row& row, const Address& address) {
    StoredEvent out;
    out.place = {.time = row.integer(0), .arrival = row.integer(1)};
    out.event.address = address;
    out.event.id = EventId(event_id(row.integer(0), row.text(2)));
    out.event.time = from_epoch_ms(row.integer(0));
    out.event.branch.name = row.text(3);
    if (!row.text(4).empty()) out.event.branch.root = EventId(row.text(4));
    out.event.payload = json::parse(row.text(5)).as_array();
    const auto metadata = json::parse(row.text(6));
    for (const auto& [key, value] : metadata.as_object())
        out.event.metadata.entries.emplace_back(std::string(key),
                                                json::value_to<std::string>(value));
    out.parameters = row.text(7);
    return out;
}

std::string parameter(Params& params, Value value) {
    params.push_back(std::move(value));
    return fmt::format("${}", params.size());
}

// The filter that the listing can be driven by: its index is in order of time within one value.
std::vector<EventFilter>::const_iterator driving_filter(const EventListing& listing) {
    return std::ranges::find(listing.filters, Operator::equals_to, &EventFilter::op);
}

void add_filter(const EventFilter& filter, std::string& sql, Params& params) {
    sql += filter.op == Operator::not_exists ? " AND NOT EXISTS (" : " AND EXISTS (";
    sql +=
        "SELECT 1 FROM memory_event_metadata f WHERE f.session = e.session AND "
        "f.event_time = e.event_time AND f.arrival = e.arrival AND f.name = " +
        parameter(params, filter.key);
    if (filter.op == Operator::equals_to)
        sql += " AND f.value = " + parameter(params, filter.value);
    sql += ")";
}

void add_branches(const std::vector<BranchPart>& branches, std::string& sql, Params& params) {
    if (branches.empty()) return;
    sql += " AND (";
    for (std::size_t i = 0; i < branches.size(); ++i) {
        const auto& [name, until] = branches[i];
        if (i > 0) sql += " OR ";
        sql += "(e.branch = " + parameter(params, name) + " AND (e.event_time, e.arrival) <= (" +
               parameter(params, until.time) + ", " + parameter(params, until.arrival) + "))";
    }
    sql += ")";
}

}  // namespace

Result<std::optional<SessionRow>> find_session(Transaction& tx, std::int64_t memory,
                                               const ActorId& actor, const SessionId& session) {
    AC_TRY(const auto rows, tx.query("SELECT number, bytes FROM memory_sessions WHERE memory = $1 "
                                     "AND actor = $2 AND session = $3",
                                     {memory, actor.text(), session.text()}));
    if (rows.empty()) return std::nullopt;
    return SessionRow{.number = rows[0].integer(0), .bytes = rows[0].integer(1)};
}

Result<> insert_session(Transaction& tx, std::int64_t memory, std::int64_t number,
                        const Address& address, WallTime now) {
    AC_CHECK(tx.execute(
        "INSERT INTO memory_sessions (number, memory, actor, session, bytes, "
        "created_at, used_at) VALUES ($1, $2, $3, $4, 0, $5, $5)",
        {number, memory, address.actor.text(), address.session.text(), to_epoch_ms(now)}));
    return {};
}

Result<> add_session_bytes(Transaction& tx, std::int64_t number, std::int64_t bytes, WallTime now) {
    AC_CHECK(
        tx.execute("UPDATE memory_sessions SET bytes = bytes + $2, used_at = $3 "
                   "WHERE number = $1",
                   {number, bytes, to_epoch_ms(now)}));
    return {};
}

Result<> insert_event(Transaction& tx, const EventRow& row, const NewEvent& event) {
    const auto& id = row.id.text();
    const auto time = to_epoch_ms(event.time);
    const auto& once = event.once;
    const Value token = once.token.empty() ? Value(std::monostate()) : Value(once.token);
    AC_CHECK(tx.execute(
        "INSERT INTO memory_events (session, event_time, arrival, memory, suffix, branch, root, "
        "payload, metadata, token, parameters, expires_at, extract, variables) VALUES ($1, $2, $3, "
        "$4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        {row.session, time, row.arrival, row.memory, id.substr(id.find('#') + 1), row.branch.name,
         row.branch.root ? row.branch.root->text() : std::string(), std::string(row.payload),
         metadata_text(event.metadata), token, once.parameters, to_epoch_ms(row.expires_at),
         std::int64_t{event.extract ? 1 : 0}, text_of(event.namespace_variables)}));
    for (const auto& [key, value] : event.metadata.entries)
        AC_CHECK(
            tx.execute("INSERT INTO memory_event_metadata (session, name, value, event_time, "
                       "arrival) VALUES ($1, $2, $3, $4, $5)",
                       {row.session, key, value, time, row.arrival}));
    return {};
}

Result<std::optional<StoredEvent>> find_event(Transaction& tx, std::int64_t session,
                                              const Address& address, const EventId& id,
                                              WallTime now) {
    const auto& text = id.text();
    const auto mark = std::min(text.find('#'), text.size());
    std::int64_t time = 0;
    for (const char digit : text.substr(0, mark)) time = time * 10 + (digit - '0');
    const auto suffix = text.substr(std::min(mark + 1, text.size()));
    AC_TRY(const auto rows,
           tx.query(fmt::format("SELECT {} FROM memory_events e WHERE e.session = $1 AND "
                                "e.event_time = $2 AND e.suffix = $3 AND e.expires_at > $4",
                                kEventColumns),
                    {session, time, suffix, to_epoch_ms(now)}));
    if (rows.empty()) return std::nullopt;
    return event_from(rows.front(), address);
}

Result<std::optional<StoredEvent>> find_event_by_token(Transaction& tx, std::int64_t memory,
                                                       const MemoryId& id,
                                                       const std::string& token) {
    AC_TRY(const auto rows,
           tx.query(fmt::format("SELECT {}, s.actor, s.session FROM memory_events e JOIN "
                                "memory_sessions s ON s.number = e.session WHERE e.memory = $1 AND "
                                "e.token = $2",
                                kEventColumns),
                    {memory, token}));
    if (rows.empty()) return std::nullopt;
    const auto& row = rows.front();
    return event_from(row, {id, ActorId(row.text(8)), SessionId(row.text(9))});
}

Result<std::int64_t> erase_event(Transaction& tx, std::int64_t session, Cursor place) {
    const Params params{session, place.time, place.arrival};
    AC_CHECK(
        tx.execute("DELETE FROM memory_event_metadata WHERE session = $1 AND event_time = $2 "
                   "AND arrival = $3",
                   params));
    return tx.execute(
        "DELETE FROM memory_events WHERE session = $1 AND event_time = $2 AND arrival = $3",
        params);
}

Result<std::optional<BranchRow>> find_branch(Transaction& tx, std::int64_t session,
                                             const std::string& name) {
    AC_TRY(const auto rows, tx.query("SELECT root, root_time, root_arrival, parent FROM "
                                     "memory_branches WHERE session = $1 AND name = $2",
                                     {session, name}));
    if (rows.empty()) return std::nullopt;
    const auto& row = rows.front();
    return BranchRow{.name = name,
                     .root = EventId(row.text(0)),
                     .root_place = {.time = row.integer(1), .arrival = row.integer(2)},
                     .parent = row.text(3)};
}

Result<> insert_branch(Transaction& tx, std::int64_t session, const BranchRow& branch) {
    AC_CHECK(
        tx.execute("INSERT INTO memory_branches (session, name, root, root_time, "
                   "root_arrival, parent) VALUES ($1, $2, $3, $4, $5, $6)",
                   {session, branch.name, branch.root.text(), branch.root_place.time,
                    branch.root_place.arrival, branch.parent}));
    return {};
}

Result<std::vector<StoredEvent>> list_events(Transaction& tx, const Address& address,
                                             const EventListing& listing) {
    Params params;
    std::string sql = fmt::format("SELECT {} FROM ", kEventColumns);
    const auto driver = driving_filter(listing);
    std::string_view order = "e";
    if (driver != listing.filters.end()) {
        order = "d";
        sql +=
            "memory_event_metadata d JOIN memory_events e ON e.session = d.session AND "
            "e.event_time = d.event_time AND e.arrival = d.arrival WHERE d.session = " +
            parameter(params, listing.session) + " AND d.name = " + parameter(params, driver->key) +
            " AND d.value = " + parameter(params, driver->value);
    } else {
        sql += "memory_events e WHERE e.session = " + parameter(params, listing.session);
    }
    sql +=
        fmt::format(" AND ({0}.event_time, {0}.arrival) < ({1}, {2}) AND e.expires_at > {3}", order,
                    parameter(params, listing.after.time), parameter(params, listing.after.arrival),
                    parameter(params, to_epoch_ms(listing.now)));
    for (auto it = listing.filters.begin(); it != listing.filters.end(); ++it)
        if (it != driver) add_filter(*it, sql, params);
    add_branches(listing.branches, sql, params);
    sql += fmt::format(" ORDER BY {0}.event_time DESC, {0}.arrival DESC LIMIT {1}", order,
                       parameter(params, std::int64_t{listing.items_max}));
    AC_TRY(const auto rows, tx.query(sql, params));
    std::vector<StoredEvent> out;
    for (const auto& row : rows) out.push_back(event_from(row, address));
    return out;
}

Result<std::vector<SessionSummary>> list_sessions(Transaction& tx, std::int64_t memory,
                                                  const ActorId& actor, const std::string& after,
                                                  bool with_events, WallTime now, int items_max) {
    const std::string_view only = with_events ? "AND EXISTS (SELECT 1 FROM memory_events e WHERE "
                                                "e.session = s.number AND e.expires_at > $4) "
                                              : "AND s.number > -$4 ";
    AC_TRY(const auto rows,
           tx.query(fmt::format("SELECT s.session, s.created_at FROM memory_sessions s WHERE "
                                "s.memory = $1 AND s.actor = $2 AND s.session > $3 {}"
                                "ORDER BY s.session LIMIT $5",
                                only),
                    {memory, actor.text(), after, to_epoch_ms(now), std::int64_t{items_max}}));
    std::vector<SessionSummary> out;
    for (const auto& row : rows)
        out.push_back({SessionId(row.text(0)), from_epoch_ms(row.integer(1))});
    return out;
}

Result<std::vector<ActorId>> list_actors(Transaction& tx, std::int64_t memory,
                                         const std::string& after, int items_max) {
    AC_TRY(const auto rows, tx.query("SELECT DISTINCT actor FROM memory_sessions WHERE memory = $1 "
                                     "AND actor > $2 ORDER BY actor LIMIT $3",
                                     {memory, after, std::int64_t{items_max}}));
    std::vector<ActorId> out;
    for (const auto& row : rows) out.emplace_back(row.text(0));
    return out;
}

Result<std::int64_t> sweep_events(Transaction& tx, WallTime now, int rows_max) {
    // In no further order: sorting those that expire in one moment would read all of them.
    AC_TRY(const auto due, tx.query("SELECT session, event_time, arrival FROM memory_events WHERE "
                                    "expires_at <= $1 ORDER BY expires_at LIMIT $2",
                                    {to_epoch_ms(now), std::int64_t{rows_max}}));
    for (const auto& row : due)
        AC_CHECK(erase_event(tx, row.integer(0), {row.integer(1), row.integer(2)}));
    return static_cast<std::int64_t>(due.size());
}

Result<std::vector<std::int64_t>> list_empty_sessions(Transaction& tx, WallTime since,
                                                      int rows_max) {
    AC_TRY(const auto rows,
           tx.query("SELECT s.number FROM memory_sessions s WHERE s.used_at < $1 AND NOT EXISTS "
                    "(SELECT 1 FROM memory_events e WHERE e.session = s.number) LIMIT $2",
                    {to_epoch_ms(since), std::int64_t{rows_max}}));
    std::vector<std::int64_t> out;
    for (const auto& row : rows) out.push_back(row.integer(0));
    return out;
}

Result<> erase_if_empty(Transaction& tx, std::int64_t session, WallTime since) {
    AC_TRY(const auto erased,
           tx.execute("DELETE FROM memory_sessions WHERE number = $1 AND used_at < $2 AND NOT "
                      "EXISTS (SELECT 1 FROM memory_events e WHERE e.session = $1)",
                      {session, to_epoch_ms(since)}));
    if (erased == 0) return {};
    AC_CHECK(tx.execute("DELETE FROM memory_branches WHERE session = $1", {session}));
    return {};
}

}  // namespace ac::memory::store
