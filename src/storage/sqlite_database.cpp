// SQLite behind the Database port. One thread writes: it takes every queued transaction, runs each
// in a SAVEPOINT inside one BEGIN IMMEDIATE ... COMMIT, and answers them all after the one
// fdatasync of that commit. Readers have threads and read-only connections of their own and see the
// last committed snapshot. docs/design/0002-storage.md has the reasons.

#include <algorithm>
#include <atomic>
#include <thread>

#include "base/log.h"
#include "storage/backend.h"
#include "storage/job_queue.h"
#include "storage/sqlite_connection.h"

namespace ac::storage {
namespace {

class SqliteTransaction final : public BackendTransaction {
  public:
    explicit SqliteTransaction(SqliteConnection& connection) : connection_(connection) {}
    Result<> run_script(std::string_view sql) override { return connection_.run_script(sql); }
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
    std::vector<Job> run_group(std::vector<Job> jobs);
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
        while (!jobs.empty()) jobs = run_group(std::move(jobs));
    }
}

// Runs and answers jobs; returns those that did not run because SQLite rolled the group back.
std::vector<Database::Job> SqliteDatabase::run_group(std::vector<Job> jobs) {
    Group group;
    std::vector<Job> rest;
    Result<> committed;
    if (auto begun = writer_->execute("BEGIN IMMEDIATE"); !begun)
        committed = std::unexpected(std::move(begun).error());
    for (Job& job : jobs) {
        const bool lost = committed && !writer_->in_transaction();
        if (lost) committed = std::unexpected(group.results.back().error());
        if (lost || !rest.empty()) {
            rest.push_back(std::move(job));
            continue;
        }
        group.results.push_back(committed ? run_in_savepoint(job) : committed);
        group.jobs.push_back(std::move(job));
    }
    if (committed) committed = commit_group(group);
    finish(group, committed);
    return rest;
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
