// How an index is built from the database: a memory's, or one for a single search.
#include "base/log.h"
#include "memory/record_index.h"
#include "memory/store.h"

namespace ac::memory {

namespace {

constexpr std::size_t kOwnIndexRecordsMax = 20'000;  // read for one search, a second of work
constexpr Milliseconds kCompletionPoll{20};
constexpr int kCompletionPolls = 2000;  // 40 s: within what clients wait for an answer

// What runs on a pool is not cut short: who does much of it asks in between whether the service
// ends.
Task<> check_cancelled() {
    const auto cancellation = co_await asio::this_coro::cancellation_state;
    if (cancellation.cancelled() != asio::cancellation_type::none)
        co_return fail(ErrorCode::cancelled, "the service ends");
    co_return Result<>{};
}

}  // namespace

Task<RecordIndex::Loaded> RecordIndex::read_page(std::int64_t memory,
                                                 std::optional<SpaceSelection> spaces,
                                                 std::int64_t after) {
    auto read = [memory, after, spaces, page = context_.limits.index_page,
                 model = embedder_](storage::Transaction& tx) -> Result<Loaded> {
        Loaded out;
        AC_TRY(out.records, store::scan_for_index(tx, memory, spaces, after, page));
        if (out.records.empty() || model.embedder == nullptr) return out;
        AC_TRY(auto vectors,
               store::vectors_between(tx, memory, model.name, after + 1, out.records.back().key));
        for (auto& [key, vector] : vectors) out.vectors[key] = std::move(vector);
        return out;
    };
    co_return co_await context_.database.read(std::move(read));
}

Task<RecordIndex::Analyses> RecordIndex::analyse(std::int64_t memory, Loaded& page) {
    constexpr std::size_t kAtOnce = 4;
    auto out = std::make_shared<Analyses>(page.records.size());
    std::vector<Task<>> parts;
    for (std::size_t part = 0; part < kAtOnce; ++part) {
        auto work = [out, &page, part]() -> Result<> {
            for (auto i = part; i < page.records.size(); i += kAtOnce) {
                const auto& record = page.records[i];
                const auto vector = page.vectors.find(record.key);
                (*out)[i] = search::analyse(document_of(record, vector == page.vectors.end()
                                                                    ? std::vector<float>()
                                                                    : std::move(vector->second)));
            }
            return {};
        };
        // Begins here, not where it is awaited.
        parts.push_back(context_.pool.run(std::move(work)));
    }
    for (auto& part : parts) {
        AC_CO_CHECK(co_await std::move(part));
    }
    if (embedder())
        for (const auto& one : *out)
            if (one.document.vector.empty()) listener_.on_vectorless(memory, one.document.key);
    co_return std::move(*out);
}

// While a page is added, the next one is read and taken apart.
Task<> RecordIndex::load(std::int64_t memory) {
    const auto own = shard(memory);
    const Turn turn(own);
    if (!turn) co_return Result<>{};
    {
        const std::lock_guard lock(own->mutex);
        own->followed = context_.now();
    }
    const auto began = context_.timer.clock().steady();
    std::size_t count = 0;
    std::optional<Task<>> adding;
    for (std::int64_t after = -1;;) {
        AC_CO_CHECK(co_await check_cancelled());
        AC_CO_TRY(auto page, co_await read_page(memory, std::nullopt, after));
        AC_CO_TRY(auto analyses, co_await analyse(memory, page));
        if (adding) {
            AC_CO_CHECK(co_await std::move(*adding));
        }
        if (page.records.empty()) break;
        after = page.records.back().key;
        count += page.records.size();
        auto add = [own, page = std::move(page),
                    analyses = std::move(analyses)]() mutable -> Result<> {
            for (std::size_t i = 0; i < analyses.size(); ++i) {
                // Held over put(), so that a change cannot come in between and be overwritten.
                const std::lock_guard lock(own->mutex);
                if (own->changed.contains(page.records[i].key)) continue;
                own->apply(page.records[i]);
                own->index->put(std::move(analyses[i]), search::Linking::later);
            }
            return {};
        };
        adding.emplace(context_.pool.run(std::move(add)));
    }
    if (count > 0) {
        const auto took =
            std::chrono::duration_cast<Milliseconds>(context_.timer.clock().steady() - began);
        AC_LOG(info, "a memory's index is built", {"records", std::to_string(count)},
               {"milliseconds", std::to_string(took.count())});
    }
    const std::lock_guard lock(own->mutex);
    own->is_complete = true;
    own->changed.clear();
    co_return Result<>{};
}

// A few at a time, so that searches get their turn, which scan what is not linked.
Task<bool> RecordIndex::link(std::int64_t memory, std::size_t most) {
    constexpr std::size_t kLinkedAtOnce = 4;
    const auto own = find(memory);
    if (!own) co_return false;
    auto work = [own]() -> Result<bool> { return own->index->link(kLinkedAtOnce); };
    bool is_more = true;
    for (std::size_t done = 0; is_more && done < most; done += kLinkedAtOnce) {
        AC_CO_CHECK(co_await check_cancelled());
        AC_CO_TRY(is_more, co_await context_.pool.run(work));
    }
    co_return is_more;
}

Task<std::shared_ptr<RecordIndex::Shard>> RecordIndex::load_spaces(std::int64_t memory,
                                                                   SpaceSelection spaces) {
    auto own = make_shard();
    for (std::int64_t after = -1;;) {
        AC_CO_TRY(auto page, co_await read_page(memory, spaces, after));
        if (page.records.empty()) break;
        after = page.records.back().key;
        auto add = [own, page = std::move(page)]() mutable -> Result<> {
            for (const auto& record : page.records) {
                own->apply(record);
                own->index->put(
                    search::analyse(document_of(record, std::move(page.vectors[record.key]))),
                    search::Linking::later);
            }
            return {};
        };
        AC_CO_CHECK(co_await context_.pool.run(std::move(add)));
    }
    co_return own;
}

Task<std::shared_ptr<RecordIndex::Shard>> RecordIndex::shard_for(std::int64_t memory,
                                                                 SpaceSelection spaces) {
    if (is_complete(memory)) co_return find(memory);
    auto look = [memory, spaces](storage::Transaction& tx) {
        return store::has_more_records(tx, memory, spaces, kOwnIndexRecordsMax);
    };
    AC_CO_TRY(const bool is_large, co_await context_.database.read(std::move(look)));
    for (int i = 0; is_large && i < kCompletionPolls; ++i) {
        if (is_complete(memory)) co_return find(memory);
        AC_CO_CHECK(co_await sleep_for(context_.timer, kCompletionPoll));
    }
    // Few, or the index is not being built, or takes longer than anyone waits.
    co_return co_await load_spaces(memory, std::move(spaces));
}

}  // namespace ac::memory
