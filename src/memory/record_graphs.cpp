#include "memory/record_graphs.h"

#include <algorithm>

#include "base/file.h"
#include "base/log.h"
#include "memory/graph_file.h"

namespace ac::memory {

namespace {

constexpr Milliseconds kPause{5'000};                 // between rounds when nothing waits
constexpr Seconds kRest{600};                         // after a write that failed: the disk is full
constexpr std::size_t kLinkedARound = 4'000;          // some seconds
constexpr std::uint64_t kChangedShare = 8;            // of a graph: it is written again
constexpr std::uint64_t kUnfinishedChanges = 50'000;  // at least, while many wait to be linked
constexpr std::size_t kFileBytesMax = std::size_t{4} << 30;  // of some thirty million vectors

}  // namespace

Task<> RecordGraphs::tidy(std::vector<std::int64_t> memories) {
    if (folder_.empty()) co_return Result<>{};
    if (index_.embedder() == nullptr) memories.clear();
    auto work = [folder = folder_, memories = std::move(memories)]() -> Result<> {
        return remove_graph_files(folder, [&](const std::string& name) {
            return std::ranges::find(memories, *memory_of_graph_file(name)) != memories.end();
        });
    };
    co_return co_await context_.pool.run(std::move(work));
}

void RecordGraphs::forget(std::int64_t memory) {
    if (folder_.empty()) return;
    context_.pool.post([folder = folder_, memory] {
        const auto removed = remove_graph_files(
            folder, [&](const std::string& name) { return memory_of_graph_file(name) != memory; });
        if (!removed)
            AC_LOG(warn, "graph files of a deleted memory stay until the next start",
                   {"reason", removed.error().message});
    });
}

Detached RecordGraphs::run() {
    for (;;) {
        const auto is_more = co_await run_once();
        if (!is_more && is_more.error().code == ErrorCode::cancelled) co_return;
        if (!is_more) AC_LOG(warn, "memory graphs wait", {"reason", is_more.error().message});
        if (is_more && *is_more) continue;
        const auto slept = co_await sleep_for(context_.timer, kPause);
        if (!slept) co_return;
    }
}

Task<bool> RecordGraphs::run_once() {
    bool out = false;
    for (const auto memory : index_.memories()) {
        if (!index_.is_complete(memory)) continue;
        if (known_.insert(memory).second) {
            auto work = [this, memory] { return restore(memory); };
            AC_CO_CHECK(co_await context_.pool.run(std::move(work)));
        }
        AC_CO_TRY(const bool is_more, co_await index_.link(memory, kLinkedARound));
        out = out || is_more;
        AC_CO_CHECK(co_await keep(memory, Changed::much));
    }
    co_return out;
}

Task<> RecordGraphs::keep_all() {
    for (const auto memory : known_) {
        AC_CO_CHECK(co_await keep(memory, Changed::at_all));
    }
    co_return Result<>{};
}

// A file of a space that has no graph is removed.
Result<> RecordGraphs::restore(std::int64_t memory) {
    const auto index = index_.index_of(memory);
    if (folder_.empty() || !index || index_.embedder() == nullptr) return {};
    std::set<std::string> wanted;
    for (const auto& state : index->graphs()) {
        const auto name = graph_file_name(memory, state.space);
        wanted.insert(name);
        const auto read = restore(*index, folder_ / name, state);
        if (read) {
            const std::lock_guard lock(mutex_);
            kept_[{memory, state.space}] = 0;
        } else if (read.error().code != ErrorCode::not_found) {
            ++refused_;
            AC_LOG(warn, "a graph's file is not used", {"file", name},
                   {"reason", read.error().message});
        }
    }
    return remove_graph_files(folder_, [&](const std::string& name) {
        return memory_of_graph_file(name) != memory || wanted.contains(name);
    });
}

Result<> RecordGraphs::restore(search::Index& index, const std::filesystem::path& file,
                               const State& state) {
    AC_TRY(const auto text, read_file(file, kFileBytesMax));
    AC_TRY(const auto image, image_of_graph_file(text, index_.embedder()->name));
    AC_TRY(const auto rows, index.restore_graph(state.space, image));
    restored_ += rows;
    AC_LOG(info, "a graph of vectors is read", {"file", file.filename().string()},
           {"vectors", std::to_string(state.vectors)}, {"linked", std::to_string(rows)});
    return {};
}

bool RecordGraphs::is_due(std::int64_t memory, const State& state, Changed when) {
    const std::lock_guard lock(mutex_);
    const auto found = kept_.find({memory, state.space});
    const auto changes = state.changes - (found == kept_.end() ? 0 : found->second);
    if (when == Changed::at_all) return changes > 0;
    const bool is_finished = state.linked == state.vectors;
    return changes >= std::max<std::uint64_t>(1, state.linked / kChangedShare) &&
           (is_finished || changes >= kUnfinishedChanges);
}

Task<> RecordGraphs::keep(std::int64_t memory, Changed when) {
    const auto index = index_.index_of(memory);
    if (folder_.empty() || !index || index_.embedder() == nullptr) co_return Result<>{};
    const auto now = context_.timer.clock().steady();
    if (when == Changed::much && now < resting_until_) co_return Result<>{};
    auto work = [this, index, memory, when]() -> Result<> {
        const auto states = index->graphs();
        AC_CHECK(remove_vanished(memory, states));
        for (const auto& state : states)
            if (is_due(memory, state, when)) AC_CHECK(write(*index, memory, state.space));
        return {};
    };
    const auto written = co_await context_.pool.run(std::move(work));
    if (!written) {
        resting_until_ = now + kRest;
        AC_LOG(warn, "a graph's file is not written", {"reason", written.error().message});
    }
    co_return Result<>{};
}

// Of spaces whose records have all gone.
Result<> RecordGraphs::remove_vanished(std::int64_t memory, const std::vector<State>& states) {
    const std::lock_guard lock(mutex_);
    for (auto at = kept_.lower_bound({memory, {}});
         at != kept_.end() && at->first.first == memory;) {
        const auto& space = at->first.second;
        if (std::ranges::find(states, space, &State::space) != states.end()) {
            ++at;
            continue;
        }
        const auto name = graph_file_name(memory, space);
        AC_CHECK(remove_graph_files(folder_, [&](const auto& one) { return one != name; }));
        at = kept_.erase(at);
    }
    return {};
}

Result<> RecordGraphs::write(search::Index& index, std::int64_t memory, const std::string& space) {
    const auto image = index.graph_image(space);
    if (image.bytes.empty()) return {};
    const auto file = folder_ / graph_file_name(memory, space);
    AC_CHECK(write_file(file, graph_file_text(index_.embedder()->name, image.bytes)));
    ++written_;
    // Deleted meanwhile: forget() may have come before the file.
    if (!index_.index_of(memory)) forget(memory);
    const std::lock_guard lock(mutex_);
    kept_[{memory, space}] = image.changes;
    return {};
}

}  // namespace ac::memory
