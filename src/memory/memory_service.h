#pragma once
// The Memory service: memories, events, records, and the work behind them (extraction, expiry,
// building the search index).

#include <memory>

#include "async/task_group.h"
#include "memory/events.h"
#include "memory/extraction_worker.h"
#include "memory/memories.h"
#include "memory/model_worker.h"
#include "memory/record_graphs.h"
#include "memory/record_stream.h"
#include "memory/record_vectors.h"
#include "memory/records.h"

namespace ac::memory {

struct Rebuilt {
    std::size_t events = 0;   // from which records are made again
    std::size_t records = 0;  // that were removed for it
};

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
        EngineConfig engine = {};
        LanguageModel* model = nullptr;  // nullptr: the built-in engine only
        DeliveryTarget* target = nullptr;
        bool is_shared = false;  // other daemons write to the database too
        // Exists, and is this daemon's alone; empty: graphs of vectors are linked anew at each
        // start.
        std::filesystem::path graphs_folder = {};
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
    ModelWorker& model_worker() { return model_worker_; }
    RecordStream& stream() { return stream_; }
    RecordGraphs& graphs() { return graphs_; }

    // Removes the records that were made from events that are still there, and makes them anew with
    // the strategies and the engine of today. Answered when the work is stored, not done.
    Task<Rebuilt> rebuild(Scope scope, MemoryId id);
    // Deliveries for sessions that were idle long enough; their number.
    Task<std::size_t> check_idle();
    // One round of expiry; the number of rows that went. For tests, and for the sweeper.
    Task<std::int64_t> sweep();

  private:
    Task<std::int64_t> sweep_sessions(WallTime empty_since);
    Task<std::int64_t> sweep_records(WallTime now);
    Detached run_sweeper();
    Detached run_idle_triggers();
    Detached load_indexes();
    // An Error: the service ends.
    Task<> pause_before_loading(Error reason);

    Arrivals arrivals_;
    Context context_;
    EngineChoice engines_;
    RecordStream stream_;
    RecordIndex index_;
    RecordVectors vectors_;
    RecordGraphs graphs_;
    ModelWorker model_worker_;
    ExtractionWorker worker_;
    Memories memories_;
    Events events_;
    Records records_;
    std::unique_ptr<TaskGroup> tasks_;
};

}  // namespace ac::memory
