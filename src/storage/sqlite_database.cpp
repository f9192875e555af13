// SQLite behind the Database port. One thread writes: it takes every queued transaction, runs them
// one after the other inside one BEGIN IMMEDIATE ... COMMIT, and answers them all after the one
// fdatasync of that commit. When one fails that has written, the group runs again, each in a
// SAVEPOINT. Readers have threads and read-only connections of their own and see the
// last committed snapshot. docs/design/0002-storage.md has the reasons.

#include <algorithm>
#include <atomic>
#include <iterator>
#include <thread>

#include "base/log.h"
#include "storage/backend.h"
#include "storage/job_queue.h"
#include "storage/sqlite_connection.h"

namespace ac::storage {
namespace {

class SqliteTransaction final : public BackendTransaction {
  public:
    explicit SqliteTransaction(SqliteConnection& connection)
        : connection_(connection), changed_before_(connection.rows_changed()) {}
    bool has_written() const {
        return has_changed_schema_ || connection_.rows_changed() != changed_before_;
    }
    Result<> run_script(std::string_view sql) override {
        has_changed_schema_ = true;
        return connection_.run_script(sql);
    }
    Result<> lock_schema() override { return {}; }  // BEGIN IMMEDIATE has locked the file

  protected:
    Result<Rows> do_query(std::string_view sql, const Params& params) override {
        return connection_.query(sql, params);
    }
    Result<std::int64_t> do_execute(std::string_view sql, const Params& params) override {
        return connection_.execute(sql, params);
    }

  private:
    SqliteConnection& connection_;
    const std::int64_t changed_before_;
    bool has_changed_schema_ = false;
};

class SqliteDatabase final : public Database {
  public:
    SqliteDatabase(SqliteOptions options, std::unique_ptr<SqliteConnection> writer,
                   std::vector<std::unique_ptr<SqliteConnection>> readers)
        : options_(std::move(options)), writer_(std::move(writer)), readers_(std::move(readers)) {
        threads_.emplace_back([this] { write_loop(); });
        for (const auto& reader : readers_)
            threads_.emplace_back([this, &reader] { read_loop(*reader); });
    }

    ~SqliteDatabase() override {
        writes_.close();
        reads_.close();
        for (std::thread& thread : threads_) thread.join();
    }

    Task<> migrate(std::span<const Migration> migrations) override {
        auto sorted = in_order(migrations);
        if (!sorted) co_return std::unexpected(std::move(sorted).error());
        co_return co_await run_migrations(*this, *std::move(sorted));
    }

    Statistics statistics() const override {
        return {.transactions = transactions_.load(), .commits = commits_.load()};
    }

  protected:
    void submit(Mode mode, Job job) override {
        if ((mode == Mode::write ? writes_ : reads_).push(job)) return;
        job.finish(fail(ErrorCode::unavailable, "database: too many transactions are waiting"));
    }

  private:
    struct Group {
        std::vector<Job> jobs;
        std::vector<Result<>> results;  // one for each job that ran
    };

    void write_loop();
    // What a job that fails takes back: what the whole group wrote, or only its own writes.
    enum class Undo { group, job };

    std::vector<Job> run_group(std::vector<Job> jobs, Undo undo);
    bool run_job(Job& job, Result<>& result);
    Result<> run_in_savepoint(Job& job);
    Result<> commit_group(const Group& group);
    void read_loop(SqliteConnection& connection);
    static void finish(Group& group, const Result<>& committed);

