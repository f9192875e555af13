#pragma once
// From an extraction job to changes of records, inside one transaction: statements are extracted,
// merged with what is known, and take the place of what they contradict. A replaced record stays
// in the database, marked, and names its successor.

#include "memory/context.h"
#include "memory/engine_choice.h"
#include "memory/extraction.h"
#include "memory/store.h"

namespace ac::memory {

struct Consolidated {
    std::int64_t memory = 0;
    std::vector<Record> written;
    std::vector<std::int64_t> removed;  // keys out of the index
    bool left_jobs = false;             // of strategies whose records a model makes
};

// Gives out ids and keys; called as often as a transaction runs.
struct RecordNumbers {
    std::function<RecordId()> id;
    std::function<std::int64_t()> key;
    std::function<std::string()> job_id;
};
RecordNumbers make_numbers(Context& context);

// Does the job with the built-in engine and erases it; for strategies that want a model it leaves a
// job each. Nothing happens when the memory is gone.
Result<Consolidated> consolidate(storage::Transaction& tx, const store::Job& job,
                                 const RecordNumbers& numbers, const EngineChoice& engines,
                                 const MemoryLimits& limits, WallTime now);

// For both engines.
void add_source(Record& record, const std::string& event);
RecordMetadata schema_metadata(const Strategy& strategy, const json::object& event_metadata);
// Values of keys that are there are replaced.
void merge_metadata(RecordMetadata& into, const RecordMetadata& from);
Result<std::vector<Message>> session_messages(storage::Transaction& tx, std::int64_t memory,
                                              const store::Job& job, std::size_t messages_max,
                                              WallTime now);

}  // namespace ac::memory
