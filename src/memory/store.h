#pragma once
// The tables of the Memory service. All SQL of the module is in memory_store.cpp (memories, tokens,
// the schema), event_store.cpp, job_store.cpp,
// collected_store.cpp, record_store.cpp and change_store.cpp. A memory is found by account,
// region and id; everything below it hangs on the memory's number. Functions run inside a
// transaction of the caller's.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "memory/cursor.h"
#include "memory/delivery_target.h"
#include "memory/types.h"
#include "storage/database.h"

namespace ac::memory::store {

using storage::Transaction;

std::span<const storage::Migration> migrations();

// Memories.
Result<std::optional<Memory>> find_memory(Transaction& tx, const Scope& scope, const MemoryId& id);
// not_found unless it is there and active.
Result<Memory> get_memory(Transaction& tx, const Scope& scope, const MemoryId& id);
// The same without what is kept as a document, which takes longer to read than an event to store.
struct MemoryKey {
    std::int64_t number = 0;
    MemoryId id;
    int expiry_days = 0;
    bool has_strategies = false;
};
Result<MemoryKey> get_memory_key(Transaction& tx, const Scope& scope, const MemoryId& id);
Result<std::optional<Memory>> find_memory_by_number(Transaction& tx, std::int64_t number);
Result<bool> memory_name_taken(Transaction& tx, const Scope& scope, const std::string& name);
Result<std::int64_t> count_memories(Transaction& tx, const Scope& scope);
Result<> save_memory(Transaction& tx, const Memory& memory);  // inserts or replaces
Result<std::vector<Memory>> list_memories(Transaction& tx, const Scope& scope,
                                          const std::string& after, int items_max);
Result<std::vector<std::int64_t>> list_memory_numbers(Transaction& tx, MemoryStatus status);
// Deletes up to `rows_max` rows of a memory; 0 when nothing is left, the memory itself included.
Result<std::int64_t> purge_memory(Transaction& tx, std::int64_t number, int rows_max);

// Tokens of calls: what was answered to the same one. invalid_argument: other parameters.
Result<std::optional<std::string>> find_answer(Transaction& tx, const Scope& scope,
                                               std::string_view operation, const Idempotency& once,
                                               WallTime oldest);
Result<> keep_answer(Transaction& tx, const Scope& scope, std::string_view operation,
                     const Idempotency& once, const std::string& answer, WallTime now);
Result<> forget_answers(Transaction& tx, WallTime oldest);

// Sessions and events.
struct SessionRow {
    std::int64_t number = 0;
    std::int64_t bytes = 0;
};
Result<std::optional<SessionRow>> find_session(Transaction& tx, std::int64_t memory,
                                               const ActorId& actor, const SessionId& session);
Result<> insert_session(Transaction& tx, std::int64_t memory, std::int64_t number,
                        const Address& address, WallTime now);
Result<> add_session_bytes(Transaction& tx, std::int64_t number, std::int64_t bytes, WallTime now);

struct StoredEvent {
    Event event;
    Cursor place;
    std::string parameters;  // digest of the call that made it
};
struct EventRow {
    std::int64_t memory = 0;
    std::int64_t session = 0;
    std::int64_t arrival = 0;
    WallTime expires_at;
    EventId id;
    Branch branch;  // as it is, not as it was named
    std::string_view payload;
};
// `event` has the rest.
Result<> insert_event(Transaction& tx, const EventRow& row, const NewEvent& event);
Result<std::optional<StoredEvent>> find_event(Transaction& tx, std::int64_t session,
                                              const Address& address, const EventId& id,
                                              WallTime now);
Result<std::optional<StoredEvent>> find_event_by_token(Transaction& tx, std::int64_t memory,
                                                       const MemoryId& id,
                                                       const std::string& token);
Result<std::int64_t> erase_event(Transaction& tx, std::int64_t session, Cursor place);

struct BranchRow {
    std::string name;
    EventId root;
    Cursor root_place;
    std::string parent;
};
Result<std::optional<BranchRow>> find_branch(Transaction& tx, std::int64_t session,
                                             const std::string& name);
Result<> insert_branch(Transaction& tx, std::int64_t session, const BranchRow& branch);

// A branch, or what its children see of it: events up to `until`.
struct BranchPart {
    std::string name;
    Cursor until;
};
struct EventListing {
    std::int64_t session = 0;
    std::vector<BranchPart> branches;  // empty: all
    std::vector<EventFilter> filters;
    Cursor after;  // exclusive; newest first
    int items_max = 0;
    WallTime now;
};
Result<std::vector<StoredEvent>> list_events(Transaction& tx, const Address& address,
                                             const EventListing& listing);
Result<std::vector<SessionSummary>> list_sessions(Transaction& tx, std::int64_t memory,
                                                  const ActorId& actor, const std::string& after,
                                                  bool with_events, WallTime now, int items_max);
Result<std::vector<ActorId>> list_actors(Transaction& tx, std::int64_t memory,
                                         const std::string& after, int items_max);
// Deletes up to `rows_max` expired events.
Result<std::int64_t> sweep_events(Transaction& tx, WallTime now, int rows_max);
// Sessions that nothing was stored in since then and that have no event; looks at every session.
Result<std::vector<std::int64_t>> list_empty_sessions(Transaction& tx, WallTime since,
                                                      int rows_max);
// With its branches, unless it was used in the meantime.
Result<> erase_if_empty(Transaction& tx, std::int64_t session, WallTime since);

// Extraction jobs.
enum class JobStatus { pending, failed };
struct Job {
    std::string id;
    std::int64_t memory = 0;
    Address address;  // its memory id is not set
    EventId event;
    WallTime event_time;
    std::int64_t arrival = 0;
    json::array payload;
    json::object namespace_variables;
    json::object metadata;  // of the event, as a record's: {"key": {"stringValue": "..."}}
    // A job of one strategy, by its id. Empty: every strategy of the memory.
    std::string strategy;
    int attempts = 0;
    std::string failure;
};
Result<> insert_job(Transaction& tx, const Job& job);
Result<std::vector<Job>> list_pending_jobs(Transaction& tx, std::int64_t after_arrival,
                                           int items_max);
// Jobs of one strategy each, which wait for a model.
Result<std::vector<Job>> list_model_jobs(Transaction& tx, int items_max);
Result<std::vector<Job>> list_failed_jobs(Transaction& tx, std::int64_t memory,
                                          const std::string& after, int items_max);
Result<> fail_job(Transaction& tx, const Job& job, JobStatus status);
// False when there is no such failed job.
Result<bool> restart_job(Transaction& tx, std::int64_t memory, const std::string& id,
                         std::int64_t arrival);
// False when it has gone: another daemon did it.
Result<bool> erase_job(Transaction& tx, const std::string& id);

// For making records anew: the sessions of a memory in order of number, and of a session the events
// that records are made from, oldest first, as jobs without id and arrival.
struct NumberedSession {
    std::int64_t number = 0;
    Address address;  // its memory id is not set
};
Result<std::vector<NumberedSession>> scan_sessions(Transaction& tx, std::int64_t memory,
                                                   std::int64_t after, int items_max);
struct EventJob {
    Job job;
    Cursor place;
};
Result<std::vector<EventJob>> scan_events(Transaction& tx, std::int64_t memory,
                                          const NumberedSession& session, Cursor after,
                                          WallTime now, int items_max);

// What a self-managed strategy has of a session since its last delivery.
struct Collected {
    std::int64_t memory = 0;
    std::string strategy;
    Address address;  // its memory id is not set
    EventId event;    // the newest
    json::array messages;
    json::array history;  // delivered before
    std::int64_t tokens = 0;
    WallTime first;
    WallTime last;
    std::optional<WallTime> due;
};
Result<std::optional<Collected>> find_collected(Transaction& tx, std::int64_t memory,
                                                const std::string& strategy, const ActorId& actor,
                                                const SessionId& session);
Result<> save_collected(Transaction& tx, const Collected& row);
Result<> erase_collected(Transaction& tx, const Collected& row);
Result<std::vector<Collected>> list_due(Transaction& tx, WallTime now, int items_max);

// Records.
Result<> insert_record(Transaction& tx, std::int64_t memory, const Record& record);
Result<std::optional<Record>> find_record(Transaction& tx, std::int64_t memory, const RecordId& id);
Result<> update_record(Transaction& tx, std::int64_t memory, const Record& record);
Result<bool> erase_record(Transaction& tx, std::int64_t memory, const RecordId& id);
// Keeps the old record, out of every listing and search, with the id of what replaced it.
Result<> supersede_record(Transaction& tx, std::int64_t memory, const RecordId& id,
                          const RecordId& by, WallTime now);
struct ExpiredRecord {
    std::int64_t memory = 0;
    std::int64_t key = 0;
    RecordId id;
};
// Deletes up to `rows_max` expired records and answers what went.
Result<std::vector<ExpiredRecord>> sweep_records(Transaction& tx, WallTime now, int rows_max);
// The record of a space and strategy that states something about `subject`.
Result<std::optional<Record>> find_by_subject(Transaction& tx, std::int64_t memory,
                                              const std::string& space, const std::string& strategy,
                                              const std::string& subject);
Result<std::vector<Record>> records_by_key(Transaction& tx, std::int64_t memory,
                                           std::span<const std::int64_t> keys);
// Newest first.
Result<std::vector<Record>> list_records(Transaction& tx, std::int64_t memory,
                                         const std::optional<SpaceSelection>& spaces,
                                         const std::string& strategy, Cursor after, int items_max);
// In order of key, from beyond `after`.
Result<std::vector<Record>> scan_records(Transaction& tx, std::int64_t memory,
                                         const std::optional<SpaceSelection>& spaces,
                                         std::int64_t after, int items_max);
// The same, with what an index is built from only: key, space, strategy, text, metadata, creation.
Result<std::vector<Record>> scan_for_index(Transaction& tx, std::int64_t memory,
                                           const std::optional<SpaceSelection>& spaces,
                                           std::int64_t after, int items_max);
// Whether there are more than so many, those that were replaced counted too.
Result<bool> has_more_records(Transaction& tx, std::int64_t memory, const SpaceSelection& spaces,
                              std::size_t count);

// The same of keys and times only, which is much cheaper.
struct RecordTimes {
    std::int64_t key = 0;
    WallTime created_at;
    WallTime updated_at;
};
Result<std::vector<RecordTimes>> scan_times(Transaction& tx, std::int64_t memory,
                                            const std::optional<SpaceSelection>& spaces,
                                            std::int64_t after, int items_max);

// In order of the time of change, from beyond `after`: what another daemon's index is told by.
Result<std::vector<ChangedRecord>> scan_changed(Transaction& tx, std::int64_t memory,
                                                ChangedRecord after, int items_max);

// Vectors of records, by the name of what made them. They go with their records.
// Keys, texts and times of change only, in order of key.
Result<std::vector<Record>> records_without_vector(Transaction& tx, std::int64_t memory,
                                                   const std::string& model, std::int64_t from,
                                                   int items_max);
// False when the record has gone or changed since it was read.
Result<bool> save_vector(Transaction& tx, std::int64_t memory, const std::string& model,
                         const Record& record, std::span<const float> vector);
struct StoredVector {
    std::int64_t key = 0;
    std::vector<float> vector;
};
Result<std::vector<StoredVector>> vectors_between(Transaction& tx, std::int64_t memory,
                                                  const std::string& model, std::int64_t first,
                                                  std::int64_t last);
Result<std::vector<StoredVector>> vectors_of(Transaction& tx, std::int64_t memory,
                                             const std::string& model,
                                             std::span<const std::int64_t> keys);
Result<> forget_vectors(Transaction& tx, std::int64_t memory, std::int64_t key);

// Changes of records that a stream is still to be told of, in order.
Result<> insert_change(Transaction& tx, std::int64_t memory, const StreamedChange& change);
Result<bool> has_streams(Transaction& tx);  // or changes to tell
// The next memory that has any.
Result<std::optional<std::int64_t>> next_changed_memory(Transaction& tx, std::int64_t after);
Result<std::vector<StreamedChange>> list_changes(Transaction& tx, std::int64_t memory,
                                                 int items_max);
Result<> erase_changes(Transaction& tx, std::int64_t memory,
                       std::span<const std::int64_t> sequences);

}  // namespace ac::memory::store
