#pragma once
// Makes the vectors of records that have none yet, in the background, and keeps them in the
// database: a record is found by its words at once and by its meaning a moment later, and a restart
// makes no vector twice. What has no vector is asked of the database, so nothing is forgotten.
//
// Without an embedder nothing is ever made.

#include <map>

#include "memory/record_index.h"

namespace ac::memory {

class RecordVectors final {
  public:
    RecordVectors(Context& context, RecordIndex& index) : context_(context), index_(index) {}

    // Some record from that key on has no vector. Thread-safe.
    void want(std::int64_t memory, std::int64_t key);
    // Ends after stop().
    Detached run();
    void stop();
    // Makes vectors until all have one. For tests, and for run().
    Task<> run_once();

  private:
    struct Wanted {
        std::int64_t memory = 0;
        std::int64_t key = 0;
    };
    std::optional<Wanted> next();
    // Of one page of records; false when there was none.
    Task<bool> make_page(Wanted& from);
    Completion<void> next_wake();

    Context& context_;
    RecordIndex& index_;
    std::mutex mutex_;                             // guards all below
    std::map<std::int64_t, std::int64_t> wanted_;  // memory -> the lowest key
    Completion<void> wake_;
    bool stopping_ = false;
};

}  // namespace ac::memory
