#include "memory/extraction_worker.h"

#include "base/log.h"
#include "memory/records.h"

namespace ac::memory {

namespace {

constexpr Milliseconds kPauseAfterFailure{1000};

}  // namespace

void ExtractionWorker::wake() {
    const std::lock_guard lock(mutex_);
    wake_.complete({});
}

void ExtractionWorker::stop() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.complete({});
}

Completion<void> ExtractionWorker::next_wake() {
    const std::lock_guard lock(mutex_);
    if (!stopping_) wake_ = Completion<void>();
    return wake_;
}

Detached ExtractionWorker::run() {
    for (;;) {
        // Taken before the jobs are read, so that one stored meanwhile is not slept over.
        const auto woken = next_wake();
        {
            const std::lock_guard lock(mutex_);
            if (stopping_) co_return;
        }
        const auto done = co_await run_once();
        if (!done) {
            if (done.error().code == ErrorCode::cancelled) co_return;
            AC_LOG(warn, "extraction waits", {"reason", done.error().message});
            const auto slept = co_await sleep_for(context_.timer, kPauseAfterFailure);
            if (!slept) co_return;
            continue;
        }
        if (*done > 0) continue;
        const auto waited = co_await woken.result();
        if (!waited) co_return;
    }
}

Task<std::size_t> ExtractionWorker::run_once() {
    auto read = [batch = context_.limits.job_batch](storage::Transaction& tx) {
        return store::list_pending_jobs(tx, -1, batch);
    };
    AC_CO_TRY(auto jobs, co_await context_.database.read(std::move(read)));
    for (auto& job : jobs) {
        AC_CO_CHECK(co_await do_job(std::move(job)));
    }
    co_return jobs.size();
}

Task<> ExtractionWorker::do_job(store::Job job) {
    const auto now = context_.now();
    auto work = [this, job, numbers = make_numbers(context_), now](storage::Transaction& tx) {
        return consolidate(tx, job, numbers, engines_, context_.limits, now);
    };
    auto done = co_await context_.database.write(std::move(work));
    if (done) {
        for (const auto key : done->removed) index_.remove(done->memory, key);
        for (const auto& record : done->written) index_.put(done->memory, record);
        if (done->left_jobs) on_model_job_();
        co_return Result<>{};
    }
    if (done.error().code == ErrorCode::unavailable || done.error().code == ErrorCode::cancelled)
        co_return std::unexpected(std::move(done).error());
    job.attempts += 1;
    job.failure = done.error().message;
    const auto status = job.attempts < context_.limits.job_attempts_max ? store::JobStatus::pending
                                                                        : store::JobStatus::failed;
    AC_LOG(warn, "extraction failed", {"job", job.id}, {"reason", job.failure});
    auto mark = [job, status](storage::Transaction& tx) {
        return store::fail_job(tx, job, status);
    };
    co_return co_await context_.database.write(std::move(mark));
}

}  // namespace ac::memory
