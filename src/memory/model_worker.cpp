#include "memory/model_worker.h"

#include <algorithm>
#include <boost/json.hpp>

#include "base/log.h"
#include "memory/record_stream.h"
#include "memory/records.h"
#include "memory/self_managed.h"

namespace ac::memory {

namespace {

constexpr int kJobsRead = 256;
constexpr std::size_t kBatchJobs = 16;
constexpr std::size_t kBatchBytes = 60'000;  // of payload; about 15 000 tokens
constexpr Milliseconds kPauseAfterFailure{1000};
constexpr Milliseconds kRetryDelay{1000};  // doubled with each attempt
constexpr Milliseconds kLookAgain{250};    // while jobs wait for their next attempt

std::string group_of(const store::Job& job) {
    return std::to_string(job.memory) + "\n" + job.strategy + "\n" + job.address.actor.text();
}

bool is_delivery(const store::Job& job) {
    return job.payload.size() == 1 && job.payload[0].as_object().contains("jobId");
}

}  // namespace

void ModelWorker::wake() {
    const std::lock_guard lock(mutex_);
    for (auto& wake : wakes_) wake.complete({});
}

void ModelWorker::stop() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (auto& wake : wakes_) wake.complete({});
}

bool ModelWorker::is_stopping() {
    const std::lock_guard lock(mutex_);
    return stopping_;
}

Completion<void> ModelWorker::next_wake(std::size_t lane) {
    const std::lock_guard lock(mutex_);
    if (!stopping_) wakes_[lane] = Completion<void>();
    return wakes_[lane];
}

Detached ModelWorker::run(std::size_t lane) {
    while (!is_stopping()) {
        const auto woken = next_wake(lane);
        const auto done = co_await run_lane(lane);
        if (!done) {
            if (done.error().code == ErrorCode::cancelled) co_return;
            AC_LOG(warn, "model extraction waits", {"reason", done.error().message});
            const auto slept = co_await sleep_for(context_.timer, kPauseAfterFailure);
            if (!slept) co_return;
            continue;
        }
        if (*done > 0) continue;
        bool is_delayed = false;
        {
            const std::lock_guard lock(mutex_);
            is_delayed = !not_before_.empty();
        }
        if (is_delayed) {
            const auto slept = co_await sleep_for(context_.timer, kLookAgain);
            if (!slept) co_return;
        } else {
            const auto waited = co_await woken.cancellable_result();
            if (!waited) co_return;
        }
    }
}

Task<std::size_t> ModelWorker::run_once() {
    std::size_t done = 0;
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
        AC_CO_TRY(const auto some, co_await run_lane(lane));
        done += some;
    }
    co_return done;
}

Task<std::size_t> ModelWorker::run_lane(std::size_t lane) {
    AC_CO_TRY(auto jobs, co_await next_jobs(lane));
    const auto count = jobs.size();
    if (count > 0) {
        AC_CO_CHECK(co_await do_jobs(std::move(jobs)));
    }
    co_return count;
}

// The oldest job of this lane that may run now, with those that wait for the same session.
Task<std::vector<store::Job>> ModelWorker::next_jobs(std::size_t lane) {
    auto read = [](storage::Transaction& tx) { return store::list_model_jobs(tx, kJobsRead); };
    AC_CO_TRY(auto all, co_await context_.database.read(std::move(read)));
    const auto now = context_.timer.clock().steady();
    const std::lock_guard lock(mutex_);
    std::erase_if(not_before_, [now](const auto& entry) { return entry.second <= now; });
    std::vector<store::Job> out;
    std::vector<std::string> blocked;  // their first job is delayed: order is kept
    std::size_t bytes = 0;
    for (auto& job : all) {
        const auto group = group_of(job);
        if (std::hash<std::string>{}(group) % kLanes != lane) continue;
        if (std::ranges::find(blocked, group) != blocked.end()) continue;
        if (not_before_.contains(job.id)) {
            blocked.push_back(group);
            continue;
        }
        if (!out.empty() &&
            (group_of(out.front()) != group || out.front().address.session != job.address.session ||
             out.front().namespace_variables != job.namespace_variables))
            continue;
        bytes += json::serialize(job.payload).size();
        if (!out.empty() && (out.size() == kBatchJobs || bytes > kBatchBytes)) break;
        out.push_back(std::move(job));
    }
    co_return out;
}

