// PostgreSQL behind the Database port: a pool of threads with one connection each takes
// transactions from one queue; the server shares its own fsyncs among them. A transaction is run
// again after a serialization failure, and on a fresh connection when the old one broke before
// COMMIT. When it breaks during COMMIT, the server is asked what became of the transaction.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "storage/backend.h"
#include "storage/job_queue.h"
#include "storage/limits.h"
#include "storage/postgres_connection.h"

namespace ac::storage {
namespace {

// Any constant, the same in every agentcored: the key of the advisory lock on our schema.
constexpr std::string_view kLockSchema = "SELECT pg_advisory_lock(7165046129047)";
constexpr std::string_view kUnlockSchema = "SELECT pg_advisory_unlock(7165046129047)";
constexpr std::string_view kTransactionFate =
    "SELECT pg_xact_status(CAST(CAST($1 AS TEXT) AS xid8))";

class PostgresTransaction final : public BackendTransaction {
  public:
    PostgresTransaction(PostgresConnection& connection, bool& schema_locked)
        : connection_(connection), schema_locked_(schema_locked) {}

    Result<> run_script(std::string_view sql) override {
        AC_CHECK(connection_.run_script("SET LOCAL statement_timeout = 0"));
        AC_CHECK(connection_.run_script(std::string(sql)));
        return {};
    }

    // This transaction's snapshot may be older than the lock, so it starts over once it has it. The
    // lock belongs to the session and is given back after the last run.
    Result<> lock_schema() override {
        if (schema_locked_) return {};
        AC_CHECK(
            connection_.run_script("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0"));
        AC_CHECK(connection_.run_script(std::string(kLockSchema)));
        schema_locked_ = true;
        connection_.set_may_run_again();
        return fail(ErrorCode::busy, "database: waited for the schema");
    }

  protected:
    Result<Rows> do_query(std::string_view sql, const Params& params) override {
        return connection_.query(sql, params);
    }
    Result<std::int64_t> do_execute(std::string_view sql, const Params& params) override {
        return connection_.execute(sql, params);
    }

  private:
    PostgresConnection& connection_;
    bool& schema_locked_;
};

// Shared by the threads: keeps them from hammering a server that is gone, and lets a long queue
// fail at once. Thread-safe.
class Door final {
  public:
    Result<> check() const {
        const std::lock_guard lock(mutex_);
        if (error_ && (closing_ || SystemClock{}.steady() < opens_))
            return std::unexpected(*error_);
        return {};
    }
    void close_for_a_moment(Error error) {
        const std::lock_guard lock(mutex_);
        error_ = std::move(error);
        opens_ = SystemClock{}.steady() + kPostgresConnectPause;
    }
    void open() {
        const std::lock_guard lock(mutex_);
        error_.reset();
    }
    // From now on a closed door stays closed, and nobody waits.
    void set_closing() {
        {
            const std::lock_guard lock(mutex_);
            closing_ = true;
        }
        closes_.notify_all();
    }
    void wait(std::chrono::microseconds duration) const {
        std::unique_lock lock(mutex_);
        closes_.wait_for(lock, duration, [this] { return closing_; });
    }

  private:
    mutable std::mutex mutex_;
    mutable std::condition_variable closes_;
    std::optional<Error> error_;
    SteadyTime opens_;
    bool closing_ = false;
};

// One thread's connection and how a transaction is run on it.
class Session final {
  public:
    Session(const std::string& conninfo, std::size_t index, Door& door)
        : conninfo_(conninfo), index_(static_cast<int>(index)), door_(door) {}

    using Work = std::move_only_function<Result<>(Transaction&)>;
    enum class Mode { read, write };

    Result<> connect();
    Result<> run(Work& work, Mode mode);

  private:
    struct Attempt {
        Result<> result;
        bool again = false;  // serialization failure
        bool lost = false;   // the connection broke before COMMIT
    };

    Attempt run_once(Work& work, Mode mode);
    Result<> commit();
    Result<> ask_fate();
    void pause(int attempt);