    const SqliteOptions options_;
    std::unique_ptr<SqliteConnection> writer_;
    bool failing_ = false;  // the writer's thread
    std::vector<std::unique_ptr<SqliteConnection>> readers_;
    std::atomic<std::uint64_t> transactions_{0};
    std::atomic<std::uint64_t> commits_{0};
    JobQueue<Job> writes_;
    JobQueue<Job> reads_;
    std::vector<std::thread> threads_;
};

void SqliteDatabase::write_loop() {
    // Whoever wrote in the last group is likely to write again: waiting for half of them a moment
    // doubles the group where clients work in lock step, and costs a lone writer nothing.
    std::size_t last = 1;
    while (true) {
        std::vector<Job> jobs = writes_.take(options_.group_transactions_max, last / 2);
        if (jobs.empty()) return;
        last = jobs.size();
        while (!jobs.empty()) jobs = run_group(std::move(jobs), Undo::group);
    }
}

// Runs and answers jobs; returns those that did not run because SQLite rolled the group back.
std::vector<Database::Job> SqliteDatabase::run_group(std::vector<Job> jobs, Undo undo) {
    Group group;
    std::vector<Job> rest;
    Result<> committed;
    bool must_undo = false;
    if (auto begun = writer_->execute("BEGIN IMMEDIATE"); !begun)
        committed = std::unexpected(std::move(begun).error());
    for (Job& job : jobs) {
        const bool lost = committed && !writer_->in_transaction();
        if (lost) committed = std::unexpected(group.results.back().error());
        if (lost || must_undo || !rest.empty()) {
            rest.push_back(std::move(job));
            continue;
        }
        Result<> result = committed;
        if (committed && undo == Undo::job) result = run_in_savepoint(job);
        if (committed && undo == Undo::group) must_undo = run_job(job, result);
        group.results.push_back(std::move(result));
        group.jobs.push_back(std::move(job));
    }
    if (must_undo) {
        auto undone = writer_->execute("ROLLBACK");
        if (undone && jobs.size() > 1) {
            std::ranges::move(rest, std::back_inserter(group.jobs));
            return run_group(std::move(group.jobs), Undo::job);
        }
        if (!undone) committed = std::unexpected(std::move(undone).error());
    } else if (committed) {
        committed = commit_group(group);
    }
    finish(group, committed);
    return rest;
}

// True when `job` failed and has left in the transaction what it wrote. Savepoints would take it
// back, and would cost every job of the group two statements and a copy of the pages that it
// changes; jobs that fail after they have written are rare.
bool SqliteDatabase::run_job(Job& job, Result<>& result) {
    SqliteTransaction transaction(*writer_);
    result = run_work(job.work, transaction);
    if (!writer_->in_transaction()) {
        if (result)
            result = fail(ErrorCode::unavailable, "database: the transaction was rolled back");
        return false;
    }
    return !result && transaction.has_written();
}

Result<> SqliteDatabase::run_in_savepoint(Job& job) {
    AC_CHECK(writer_->execute("SAVEPOINT job"));
    SqliteTransaction transaction(*writer_);
    Result<> result = run_work(job.work, transaction);
    if (!writer_->in_transaction()) {
        return result ? fail(ErrorCode::unavailable, "database: the transaction was rolled back")
                      : result;
    }
    if (!result) AC_CHECK(writer_->execute("ROLLBACK TO job"));
    AC_CHECK(writer_->execute("RELEASE job"));
    return result;
}

Result<> SqliteDatabase::commit_group(const Group& group) {
    if (!writer_->in_transaction()) return std::unexpected(group.results.back().error());
    std::uint64_t stored = 0;
    for (const auto& result : group.results) stored += result ? 1 : 0;
    auto committed = writer_->execute(stored > 0 ? "COMMIT" : "ROLLBACK");
    if (!committed) {
        // Once, not for every group: a full disk must not be filled further by its own log.
        if (!std::exchange(failing_, true))
            AC_LOG(error, "transactions cannot be committed",
                   {"reason", committed.error().message});
        if (writer_->in_transaction()) (void)writer_->execute("ROLLBACK");
        Error error = std::move(committed).error();
        // A deferred rule of the schema would be a bug; all else is the disk's doing.
        if (error.code == ErrorCode::conflict) error.code = ErrorCode::internal;
        return fail(std::move(error));
    }
    if (stored > 0) ++commits_;
    if (stored > 0 && std::exchange(failing_, false))
        AC_LOG(info, "transactions are committed again");
    transactions_ += stored;
    return {};
}

// Failures wait for the commit as well: a job may have failed because of what it read from another
// one of the group, and that is only true once the group is durable.
void SqliteDatabase::finish(Group& group, const Result<>& committed) {
    for (std::size_t i = 0; i < group.jobs.size(); ++i)
        group.jobs[i].finish(committed ? std::move(group.results[i]) : committed);
}

void SqliteDatabase::read_loop(SqliteConnection& connection) {
    while (true) {
        std::vector<Job> jobs = reads_.take(1);
        if (jobs.empty()) return;
        Result<> result;
        if (auto begun = connection.execute("BEGIN"); !begun)
            result = std::unexpected(std::move(begun).error());
        if (result) {
            SqliteTransaction transaction(connection);
            result = run_work(jobs[0].work, transaction);
        }
        if (connection.in_transaction()) (void)connection.execute("ROLLBACK");
        jobs[0].finish(std::move(result));
    }
}

}  // namespace

Result<std::unique_ptr<Database>> open_sqlite(SqliteOptions options) {
    using Access = SqliteConnection::Access;
    AC_TRY(auto writer, SqliteConnection::open(options.path, Access::read_write));
    std::vector<std::unique_ptr<SqliteConnection>> readers;
    for (std::size_t i = 0; i < std::max<std::size_t>(options.readers, 1); ++i) {
        AC_TRY(auto reader, SqliteConnection::open(options.path, Access::read_only));
        readers.push_back(std::move(reader));
    }
    return std::make_unique<SqliteDatabase>(std::move(options), std::move(writer),
                                            std::move(readers));
}

}  // namespace ac::storage
