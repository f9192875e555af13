#include "memory/record_index.h"

#include <limits>

#include "memory/store.h"

namespace ac::memory {

namespace {

constexpr std::size_t kOwnIndexRecordsMax = 20'000;  // read for one search, a second of work
constexpr Milliseconds kCompletionPoll{20};
constexpr int kCompletionPolls = 2000;  // 40 s: within what clients wait for an answer

}  // namespace

search::Document RecordIndex::document_of(const Record& record, std::vector<float> vector) {
    return {.key = record.key,
            .space = record.space,
            .text = record.text,
            .time_ms = to_epoch_ms(record.created_at),
            .vector = std::move(vector)};
}

void RecordIndex::Shard::apply(const Record& record) {
    if (record.strategy.empty() && record.metadata.empty())
        attributes.erase(record.key);
    else
        attributes[record.key] = {record.strategy, record.metadata};
}

void RecordIndex::Shard::remove(std::int64_t key) {
    {
        const std::lock_guard lock(mutex);
        if (!is_complete) changed.insert(key);
        attributes.erase(key);
    }
    index->remove(key);
}

bool RecordIndex::Shard::accepts(std::int64_t key, const RecordQuery& query) const {
    static const Attributes none;
    if (query.only && !query.only->contains(key)) return false;
    const std::lock_guard lock(mutex);
    const auto found = attributes.find(key);
    const auto& own = found == attributes.end() ? none : found->second;
    if (!query.strategy.empty() && own.strategy != query.strategy) return false;
    return satisfies(own.metadata, query.filters);
}

std::shared_ptr<RecordIndex::Shard> RecordIndex::make_shard() const {
    auto post = [&pool = context_.pool](std::function<void()> work) { pool.post(std::move(work)); };
    return std::make_shared<Shard>(search::make_index(nullptr, {}, std::move(post)));
}

std::shared_ptr<RecordIndex::Shard> RecordIndex::shard(std::int64_t memory) {
    const std::lock_guard lock(mutex_);
    auto& slot = shards_[memory];
    if (!slot) slot = make_shard();
    return slot;
}

std::shared_ptr<RecordIndex::Shard> RecordIndex::find(std::int64_t memory) const {
    const std::lock_guard lock(mutex_);
    const auto found = shards_.find(memory);
    return found == shards_.end() ? nullptr : found->second;
}

void RecordIndex::add_memory(std::int64_t memory) {
    const auto own = shard(memory);
    const std::lock_guard lock(own->mutex);
    own->is_complete = true;
    own->followed = context_.now();
}

void RecordIndex::drop_memory(std::int64_t memory) {
    const std::lock_guard lock(mutex_);
    shards_.erase(memory);
}

void RecordIndex::put(std::int64_t memory, const Record& record) {
    const auto own = shard(memory);
    {
        const std::lock_guard lock(own->mutex);
        if (!own->is_complete) own->changed.insert(record.key);
        own->apply(record);
    }
    own->index->put(document_of(record, {}));
    listener_.on_change();
    if (embedder()) listener_.on_vectorless(memory, record.key);
}

void RecordIndex::attach(std::int64_t memory, std::int64_t key, std::span<const float> vector) {
    if (const auto own = find(memory)) own->index->attach(key, vector);
}

void RecordIndex::remove(std::int64_t memory, std::int64_t key) {
    shard(memory)->remove(key);
    listener_.on_change();
}

Task<> RecordIndex::put_all(std::int64_t memory, std::vector<Record> records) {
    constexpr std::size_t kHere = 4;  // as quick as going to the pool and back
    if (records.size() <= kHere) {
        for (const auto& record : records) put(memory, record);
        co_return Result<>{};
    }
    auto work = [this, memory, records = std::move(records)]() -> Result<> {
        for (const auto& record : records) put(memory, record);
        return {};
    };
    co_return co_await context_.pool.run(std::move(work));
}

bool RecordIndex::is_complete(std::int64_t memory) const {
    const auto own = find(memory);
    if (!own) return false;
    const std::lock_guard lock(own->mutex);
    return own->is_complete;
}

bool RecordIndex::contains(std::int64_t memory, std::int64_t key) const {
    const auto own = find(memory);
    return own && own->index->contains(key);
}

Task<RecordIndex::Loaded> RecordIndex::read_page(std::int64_t memory,
                                                 std::optional<SpaceSelection> spaces,
                                                 std::int64_t after) {
    auto read = [memory, after, spaces, page = context_.limits.index_page,
                 model = embedder_](storage::Transaction& tx) -> Result<Loaded> {
        Loaded out;
        AC_TRY(out.records, store::scan_records(tx, memory, spaces, after, page));
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
    {
        const std::lock_guard lock(own->mutex);
        own->followed = context_.now();
    }
    std::optional<Task<>> adding;
    for (std::int64_t after = -1;;) {
        AC_CO_TRY(auto page, co_await read_page(memory, std::nullopt, after));
        AC_CO_TRY(auto analyses, co_await analyse(memory, page));
        if (adding) {
            AC_CO_CHECK(co_await std::move(*adding));
        }
        if (page.records.empty()) break;
        after = page.records.back().key;
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
    const std::lock_guard lock(own->mutex);
    own->is_complete = true;
    own->changed.clear();
    co_return Result<>{};
}

// A few at a time, so that searches get their turn, which scan what is not linked.
Task<> RecordIndex::link(std::int64_t memory) {
    constexpr std::size_t kLinkedAtOnce = 4;
    const auto own = shard(memory);
    auto work = [own]() -> Result<bool> { return own->index->link(kLinkedAtOnce); };
    for (bool is_more = true; is_more;) {
        AC_CO_TRY(is_more, co_await context_.pool.run(work));
    }
    co_return Result<>{};
}

Task<std::shared_ptr<RecordIndex::Shard>> RecordIndex::load_spaces(std::int64_t memory,
                                                                   SpaceSelection spaces,
                                                                   std::size_t records_max) {
    auto own = make_shard();
    std::size_t read_so_far = 0;
    for (std::int64_t after = -1;;) {
        AC_CO_TRY(auto page, co_await read_page(memory, spaces, after));
        if (page.records.empty()) break;
        read_so_far += page.records.size();
        if (read_so_far > records_max) co_return nullptr;
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
    AC_CO_TRY(auto own, co_await load_spaces(memory, spaces, kOwnIndexRecordsMax));
    for (int i = 0; !own && i < kCompletionPolls; ++i) {
        if (is_complete(memory)) co_return find(memory);
        AC_CO_CHECK(co_await sleep_for(context_.timer, kCompletionPoll));
    }
    if (own) co_return own;
    // It is not being built, or takes longer than anyone waits.
    const auto unbounded = std::numeric_limits<std::size_t>::max();
    co_return co_await load_spaces(memory, spaces, unbounded);
}

Task<std::vector<RecordIndex::Hit>> RecordIndex::search(std::int64_t memory, RecordQuery query) {
    if (context_.is_shared) {
        AC_CO_CHECK(co_await follow(memory));
    }
    AC_CO_TRY(auto own, co_await shard_for(memory, query.spaces));
    // Dropped in between: an index of nothing.
    if (!own) own = make_shard();
    auto work = [own, query = std::move(query),
                 embedder = embedder_.embedder]() -> Result<std::vector<Hit>> {
        search::Query wanted{
            .text = query.text,
            .vector = embedder ? embedder->embed_question(query.text) : std::vector<float>(),
            .spaces = {.kind = query.spaces.below ? search::SpaceFilter::Kind::path
                                                  : search::SpaceFilter::Kind::exact,
                       .space = query.spaces.space},
            .limit = query.topk};
        if (!query.strategy.empty() || !query.filters.empty() || query.only)
            wanted.accept = [&](search::Key key) { return own->accepts(key, query); };
        std::vector<Hit> out;
        for (const auto& hit : own->index->search(wanted)) out.push_back({hit.key, hit.score});
        return out;
    };
    co_return co_await context_.pool.run(std::move(work));
}

RecordIndex::Statistics RecordIndex::statistics() const {
    const std::lock_guard lock(mutex_);
    Statistics out{.memories = shards_.size()};
    for (const auto& [memory, own] : shards_) {
        const std::lock_guard inner(own->mutex);
        const auto index = own->index->statistics();
        out.complete += own->is_complete ? 1 : 0;
        out.records += index.documents;
        out.bytes += index.bytes;
    }
    return out;
}

}  // namespace ac::memory
