#pragma once
// The port to a relational store. Two back ends, SQLite and PostgreSQL, pass one test suite
// (database_test.cpp). SQL is written in the dialect that both speak: $1 parameters, BIGINT, TEXT,
// BYTEA, ON CONFLICT, RETURNING.
//
// A transaction is a function, not an object that lives across co_await: it runs to its end on one
// of the store's own threads, may run again after a conflict, and commits with others in a group.
// So it must have no effect but through its Transaction&, and must not block.
//
//   auto insert = [row](storage::Transaction& tx) -> Result<> { ... tx.execute(kInsert, {row.id})
//   ... }; AC_CO_CHECK(co_await db.write(insert));   // durable now
//
// Thread-safe.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "async/completion.h"
#include "async/task.h"

namespace ac::storage {

struct Blob {
    std::string bytes;
    friend bool operator==(const Blob&, const Blob&) = default;
};

using Value = std::variant<std::monostate, std::int64_t, double, std::string, Blob>;
using Params = std::vector<Value>;

class Row final {
  public:
    explicit Row(std::vector<Value> values) : values_(std::move(values)) {}
    bool is_null(std::size_t column) const;
    // The column must hold that type (asserted): a mismatch is a bug in our SQL.
    std::int64_t integer(std::size_t column) const;
    double real(std::size_t column) const;
    const std::string& text(std::size_t column) const;
    const std::string& blob(std::size_t column) const;
    const Value& value(std::size_t column) const { return values_.at(column); }
    std::size_t size() const { return values_.size(); }

  private:
    std::vector<Value> values_;
};

using Rows = std::vector<Row>;

// Statements of one transaction. Views passed in live until the call returns. Errors: conflict (a
// uniqueness or foreign key rule), invalid_argument (text that is not UTF-8 or holds a NUL),
// unavailable (disk full, connection lost), internal. After an Error the transaction is doomed:
// every further statement fails and nothing is stored, whatever the work returns. Where a conflict
// is expected, write ON CONFLICT.
//
// Types: BIGINT is integer(), DOUBLE PRECISION real(), TEXT text(), BYTEA blob(). Sort and compare
// user text as BYTEA: the order of TEXT depends on PostgreSQL's locale.
class Transaction {
  public:
    virtual ~Transaction() = default;
    virtual Result<Rows> query(std::string_view sql, const Params& params = {}) = 0;
    // Number of rows changed.
    virtual Result<std::int64_t> execute(std::string_view sql, const Params& params = {}) = 0;
};

// One step of a schema. Versions of a module start at 1 and are never edited once released.
struct Migration {
    std::string_view module;  // "runtime"
    int version = 0;
    std::string_view sql;  // statements separated by ';'
};

inline constexpr std::string_view kCommitUnknown = "CommitUnknown";

// Transactions are serializable; reads see one snapshot. The loops of the callers outlive it.
class Database {
  public:
    // Runs what is queued to its end (with a server that is gone: fails it), joins the threads.
    virtual ~Database() = default;

    // Runs `work` in a transaction and answers when the commit is durable. An Error from `work`
    // rolls back and is passed on. unavailable: the store cannot take it now (disk full, server
    // gone, queue full); nothing of it was stored. busy (PostgreSQL): other transactions kept
    // winning. internal with reason kCommitUnknown (PostgreSQL): the connection broke during
    // COMMIT. `Work` is a callable Result<T>(Transaction&).
    template <class Work, class T = typename std::invoke_result_t<Work&, Transaction&>::value_type>
    Task<T> write(Work work) {
        return run<Work, T>(std::move(work), Mode::write);
    }

    // The same, read only, on a snapshot.
    template <class Work, class T = typename std::invoke_result_t<Work&, Transaction&>::value_type>
    Task<T> read(Work work) {
        return run<Work, T>(std::move(work), Mode::read);
    }

    // Applies what is missing, in order of (module, version). Call once, before use.
    virtual Task<> migrate(std::span<const Migration> migrations) = 0;

    // Counters for /metrics and for the group-commit benchmark.
    struct Statistics {
        std::uint64_t transactions = 0;  // committed writes
        std::uint64_t commits = 0;       // durable commits that carried them
    };
    virtual Statistics statistics() const = 0;

  protected:
    enum class Mode { read, write };
    // A unit of work for a back end: `work` is run in a transaction (perhaps again after a
    // conflict); then exactly one call of `finish`, after the commit is durable or has failed.
    struct Job {
        std::move_only_function<Result<>(Transaction&)> work;
        std::move_only_function<void(Result<>)> finish;
    };
    virtual void submit(Mode mode, Job job) = 0;

  private:
    template <class Work, class T>
    Task<T> run(Work work, Mode mode) {
        Completion<T> done;
        auto slot = std::make_shared<std::optional<Result<T>>>();
        Job job;
        job.work = [work = std::move(work), slot](Transaction& tx) mutable -> Result<> {
            slot->emplace(work(tx));
            if (!**slot) return std::unexpected((*slot)->error());
            return {};
        };
        job.finish = [done, slot](Result<> committed) {
            if (!committed)
                done.complete(std::unexpected(std::move(committed).error()));
            else
                done.complete(std::move(**slot));
        };
        submit(mode, std::move(job));
        return done.result();
    }
};

// `path` of the database file; it is created. "unavailable" when it cannot be opened or is corrupt.
struct SqliteOptions {
    std::string path;
    std::size_t readers = 2;  // connections, each with its thread
    std::size_t group_transactions_max = 512;
};
Result<std::unique_ptr<Database>> open_sqlite(SqliteOptions options);

struct PostgresOptions {
    std::string conninfo;         // libpq's, e.g. "host=/run/postgresql dbname=agentcored"
    std::size_t connections = 8;  // each with its thread
};
Result<std::unique_ptr<Database>> open_postgres(PostgresOptions options);

}  // namespace ac::storage