// nullopt: there is nothing to do for them any more.
Task<std::optional<ModelWorker::Batch>> ModelWorker::open_batch(std::vector<store::Job> jobs) {
    auto read = [number = jobs.front().memory](storage::Transaction& tx) {
        return store::find_memory_by_number(tx, number);
    };
    AC_CO_TRY(auto memory, co_await context_.database.read(std::move(read)));
    if (!memory || memory->status != MemoryStatus::active) co_return std::nullopt;
    const auto strategy =
        std::ranges::find(memory->strategies, jobs.front().strategy, &Strategy::id);
    if (strategy == memory->strategies.end()) co_return std::nullopt;
    const auto& address = jobs.front().address;
    auto space = expand_namespace(strategy->namespace_template,
                                  {.actor = address.actor.text(),
                                   .session = address.session.text(),
                                   .strategy = strategy->id,
                                   .custom = &jobs.front().namespace_variables});
    if (!space && strategy->kind != StrategyKind::self_managed) co_return std::nullopt;
    Batch out{.strategy = *strategy, .space = space.value_or("")};
    for (const auto& job : jobs) {
        if (strategy->kind != StrategyKind::self_managed)
            std::ranges::move(messages_of(job.payload), std::back_inserter(out.messages));
        out.when = std::max(out.when, job.event_time);
    }
    out.memory = *std::move(memory);
    out.jobs = std::move(jobs);
    const bool delivers = out.strategy.kind == StrategyKind::self_managed;
    if (out.messages.empty() && !delivers) co_return std::nullopt;
    co_return out;
}

Task<> ModelWorker::do_jobs(std::vector<store::Job> jobs) {
    AC_CO_TRY(auto batch, co_await open_batch(jobs));
    if (!batch) co_return co_await finish(std::move(jobs));
    if (batch->strategy.kind == StrategyKind::self_managed) {
        auto delivered = co_await deliver(*batch);
        if (!delivered) co_return co_await fail(std::move(jobs), std::move(delivered).error());
        co_return co_await finish(std::move(jobs));
    }
    if (!engines_.wants_model(batch->strategy)) {  // the configuration has changed meanwhile
        auto builtin = [this, jobs, numbers = make_numbers(context_),
                        now = context_.now()](storage::Transaction& tx) -> Result<Consolidated> {
            Consolidated all{.memory = jobs.front().memory};
            for (const auto& job : jobs) {
                AC_TRY(auto one, consolidate(tx, job, numbers, engines_, context_.limits, now));
                std::ranges::move(one.written, std::back_inserter(all.written));
                std::ranges::move(one.removed, std::back_inserter(all.removed));
            }
            return all;
        };
        AC_CO_TRY(const auto done, co_await context_.database.write(std::move(builtin)));
        for (const auto& record : done.written) index_.put(done.memory, record);
        for (const auto key : done.removed) index_.remove(done.memory, key);
        co_return Result<>{};
    }
    auto changes = co_await changes_of(*batch);
    if (!changes) co_return co_await fail(std::move(jobs), std::move(changes).error());
    co_return co_await apply(*std::move(batch), *std::move(changes));
}

Task<> ModelWorker::deliver(const Batch& batch) {
    const auto settings = self_managed_of(batch.strategy);
    if (target_ == nullptr || !settings)
        co_return ac::fail(ErrorCode::not_found, "nothing is configured that takes deliveries");
    for (const auto& job : batch.jobs) {
        const auto& payload = job.payload.at(0).as_object();
        AC_CO_CHECK(co_await target_->put_object(batch.memory.scope, settings->bucket,
                                                 delivery_key(payload), json::serialize(payload)));
        AC_CO_CHECK(co_await target_->notify(settings->topic, job.id,
                                             delivery_message(payload, *settings)));
    }
    co_return Result<>{};
}

