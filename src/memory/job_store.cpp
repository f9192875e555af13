// Extraction jobs: what is still to be made of an event.
#include <fmt/format.h>

#include <boost/json.hpp>

#include "memory/store.h"

namespace ac::memory::store {

namespace {

using storage::Params;
using storage::Row;

Job job_from(const Row& row) {
    Job out;
    out.id = row.text(0);
    out.memory = row.integer(1);
    out.address.actor = ActorId(row.text(2));
    out.address.session = SessionId(row.text(3));
    out.event = EventId(row.text(4));
    out.event_time = from_epoch_ms(row.integer(5));
    out.arrival = row.integer(6);
    out.payload = json::parse(row.text(7)).as_array();
    out.namespace_variables = json::parse(row.text(8)).as_object();
    out.attempts = static_cast<int>(row.integer(9));
    out.failure = row.text(10);
    out.strategy = row.text(11);
    out.metadata = json::parse(row.text(12)).as_object();
    return out;
}

constexpr std::string_view kJobColumns =
    "SELECT id, memory, actor, session, event, event_time, arrival, payload, variables, attempts, "
    "failure, strategy, metadata FROM memory_jobs ";

Result<std::vector<Job>> jobs(Transaction& tx, const std::string& sql, const Params& params) {
    AC_TRY(const auto rows, tx.query(sql, params));
    std::vector<Job> out;
    for (const auto& row : rows) out.push_back(job_from(row));
    return out;
}

}  // namespace

Result<> insert_job(Transaction& tx, const Job& job) {
    AC_CHECK(tx.execute(
        "INSERT INTO memory_jobs (id, memory, actor, session, event, event_time, arrival, payload, "
        "variables, status, attempts, failure, strategy, metadata) VALUES ($1, $2, $3, $4, $5, $6, "
        "$7, $8, $9, 'PENDING', 0, '', $10, $11)",
        {job.id, job.memory, job.address.actor.text(), job.address.session.text(), job.event.text(),
         to_epoch_ms(job.event_time), job.arrival, json::serialize(job.payload),
         json::serialize(job.namespace_variables), job.strategy, json::serialize(job.metadata)}));
    return {};
}

Result<std::vector<Job>> list_pending_jobs(Transaction& tx, std::int64_t after_arrival,
                                           int items_max) {
    return jobs(tx,
                std::string(kJobColumns) +
                    "WHERE status = 'PENDING' AND strategy = '' AND arrival > $1 "
                    "ORDER BY arrival LIMIT $2",
                {after_arrival, std::int64_t{items_max}});
}

Result<std::vector<Job>> list_model_jobs(Transaction& tx, int items_max) {
    return jobs(tx,
                std::string(kJobColumns) +
                    "WHERE status = 'PENDING' AND strategy <> '' ORDER BY arrival LIMIT $1",
                {std::int64_t{items_max}});
}

Result<std::vector<Job>> list_failed_jobs(Transaction& tx, std::int64_t memory,
                                          const std::string& after, int items_max) {
    return jobs(tx,
                std::string(kJobColumns) +
                    "WHERE status = 'FAILED' AND memory = $1 AND id > $2 "
                    "ORDER BY id LIMIT $3",
                {memory, after, std::int64_t{items_max}});
}

Result<> fail_job(Transaction& tx, const Job& job, JobStatus status) {
    AC_CHECK(
        tx.execute("UPDATE memory_jobs SET status = $2, attempts = $3, failure = $4 WHERE id = $1",
                   {job.id, std::string(status == JobStatus::failed ? "FAILED" : "PENDING"),
                    std::int64_t{job.attempts}, job.failure}));
    return {};
}

Result<bool> restart_job(Transaction& tx, std::int64_t memory, const std::string& id,
                         std::int64_t arrival) {
    AC_TRY(const auto changed,
           tx.execute("UPDATE memory_jobs SET status = 'PENDING', attempts = 0, arrival = $3 WHERE "
                      "memory = $1 AND id = $2 AND status = 'FAILED'",
                      {memory, id, arrival}));
    return changed > 0;
}

Result<bool> erase_job(Transaction& tx, const std::string& id) {
    AC_TRY(const auto erased, tx.execute("DELETE FROM memory_jobs WHERE id = $1", {id}));
    return erased > 0;
}

Result<std::vector<NumberedSession>> scan_sessions(Transaction& tx, std::int64_t memory,
                                                   std::int64_t after, int items_max) {
    AC_TRY(const auto rows,
           tx.query("SELECT number, actor, session FROM memory_sessions WHERE memory = $1 AND "
                    "number > $2 ORDER BY number LIMIT $3",
                    {memory, after, std::int64_t{items_max}}));
    std::vector<NumberedSession> out;
    for (const auto& row : rows)
        out.push_back(
            {.number = row.integer(0),
             .address = {.actor = ActorId(row.text(1)), .session = SessionId(row.text(2))}});
    return out;
}

Result<std::vector<EventJob>> scan_events(Transaction& tx, std::int64_t memory,
                                          const NumberedSession& session, Cursor after,
                                          WallTime now, int items_max) {
    AC_TRY(const auto rows,
           tx.query("SELECT event_time, arrival, suffix, payload, metadata, variables FROM "
                    "memory_events WHERE session = $1 AND (event_time, arrival) > ($2, $3) AND "
                    "extract = 1 AND expires_at > $4 ORDER BY event_time, arrival LIMIT $5",
                    {session.number, after.time, after.arrival, to_epoch_ms(now),
                     std::int64_t{items_max}}));
    std::vector<EventJob> out;
    for (const auto& row : rows) {
        EventJob one{.job = {.memory = memory, .address = session.address},
                     .place = {row.integer(0), row.integer(1)}};
        one.job.event = EventId(fmt::format("{:019}#{}", row.integer(0), row.text(2)));
        one.job.event_time = from_epoch_ms(row.integer(0));
        one.job.payload = json::parse(row.text(3)).as_array();
        const auto metadata = json::parse(row.text(4));
        for (const auto& [key, value] : metadata.as_object())
            one.job.metadata[key] = json::object{{"stringValue", value}};
        one.job.namespace_variables = json::parse(row.text(5)).as_object();
        out.push_back(std::move(one));
    }
    return out;
}

}  // namespace ac::memory::store
