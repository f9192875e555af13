#pragma once
// Links vectors in the background, and keeps the graphs in files of the data folder, so that a
// start need not link them anew, which takes a core for minutes where vectors are a million. A
// graph is written when a share of it has changed, and at an orderly end. Files are derived data of
// this daemon alone: what is wrong with one, or missing, is linked as if there were none.

#include <atomic>
#include <filesystem>
#include <map>
#include <set>

#include "memory/record_index.h"

namespace ac::memory {

class RecordGraphs final {
  public:
    // Both outlive this. An empty folder: nothing is kept.
    RecordGraphs(Context& context, RecordIndex& index, std::filesystem::path folder)
        : context_(context), index_(index), folder_(std::move(folder)) {}

    // Before run(): removes the files of other memories than these.
    Task<> tidy(std::vector<std::int64_t> memories);
    // Of indexes that are complete.
    Detached run();
    // One round: reads the files of memories that came, links some vectors of each, writes what has
    // changed much. False: nothing waits to be linked.
    Task<bool> run_once();
    // Writes all that changed at all. When nothing else runs any more.
    Task<> keep_all();
    // The memory is deleted. Thread-safe.
    void forget(std::int64_t memory);

    struct Statistics {
        std::uint64_t restored = 0;  // vectors whose place in a graph came from a file
        std::uint64_t written = 0;   // files
        std::uint64_t refused = 0;   // files that were damaged or not ours
    };
    Statistics statistics() const { return {restored_, written_, refused_}; }

  private:
    using State = search::Index::GraphState;
    enum class Changed { much, at_all };

    Result<> restore(std::int64_t memory);
    Result<> restore(search::Index& index, const std::filesystem::path& file, const State& state);
    Task<> keep(std::int64_t memory, Changed when);
    Result<> remove_vanished(std::int64_t memory, const std::vector<State>& states);
    Result<> write(search::Index& index, std::int64_t memory, const std::string& space);
    bool is_due(std::int64_t memory, const State& state, Changed when);

    Context& context_;
    RecordIndex& index_;
    std::filesystem::path folder_;
    std::atomic<std::uint64_t> restored_ = 0;
    std::atomic<std::uint64_t> written_ = 0;
    std::atomic<std::uint64_t> refused_ = 0;
    // All below belong to run(), then to keep_all().
    std::set<std::int64_t> known_;  // memories whose files were looked for
    SteadyTime resting_until_;      // after a write that failed
    std::mutex mutex_;              // guards kept_
    // By memory and space: the graph's changes() that its file has.
    std::map<std::pair<std::int64_t, std::string>, std::uint64_t> kept_;
};

}  // namespace ac::memory