Task<> ModelWorker::finish(std::vector<store::Job> jobs) {
    auto erase = [jobs = std::move(jobs)](storage::Transaction& tx) -> Result<> {
        for (const auto& job : jobs) AC_CHECK(store::erase_job(tx, job.id));
        return {};
    };
    co_return co_await context_.database.write(std::move(erase));
}

Task<> ModelWorker::fail(std::vector<store::Job> jobs, Error error) {
    if (error.code == ErrorCode::cancelled) co_return std::unexpected(std::move(error));
    const auto now = context_.timer.clock().steady();
    for (auto& job : jobs) {
        job.attempts += 1;
        job.failure = error.message;
        const bool delivers = is_delivery(job);
        const int most =
            delivers ? context_.limits.delivery_attempts_max : context_.limits.job_attempts_max;
        const bool is_over = error.code == ErrorCode::not_found || job.attempts >= most;
        AC_LOG(warn, "model extraction failed", {"job", job.id}, {"reason", job.failure});
        const auto status = is_over ? store::JobStatus::failed : store::JobStatus::pending;
        auto mark = [job, status](storage::Transaction& tx) {
            return store::fail_job(tx, job, status);
        };
        AC_CO_CHECK(co_await context_.database.write(std::move(mark)));
        if (is_over) continue;
        const std::lock_guard lock(mutex_);
        not_before_[job.id] = now + kRetryDelay * (1 << std::min(job.attempts - 1, 6));
    }
    co_return Result<>{};
}

Task<> ModelWorker::apply(Batch batch, Changes changes) {
    auto work = [batch = std::move(batch), changes = std::move(changes),
                 numbers = make_numbers(context_),
                 now = context_.now()](storage::Transaction& tx) -> Result<Consolidated> {
        Consolidated out{.memory = batch.memory.number};
        for (const auto& job : batch.jobs) {
            AC_TRY(const bool is_open, store::erase_job(tx, job.id));
            if (!is_open) return out;
        }
        for (const auto& change : changes) {
            AC_TRY(auto known, change.record ? store::find_record(tx, out.memory, change.record->id)
                                             : Result<std::optional<Record>>(std::nullopt));
            if (change.kind == Change::Kind::rewrite) {
                AC_TRY(known, store::find_by_subject(tx, out.memory, change.space,
                                                     batch.strategy.id, change.subject));
            }
            const bool in_place = known && change.kind != Change::Kind::update;
            Record record = in_place ? *known
                                     : Record{.key = numbers.key(),
                                              .id = numbers.id(),
                                              .space = change.space,
                                              .strategy = batch.strategy.id,
                                              .created_at = batch.when,
                                              .subject = change.subject,
                                              .expiry_days = batch.strategy.record_expiry_days};
            if (known && !in_place) {
                record.sources = known->sources;
                record.metadata = known->metadata;
            }
            if (change.kind != Change::Kind::no_op || !known) record.text = change.text;
            record.updated_at = now;
            if (!in_place && record.expiry_days > 0)
                record.expires_at = now + std::chrono::days(record.expiry_days);
            for (const auto& job : batch.jobs) add_source(record, job.event.text());
            merge_metadata(record.metadata, change.metadata);
            if (in_place) {
                AC_CHECK(store::update_record(tx, out.memory, record));
            } else {
                AC_CHECK(store::insert_record(tx, out.memory, record));
            }
            if (known && !in_place) {
                AC_CHECK(store::supersede_record(tx, out.memory, known->id, record.id, now));
                AC_CHECK(announce(tx, batch.memory, RecordEvent::removed, *known, numbers, now));
                out.removed.push_back(known->key);
            }
            const auto event = in_place ? RecordEvent::updated : RecordEvent::created;
            AC_CHECK(announce(tx, batch.memory, event, record, numbers, now));
            out.written.push_back(std::move(record));
        }
        return out;
    };
    AC_CO_TRY(const auto done, co_await context_.database.write(std::move(work)));
    for (const auto key : done.removed) index_.remove(done.memory, key);
    for (const auto& record : done.written) index_.put(done.memory, record);
    co_return Result<>{};
}

}  // namespace ac::memory
