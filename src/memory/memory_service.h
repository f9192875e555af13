#pragma once
// The Memory service: memories, events, records, and the work behind them (extraction, expiry,
// building the search index).

#include <memory>

#include "async/task_group.h"
#include "memory/events.h"
#include "memory/extraction_worker.h"
#include "memory/memories.h"
#include "memory/record_vectors.h"
#include "memory/records.h"

namespace ac::memory {

class MemoryService final {
  public:
    // All outlive the service.
    struct Dependencies {
        storage::Database& database;
        ThreadPool& pool;
        Timer& timer;
        Random& random;
        MemoryLimits limits = {};
        NamedEmbedder embedder = {};  // none: records are found by their words only
    };
    explicit MemoryService(Dependencies dependencies);

    static std::span<const storage::Migration> migrations();

    // After migrate(). Background work runs on `executor`'s loop until stop().
    void start(Executor executor);
    // On that loop. Ends when nothing runs any more.
    Task<> stop();

    Memories& memories() { return memories_; }
    Events& events() { return events_; }
    Records& records() { return records_; }
    RecordIndex& index() { return index_; }
    RecordVectors& vectors() { return vectors_; }
    ExtractionWorker& worker() { return worker_; }

    // One round of expiry; the number of rows that went. For tests, and for the sweeper.
    Task<std::int64_t> sweep();

  private:
    Detached run_sweeper();
    Detached load_indexes();

    Arrivals arrivals_;
    Context context_;
    RecordIndex index_;
    RecordVectors vectors_;
    ExtractionWorker worker_;
    Memories memories_;
    Events events_;
    Records records_;
    std::unique_ptr<TaskGroup> tasks_;
};

}  // namespace ac::memory
