#include "memory/memory_service.h"

#include <deque>

#include "base/log.h"
#include "memory/self_managed.h"
#include "memory/store.h"

namespace ac::memory {

namespace {

constexpr Milliseconds kLoadPause{1000};  // before what could not be read is read again

}  // namespace

MemoryService::MemoryService(Dependencies dependencies)
    : arrivals_(dependencies.random),
      context_{.database = dependencies.database,
               .pool = dependencies.pool,
               .timer = dependencies.timer,
               .random = dependencies.random,
               .limits = dependencies.limits,
               .arrivals = arrivals_,
               .is_shared = dependencies.is_shared},
      engines_(std::move(dependencies.engine), dependencies.model),
      stream_(context_, dependencies.target),
      index_(context_, std::move(dependencies.embedder),
             {.on_vectorless = [this](std::int64_t memory,
                                      std::int64_t key) { vectors_.want(memory, key); },
              .on_change = [this] { stream_.wake(); }}),
      vectors_(context_, index_),
      graphs_(context_, index_, std::move(dependencies.graphs_folder)),
      model_worker_(context_, index_, engines_, dependencies.target),
      worker_(context_, index_, engines_, [this] { model_worker_.wake(); }),
      memories_(context_, dependencies.target,
                {.on_created = [this](std::int64_t n) { index_.add_memory(n); },
                 .on_removed =
                     [this](std::int64_t n) {
                         index_.drop_memory(n);
                         graphs_.forget(n);
                     },
                 .on_stream = [this] { stream_.enable(); }}),
      events_(context_, {.on_job = [this] { worker_.wake(); },
                         .on_restart =
                             [this] {
                                 worker_.wake();
                                 model_worker_.wake();
                             }}),
      records_(context_, index_) {}

std::span<const storage::Migration> MemoryService::migrations() {
    return store::migrations();
}

void MemoryService::start(Executor executor) {
    tasks_ = std::make_unique<TaskGroup>(executor);
    tasks_->spawn("memory extraction", worker_.run());
    for (std::size_t lane = 0; lane < ModelWorker::kLanes; ++lane)
        tasks_->spawn("memory model extraction", model_worker_.run(lane));
    for (std::size_t lane = 0; lane < RecordStream::kLanes; ++lane)
        tasks_->spawn("memory record streams", stream_.run(lane));
    tasks_->spawn("memory idle sessions", run_idle_triggers());
    tasks_->spawn("memory expiry", run_sweeper());
    tasks_->spawn("memory index", load_indexes());
    tasks_->spawn("memory vectors", vectors_.run());
}

Task<> MemoryService::stop() {
    worker_.stop();
    vectors_.stop();
    model_worker_.stop();
    stream_.stop();
    tasks_->cancel();
    AC_CO_CHECK(co_await tasks_->join());
    co_return co_await graphs_.keep_all();
}

Task<std::int64_t> MemoryService::sweep() {
    const auto now = context_.now();
    const auto& limits = context_.limits;
    auto expire = [now, batch = limits.sweep_batch](storage::Transaction& tx) {
        return store::sweep_events(tx, now, batch);
    };
    AC_CO_TRY(auto rows, co_await context_.database.write(std::move(expire)));
    if (rows == 0) {
        AC_CO_TRY(rows, co_await sweep_sessions(now - limits.empty_session_life));
    }
    auto find = [](storage::Transaction& tx) {
        return store::list_memory_numbers(tx, MemoryStatus::deleting);
    };
    AC_CO_TRY(const auto deleting, co_await context_.database.read(std::move(find)));
    for (const auto number : deleting) {
        auto purge = [number, batch = limits.purge_batch](storage::Transaction& tx) {
            return store::purge_memory(tx, number, batch);
        };
        AC_CO_TRY(const auto gone, co_await context_.database.write(std::move(purge)));
        rows += gone;
    }
    AC_CO_TRY(const auto expired, co_await sweep_records(now));
    rows += expired;
    auto forget = [oldest = now - limits.token_memory](storage::Transaction& tx) {
        return store::forget_answers(tx, oldest);
    };
    AC_CO_CHECK(co_await context_.database.write(std::move(forget)));
    co_return rows;
}

// They are looked for without holding up those who write.
Task<std::int64_t> MemoryService::sweep_sessions(WallTime empty_since) {
    auto find = [empty_since, batch = context_.limits.sweep_batch](storage::Transaction& tx) {
        return store::list_empty_sessions(tx, empty_since, batch);
    };
    AC_CO_TRY(const auto found, co_await context_.database.read(std::move(find)));
    if (found.empty()) co_return std::int64_t{0};
    auto erase = [found, empty_since](storage::Transaction& tx) -> Result<> {
        for (const auto session : found) AC_CHECK(store::erase_if_empty(tx, session, empty_since));
        return {};
    };
    AC_CO_CHECK(co_await context_.database.write(std::move(erase)));
    co_return static_cast<std::int64_t>(found.size());
}

Task<std::int64_t> MemoryService::sweep_records(WallTime now) {
    using Expired = std::vector<store::ExpiredRecord>;
    auto expire = [now, batch = context_.limits.sweep_batch,
                   numbers = make_numbers(context_)](storage::Transaction& tx) -> Result<Expired> {
        AC_TRY(const auto gone, store::sweep_records(tx, now, batch));
        std::map<std::int64_t, std::optional<Memory>> memories;
        for (const auto& record : gone) {
            const auto [at, is_new] = memories.try_emplace(record.memory);
            if (is_new) {
                AC_TRY(at->second, store::find_memory_by_number(tx, record.memory));
            }
            if (!at->second) continue;
            const Record removed{.key = record.key, .id = record.id};
            AC_CHECK(announce(tx, *at->second, RecordEvent::removed, removed, numbers, now));
        }
        return gone;
    };
    AC_CO_TRY(const auto expired, co_await context_.database.write(std::move(expire)));
    for (const auto& record : expired) index_.remove(record.memory, record.key);
    co_return static_cast<std::int64_t>(expired.size());
}

// Batch after batch while there is something to delete: each is a transaction of its own, so that
// other writes get their turn in between.
Detached MemoryService::run_sweeper() {
    for (;;) {
        const auto rows = co_await sweep();
        if (!rows && rows.error().code == ErrorCode::cancelled) co_return;
        if (!rows) AC_LOG(warn, "memory expiry waits", {"reason", rows.error().message});
        // Cut short when the daemon ends, in the middle of millions of rows too.
        const bool has_more = rows && *rows > 0;
        const auto pause = has_more ? context_.limits.sweep_pause : context_.limits.sweep_interval;
        const auto slept = co_await sleep_for(context_.timer, pause);
        if (!slept) co_return;
    }
}

Task<std::size_t> MemoryService::check_idle() {
    const auto now = context_.now();
    // Almost always nothing is due: the writer is not bothered then.
    auto look = [now](storage::Transaction& tx) { return store::list_due(tx, now, 1); };
    AC_CO_TRY(const auto due, co_await context_.database.read(std::move(look)));
    if (due.empty()) co_return std::size_t{0};
    auto fire = [numbers = make_numbers(context_), now](storage::Transaction& tx) {
        return deliver_idle(tx, numbers, now);
    };
    AC_CO_TRY(const auto fired, co_await context_.database.write(std::move(fire)));
    if (fired > 0) model_worker_.wake();
    co_return fired;
}

Detached MemoryService::run_idle_triggers() {
    for (;;) {
        const auto fired = co_await check_idle();
        if (!fired && fired.error().code == ErrorCode::cancelled) co_return;
        if (!fired) AC_LOG(warn, "idle sessions wait", {"reason", fired.error().message});
        const auto slept = co_await sleep_for(context_.timer, context_.limits.idle_check);
        if (!slept) co_return;
    }
}

Task<> MemoryService::pause_before_loading(Error reason) {
    if (reason.code == ErrorCode::cancelled) co_return std::unexpected(std::move(reason));
    AC_LOG(error, "a memory's index waits", {"reason", reason.message});
    co_return co_await sleep_for(context_.timer, kLoadPause);
}

Detached MemoryService::load_indexes() {
    auto find = [](storage::Transaction& tx) {
        return store::list_memory_numbers(tx, MemoryStatus::active);
    };
    auto numbers = co_await context_.database.read(find);
    while (!numbers) {
        if (!co_await pause_before_loading(numbers.error())) co_return;
        numbers = co_await context_.database.read(find);
    }
    for (std::deque waiting(numbers->begin(), numbers->end()); !waiting.empty();) {
        const auto number = waiting.front();
        waiting.pop_front();
        if (index_.is_complete(number)) continue;
        const auto loaded = co_await index_.load(number);
        if (loaded) continue;
        waiting.push_back(number);
        if (!co_await pause_before_loading(loaded.error())) co_return;
    }
    const auto tidied = co_await graphs_.tidy(*numbers);
    if (!tidied) AC_LOG(warn, "old graph files stay", {"reason", tidied.error().message});
    co_await graphs_.run();
}

}  // namespace ac::memory