    const std::string& conninfo_;
    const int index_;
    Door& door_;
    std::unique_ptr<PostgresConnection> connection_;
    std::int64_t transaction_id_ = 0;
    bool schema_locked_ = false;
};

Result<> Session::connect() {
    if (connection_ && !connection_->is_broken()) return {};
    connection_.reset();
    schema_locked_ = false;
    AC_CHECK(door_.check());
    auto opened = PostgresConnection::open(conninfo_);
    if (!opened) {
        door_.close_for_a_moment(opened.error());
        return std::unexpected(std::move(opened).error());
    }
    door_.open();
    connection_ = *std::move(opened);
    return {};
}

Result<> Session::run(Work& work, Mode mode) {
    int conflicts = 0;
    int losses = 0;
    while (true) {
        AC_CHECK(connect());
        Attempt attempt = run_once(work, mode);
        if (attempt.lost && ++losses < kConnectionAttemptsMax) continue;
        if (attempt.again && ++conflicts < kSerializationAttemptsMax) {
            pause(conflicts);
            continue;
        }
        if (schema_locked_ && connection_ && !connection_->is_broken())
            (void)connection_->run_script(std::string(kUnlockSchema));
        schema_locked_ = false;
        return std::move(attempt.result);
    }
}

Session::Attempt Session::run_once(Work& work, Mode mode) {
    connection_->clear_may_run_again();
    // The id lets us ask for the transaction's fate should the connection break during COMMIT.
    auto begun = connection_->run_script(
        mode == Mode::write ? "BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT pg_current_xact_id()"
                            : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    if (!begun) return {.result = std::unexpected(begun.error()), .lost = connection_->is_broken()};
    if (mode == Mode::write) transaction_id_ = begun->at(0).integer(0);
    PostgresTransaction transaction(*connection_, schema_locked_);
    Result<> result = run_work(work, transaction);
    if (connection_->is_broken())
        return {.result = fail(ErrorCode::unavailable, "database: connection lost"), .lost = true};
    if (result && mode == Mode::write) {
        result = commit();
    } else {
        (void)connection_->run_script("ROLLBACK");
    }
    const bool again = !result && connection_ && connection_->may_run_again();
    return {.result = std::move(result), .again = again};
}

Result<> Session::commit() {
    auto committed = connection_->run_script("COMMIT");
    if (committed) return {};
    if (connection_->is_broken()) return ask_fate();
    return std::unexpected(std::move(committed).error());
}

Result<> Session::ask_fate() {
    const Error unknown{.code = ErrorCode::internal,
                        .message = "database: connection lost during COMMIT, outcome unknown",
                        .reason = std::string(kCommitUnknown)};
    for (int tries = 1; tries <= kConnectionAttemptsMax; ++tries) {
        if (!connect()) {
            door_.wait(kPostgresConnectPause);
            continue;
        }
        auto rows = connection_->query(kTransactionFate, {std::to_string(transaction_id_)});
        if (!rows || rows->empty() || rows->at(0).is_null(0)) continue;
        if (rows->at(0).text(0) == "committed") return {};
        if (rows->at(0).text(0) == "aborted")
            return fail(ErrorCode::unavailable, "database: connection lost, nothing was stored");
        door_.wait(kPostgresConnectPause);
    }
    return fail(unknown);
}

// Different for every thread, so that those who collided do not collide again.
void Session::pause(int attempt) {
    door_.wait(kPostgresPause * attempt * (1 + index_));
}

class PostgresDatabase final : public Database {
  public:
    explicit PostgresDatabase(PostgresOptions options) : options_(std::move(options)) {
        for (std::size_t i = 0; i < std::max<std::size_t>(options_.connections, 1); ++i)
            threads_.emplace_back([this, i] { loop(i); });
    }

    ~PostgresDatabase() override {
        door_.set_closing();
        queue_.close();
        for (std::thread& thread : threads_) thread.join();
    }

    Task<> migrate(std::span<const Migration> migrations) override {
        auto sorted = in_order(migrations);
        if (!sorted) co_return std::unexpected(std::move(sorted).error());
        co_return co_await run_migrations(*this, *std::move(sorted));
    }

    Statistics statistics() const override {
        return {.transactions = committed_.load(), .commits = committed_.load()};
    }

  protected:
    void submit(Mode mode, Job job) override {
        Queued queued{mode == Mode::write ? Session::Mode::write : Session::Mode::read,
                      std::move(job)};
        if (queue_.push(queued)) return;
        queued.job.finish(
            fail(ErrorCode::unavailable, "database: too many transactions are waiting"));
    }

  private:
    struct Queued {
        Session::Mode mode;
        Job job;
    };

    void loop(std::size_t index) {
        Session session(options_.conninfo, index, door_);
        while (true) {
            std::vector<Queued> taken = queue_.take(1);
            if (taken.empty()) return;
            Result<> result = session.run(taken[0].job.work, taken[0].mode);
            if (result && taken[0].mode == Session::Mode::write) ++committed_;
            taken[0].job.finish(std::move(result));
        }
    }

    const PostgresOptions options_;
    Door door_;
    std::atomic<std::uint64_t> committed_{0};
    JobQueue<Queued> queue_;
    std::vector<std::thread> threads_;
};

}  // namespace

Result<std::unique_ptr<Database>> open_postgres(PostgresOptions options) {
    // Fails early and clearly where nobody answers; the threads connect when they have work.
    AC_CHECK(PostgresConnection::open(options.conninfo));
    return std::make_unique<PostgresDatabase>(std::move(options));
}

}  // namespace ac::storage
