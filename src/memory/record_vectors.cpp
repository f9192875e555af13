#include "memory/record_vectors.h"

#include "base/log.h"
#include "memory/store.h"

namespace ac::memory {

namespace {

constexpr int kPage = 32;
constexpr Milliseconds kPauseAfterFailure{1000};

}  // namespace

void RecordVectors::want(std::int64_t memory, std::int64_t key) {
    if (!index_.embedder()) return;
    const std::lock_guard lock(mutex_);
    const auto [found, is_new] = wanted_.try_emplace(memory, key);
    if (!is_new) found->second = std::min(found->second, key);
    wake_.complete({});
}

void RecordVectors::stop() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.complete({});
}

Completion<void> RecordVectors::next_wake() {
    const std::lock_guard lock(mutex_);
    if (!stopping_ && wanted_.empty()) wake_ = Completion<void>();
    return wake_;
}

std::optional<RecordVectors::Wanted> RecordVectors::next() {
    const std::lock_guard lock(mutex_);
    if (stopping_ || wanted_.empty()) return std::nullopt;
    const Wanted out{wanted_.begin()->first, wanted_.begin()->second};
    wanted_.erase(wanted_.begin());
    return out;
}

Detached RecordVectors::run() {
    for (;;) {
        const auto woken = next_wake();
        {
            const std::lock_guard lock(mutex_);
            if (stopping_) co_return;
        }
        const auto waited = co_await woken.result();
        if (!waited) co_return;
        const auto done = co_await run_once();
        if (done) continue;
        if (done.error().code == ErrorCode::cancelled) co_return;
        AC_LOG(warn, "vectors of records wait", {"reason", done.error().message});
        const auto slept = co_await sleep_for(context_.timer, kPauseAfterFailure);
        if (!slept) co_return;
    }
}

Task<> RecordVectors::run_once() {
    for (;;) {
        auto from = next();
        if (!from) co_return Result<>{};
        for (bool more = true; more;) {
            auto made = co_await make_page(*from);
            if (!made) {
                want(from->memory, from->key);
                co_return std::unexpected(std::move(made).error());
            }
            more = *made;
        }
    }
}

Task<bool> RecordVectors::make_page(Wanted& from) {
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) co_return false;
    }
    const auto& model = index_.embedder()->name;
    auto read = [memory = from.memory, key = from.key, model](storage::Transaction& tx) {
        return store::records_without_vector(tx, memory, model, key, kPage);
    };
    AC_CO_TRY(auto records, co_await context_.database.read(std::move(read)));
    if (records.empty()) co_return false;
    from.key = records.back().key + 1;
    using Vectors = std::vector<std::vector<float>>;
    auto embed = [records, embedder = index_.embedder()->embedder]() -> Result<Vectors> {
        Vectors out;
        for (const auto& record : records) out.push_back(embedder->embed(record.text));
        return out;
    };
    AC_CO_TRY(auto vectors, co_await context_.pool.run(std::move(embed)));
    auto save = [memory = from.memory, model, records,
                 vectors](storage::Transaction& tx) -> Result<std::vector<bool>> {
        std::vector<bool> out;
        for (std::size_t i = 0; i < records.size(); ++i) {
            AC_TRY(const bool saved, store::save_vector(tx, memory, model, records[i], vectors[i]));
            out.push_back(saved);
        }
        return out;
    };
    AC_CO_TRY(const auto saved, co_await context_.database.write(std::move(save)));
    auto attach = [this, memory = from.memory, records, vectors, saved]() -> Result<> {
        for (std::size_t i = 0; i < records.size(); ++i)
            if (saved[i]) index_.attach(memory, records[i].key, vectors[i]);
        return {};
    };
    AC_CO_CHECK(co_await context_.pool.run(std::move(attach)));
    co_return true;
}

}  // namespace ac::memory
