#include "memory/record_index.h"

#include <algorithm>
#include <utility>

namespace ac::memory {

namespace {

constexpr std::size_t kLatestPuts = 1024;  // more than come while one search runs

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

void RecordIndex::Shard::note_put(std::int64_t key) {
    ++puts;
    latest_puts.push_back(key);
    if (latest_puts.size() > kLatestPuts) latest_puts.pop_front();
}

bool RecordIndex::Shard::saw(std::int64_t key, std::uint64_t puts_before) const {
    {
        const std::lock_guard lock(mutex);
        const auto since = puts - puts_before;
        if (since > latest_puts.size()) return false;
        const auto first = latest_puts.end() - static_cast<std::ptrdiff_t>(since);
        if (std::find(first, latest_puts.end(), key) != latest_puts.end()) return false;
    }
    return index->contains(key);
}

RecordIndex::Turn::Turn(std::shared_ptr<Shard> shard) : shard_(std::move(shard)) {
    const std::lock_guard lock(shard_->mutex);
    is_mine_ = !std::exchange(shard_->is_being_read, true);
}

RecordIndex::Turn::~Turn() {
    if (!is_mine_) return;
    const std::lock_guard lock(shard_->mutex);
    shard_->is_being_read = false;
}

std::shared_ptr<RecordIndex::Shard> RecordIndex::make_shard() const {
    auto post = [&pool = context_.pool](std::function<void()> work) { pool.post(std::move(work)); };
    search::Tuning tuning;
    tuning.graph_from = context_.limits.graph_from;
    return std::make_shared<Shard>(search::make_index(nullptr, std::move(tuning), std::move(post)));
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

std::shared_ptr<search::Index> RecordIndex::index_of(std::int64_t memory) const {
    const auto own = find(memory);
    return own ? std::shared_ptr<search::Index>(own, own->index.get()) : nullptr;
}

std::vector<std::int64_t> RecordIndex::memories() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::int64_t> out;
    for (const auto& [memory, own] : shards_) out.push_back(memory);
    return out;
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
    {
        const std::lock_guard lock(own->mutex);
        own->note_put(record.key);
    }
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

Task<RecordIndex::Answer> RecordIndex::search(std::int64_t memory, RecordQuery query) {
    if (context_.is_shared) {
        AC_CO_CHECK(co_await follow(memory));
    }
    AC_CO_TRY(auto own, co_await shard_for(memory, query.spaces));
    // Dropped in between: an index of nothing.
    if (!own) own = make_shard();
    auto work = [own, query = std::move(query), embedder = embedder_.embedder]() -> Result<Answer> {
        std::uint64_t puts = 0;
        {
            const std::lock_guard lock(own->mutex);
            puts = own->puts;
        }
        search::Query wanted{
            .text = query.text,
            .embedder = embedder,
            .spaces = {.kind = query.spaces.below ? search::SpaceFilter::Kind::path
                                                  : search::SpaceFilter::Kind::exact,
                       .space = query.spaces.space},
            .limit = query.topk};
        if (!query.strategy.empty() || !query.filters.empty() || query.only)
            wanted.accept = [&](search::Key key) { return own->accepts(key, query); };
        Answer out{.hits = {},
                   .saw = [own, puts](std::int64_t key) { return own->saw(key, puts); }};
        for (const auto& hit : own->index->search(wanted)) out.hits.push_back({hit.key, hit.score});
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
