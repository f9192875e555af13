#pragma once
// Long-term memory: records in namespaces, written by callers in batches or by the engine, listed
// and searched. A record is searchable as soon as the call that stored it is answered.

#include "memory/record_index.h"

namespace ac::memory {

struct NewRecord {
    std::string request_id;
    std::string space;
    std::string strategy;
    std::string text;
    RecordMetadata metadata;
    WallTime time;
};

struct RecordChange {
    RecordId id;
    WallTime time;
    std::optional<std::string> text;
    std::optional<std::string> space;
    std::optional<std::string> strategy;
    std::optional<RecordMetadata> metadata;
};

// How long the records of a batch live: days from now, or for ever from now on. Without it new
// records stay, and changed ones live as long again as they were given last.
struct RecordExpiry {
    std::optional<int> days;
    bool is_removed = false;
};

// What became of one record of a batch.
struct BatchOutcome {
    std::string request_id;
    RecordId id;
    std::optional<Error> error;
};

class Records final {
  public:
    Records(Context& context, RecordIndex& index) : context_(context), index_(index) {}

    // A batch is one transaction; a record that cannot be stored fails alone.
    Task<std::vector<BatchOutcome>> create(Scope scope, MemoryId memory,
                                           std::vector<NewRecord> records, RecordExpiry expiry,
                                           Idempotency once);
    Task<std::vector<BatchOutcome>> update(Scope scope, MemoryId memory,
                                           std::vector<RecordChange> changes, RecordExpiry expiry);
    Task<std::vector<BatchOutcome>> remove(Scope scope, MemoryId memory, std::vector<RecordId> ids);

    Task<Record> get(Scope scope, MemoryId memory, RecordId id);
    Task<Page<Record>> list(Scope scope, RecordQuery query);
    // Best first. Pages cut the one answer of `topk` records. When nothing matches the question,
    // the newest records are answered with a score of 0: better an agent sees them than nothing.
    Task<Page<FoundRecord>> retrieve(Scope scope, RecordQuery query);

  private:
    Task<> select_by_time(std::int64_t memory, RecordQuery& query);
    Task<RecordIndex::Answer> search(std::int64_t memory, RecordQuery query);
    Task<Page<FoundRecord>> newest(Scope scope, RecordQuery query);
    Task<> wait_for_index(std::int64_t memory, const std::vector<FoundRecord>& records);
    struct Cut {
        std::size_t from = 0;
        std::size_t count = 0;
    };
    struct FoundRows {
        std::vector<FoundRecord> items;
        bool is_nothing = false;  // no record matches the question
        bool is_cut = false;
        std::function<bool(std::int64_t)> saw = {};  // RecordIndex::Answer's
    };
    // `query` is the caller's until the Task is done.
    Task<FoundRows> find_rows(std::int64_t memory, const RecordQuery& query, Cut cut);

    Context& context_;
    RecordIndex& index_;
};

RecordId make_record_id(Random& random);

}  // namespace ac::memory
