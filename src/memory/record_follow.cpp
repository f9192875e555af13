// What other daemons on the same database stored, changed and deleted reaches this one's index.
#include <algorithm>

#include "memory/record_index.h"
#include "memory/store.h"

namespace ac::memory {

namespace {

constexpr Milliseconds kFollowPause{100};
// Others' clocks may be behind, and their transactions slow.
constexpr Seconds kFollowSlack{10};
constexpr std::size_t kKeysAtOnce = 100;

}  // namespace

Task<std::vector<std::int64_t>> RecordIndex::unknown_since(std::int64_t memory, WallTime since) {
    const auto own = shard(memory);
    std::vector<std::int64_t> out;
    for (auto after = Arrivals::lowest_at(since);;) {
        auto read = [memory, after, page = context_.limits.times_page](storage::Transaction& tx) {
            return store::scan_times(tx, memory, std::nullopt, after, page);
        };
        AC_CO_TRY(const auto found, co_await context_.database.read(std::move(read)));
        if (found.empty()) break;
        after = found.back().key;
        for (const auto& one : found)
            if (!own->index->contains(one.key)) out.push_back(one.key);
    }
    co_return out;
}

Task<std::vector<ChangedRecord>> RecordIndex::changed_since(std::int64_t memory, WallTime since) {
    const auto own = shard(memory);
    std::vector<ChangedRecord> out;
    for (ChangedRecord after{.updated_at = since};;) {
        auto read = [memory, after, page = context_.limits.times_page](storage::Transaction& tx) {
            return store::scan_changed(tx, memory, after, page);
        };
        AC_CO_TRY(const auto found, co_await context_.database.read(std::move(read)));
        if (found.empty()) break;
        after = found.back();
        const std::lock_guard lock(own->mutex);
        for (const auto& one : found) {
            const auto known = own->revisions.find(one.key);
            if (known == own->revisions.end() || known->second.revision != one.revision)
                out.push_back(one);
        }
    }
    co_return out;
}

Task<> RecordIndex::refresh(std::int64_t memory, std::vector<std::int64_t> keys) {
    const auto own = shard(memory);
    for (std::size_t first = 0; first < keys.size(); first += kKeysAtOnce) {
        const auto count = std::min(kKeysAtOnce, keys.size() - first);
        const auto begin = keys.begin() + static_cast<std::ptrdiff_t>(first);
        const std::vector page(begin, begin + static_cast<std::ptrdiff_t>(count));
        auto read = [memory, page, model = embedder_](storage::Transaction& tx) -> Result<Loaded> {
            Loaded out;
            AC_TRY(out.records, store::records_by_key(tx, memory, page));
            if (model.embedder == nullptr) return out;
            AC_TRY(auto vectors, store::vectors_of(tx, memory, model.name, page));
            for (auto& [key, vector] : vectors) out.vectors[key] = std::move(vector);
            return out;
        };
        AC_CO_TRY(auto loaded, co_await context_.database.read(std::move(read)));
        std::unordered_set<std::int64_t> gone(page.begin(), page.end());
        for (const auto& record : loaded.records) gone.erase(record.key);
        AC_CO_TRY(auto analyses, co_await analyse(memory, loaded));
        auto add = [own, gone = std::move(gone), loaded = std::move(loaded),
                    analyses = std::move(analyses)]() mutable -> Result<> {
            for (const auto key : gone) own->remove(key);
            for (std::size_t i = 0; i < analyses.size(); ++i) {
                const std::lock_guard lock(own->mutex);
                own->apply(loaded.records[i]);
                own->index->put(std::move(analyses[i]));
                own->note_put(loaded.records[i].key);
            }
            return {};
        };
        AC_CO_CHECK(co_await context_.pool.run(std::move(add)));
    }
    co_return Result<>{};
}

Task<> RecordIndex::follow(std::int64_t memory) {
    const auto own = find(memory);
    // Another process made the memory.
    if (!own) co_return co_await load(memory);
    const auto now = context_.now();
    WallTime since;
    bool is_complete = false;
    {
        const std::lock_guard lock(own->mutex);
        is_complete = own->is_complete;
        if (is_complete && now - own->followed < kFollowPause) co_return Result<>{};
        since = own->followed - kFollowSlack;
    }
    if (!is_complete) co_return co_await load(memory);  // the last try may have failed
    const Turn turn(own);
    if (!turn) co_return Result<>{};
    AC_CO_TRY(auto keys, co_await unknown_since(memory, since));
    AC_CO_TRY(const auto changed, co_await changed_since(memory, since));
    for (const auto& one : changed) keys.push_back(one.key);
    AC_CO_CHECK(co_await refresh(memory, std::move(keys)));
    // Known only now: what failed before is done again by the next search.
    const std::lock_guard lock(own->mutex);
    own->followed = now;
    for (const auto& one : changed) own->revisions[one.key] = one;
    std::erase_if(own->revisions, [&](const auto& one) { return one.second.updated_at < since; });
    co_return Result<>{};
}

void RecordIndex::forget_gone(std::int64_t memory, std::span<const std::int64_t> keys) {
    if (const auto own = find(memory))
        for (const auto key : keys) own->remove(key);
}

}  // namespace ac::memory
