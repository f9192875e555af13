#pragma once
// From an extraction job to changes of records, inside one transaction: statements are extracted,
// merged with what is known, and take the place of what they contradict. A replaced record stays
// in the database, marked, and names its successor.

#include "memory/context.h"
#include "memory/store.h"

namespace ac::memory {

struct Consolidated {
    std::int64_t memory = 0;
    std::vector<Record> written;
    std::vector<std::int64_t> removed;  // keys out of the index
};

// Gives out ids and keys; called as often as a transaction runs.
struct RecordNumbers {
    std::function<RecordId()> id;
    std::function<std::int64_t()> key;
};

// Does the job with the built-in engine and erases it. Nothing happens when the memory is gone.
Result<Consolidated> consolidate(storage::Transaction& tx, const store::Job& job,
                                 const RecordNumbers& numbers, const MemoryLimits& limits,
                                 WallTime now);

}  // namespace ac::memory
