#include "storage/sqlite_connection.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include "storage/limits.h"

namespace ac::storage {

struct SqliteConnection::Statement {
    explicit Statement(std::string_view text) : sql(text) {}
    ~Statement() { sqlite3_finalize(handle); }
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;

    std::string sql;
    sqlite3_stmt* handle = nullptr;
    std::vector<int> parameter_index;  // of $1, $2, ...
};

namespace {

// SQLITE_FULL and the I/O errors are the world's fault and pass; the rest of these mean that the
// file cannot be used. Everything not named is a bug of ours.
ErrorCode code_of(int extended) {
    switch (extended) {
        case SQLITE_CONSTRAINT_UNIQUE:
        case SQLITE_CONSTRAINT_PRIMARYKEY:
        case SQLITE_CONSTRAINT_ROWID:
        case SQLITE_CONSTRAINT_FOREIGNKEY:
            return ErrorCode::conflict;
        default:
            break;
    }
    switch (extended & 0xff) {
        case SQLITE_FULL:
        case SQLITE_IOERR:
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_CANTOPEN:
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
        case SQLITE_NOMEM:
        case SQLITE_PERM:
            return ErrorCode::unavailable;
        default:
            return ErrorCode::internal;
    }
}

Value column_value(sqlite3_stmt* statement, int column) {
    switch (sqlite3_column_type(statement, column)) {
        case SQLITE_INTEGER:
            return static_cast<std::int64_t>(sqlite3_column_int64(statement, column));
        case SQLITE_FLOAT:
            return sqlite3_column_double(statement, column);
        case SQLITE_TEXT: {
            const auto* text =
                reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
            return std::string(text,
                               static_cast<std::size_t>(sqlite3_column_bytes(statement, column)));
        }
        case SQLITE_BLOB: {
            const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, column));
            const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
            return Blob{size == 0 ? std::string() : std::string(bytes, size)};
        }
        default:
            return std::monostate{};
    }
}

// The parameters live until the statement has been stepped, so SQLite need not copy them.
struct Binder {
    sqlite3_stmt* statement;
    int index;

    int operator()(std::monostate) const { return sqlite3_bind_null(statement, index); }
    int operator()(std::int64_t value) const { return sqlite3_bind_int64(statement, index, value); }
    int operator()(double value) const { return sqlite3_bind_double(statement, index, value); }
    int operator()(const std::string& value) const {
        return sqlite3_bind_text64(statement, index, value.data(), value.size(), SQLITE_STATIC,
                                   SQLITE_UTF8);
    }
    int operator()(const Blob& value) const {
        // A null pointer would bind NULL instead of an empty blob.
        if (value.bytes.empty()) return sqlite3_bind_zeroblob(statement, index, 0);
        return sqlite3_bind_blob64(statement, index, value.bytes.data(), value.bytes.size(),
                                   SQLITE_STATIC);
    }
};

}  // namespace

Result<std::unique_ptr<SqliteConnection>> SqliteConnection::open(const std::string& path,
                                                                 Access access) {
    // Nobody asks SQLite how much memory it has, and counting it costs a lock an allocation.
    // Refused once a connection is open, when it has been said already.
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    const int mode = access == Access::read_only ? SQLITE_OPEN_READONLY
                                                 : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    sqlite3* handle = nullptr;
    const int rc = sqlite3_open_v2(path.c_str(), &handle,
                                   mode | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
    std::unique_ptr<SqliteConnection> connection(new SqliteConnection(handle));
    if (rc != SQLITE_OK)
        return fail(ErrorCode::unavailable,
                    fmt::format("open database {}: {}", path, sqlite3_errstr(rc)));
    AC_CHECK(connection->configure(access));
    return connection;
}

SqliteConnection::SqliteConnection(sqlite3* handle) : handle_(handle) {}

SqliteConnection::~SqliteConnection() {
    statements_.clear();
    sqlite3_close(handle_);
}

Result<> SqliteConnection::configure(Access access) {
    sqlite3_busy_timeout(handle_, static_cast<int>(kSqliteBusyTimeout.count()));
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
    if (access == Access::read_only) return run_script("PRAGMA query_only = 1");
    AC_TRY(const Rows mode, query("PRAGMA journal_mode = WAL"));
    if (mode.empty() || mode[0].text(0) != "wal")
        return fail(ErrorCode::unavailable, "this file system cannot hold a write-ahead log");
    return run_script(
        fmt::format("PRAGMA synchronous = FULL; PRAGMA foreign_keys = 1; PRAGMA temp_store = "
                    "MEMORY; PRAGMA wal_autocheckpoint = {}",
                    kWalPagesMax));
}

Error SqliteConnection::last_error(std::string_view what) const {
    // The message names tables and columns, never values.
    return {.code = code_of(sqlite3_extended_errcode(handle_)),
            .message = fmt::format("database: {}: {}", what, sqlite3_errmsg(handle_))};
}

Result<SqliteConnection::Statement*> SqliteConnection::prepare(std::string_view sql) {
    if (const auto found = by_sql_.find(sql); found != by_sql_.end()) {
        statements_.splice(statements_.begin(), statements_, found->second);
        return found->second->get();
    }
    auto statement = std::make_unique<Statement>(sql);
    const char* tail = nullptr;
    if (sqlite3_prepare_v3(handle_, statement->sql.data(), static_cast<int>(sql.size()),
                           SQLITE_PREPARE_PERSISTENT, &statement->handle, &tail) != SQLITE_OK)
        return fail(last_error("prepare"));
    if (statement->handle == nullptr) return fail(ErrorCode::internal, "database: empty statement");
    const int parameters = sqlite3_bind_parameter_count(statement->handle);
    for (int i = 1; i <= parameters; ++i) {
        const int index =
            sqlite3_bind_parameter_index(statement->handle, fmt::format("${}", i).c_str());
        if (index == 0)
            return fail(ErrorCode::internal,
                        "database: parameters must be $1, $2, ... without gaps");
        statement->parameter_index.push_back(index);
    }
    if (statements_.size() >= kPreparedStatementsMax) {
        by_sql_.erase(statements_.back()->sql);
        statements_.pop_back();
    }
    statements_.push_front(std::move(statement));
    by_sql_.emplace(statements_.front()->sql, statements_.begin());
    return statements_.front().get();
}

Result<> SqliteConnection::bind(Statement& statement, const Params& params) {
    if (params.size() != statement.parameter_index.size())
        return fail(ErrorCode::internal,
                    fmt::format("database: {} parameters given, statement has {}", params.size(),
                                statement.parameter_index.size()));
    for (std::size_t i = 0; i < params.size(); ++i) {
        const Binder binder{statement.handle, statement.parameter_index[i]};
        if (std::visit(binder, params[i]) != SQLITE_OK) return fail(last_error("bind"));
    }
    return {};
}

Result<> SqliteConnection::step(Statement& statement, Rows* rows) {
    while (true) {
        const int rc = sqlite3_step(statement.handle);
        if (rc == SQLITE_DONE) return {};
        if (rc != SQLITE_ROW) return fail(last_error("run"));
        if (rows == nullptr) continue;
        const int columns = sqlite3_column_count(statement.handle);
        std::vector<Value> values;
        values.reserve(static_cast<std::size_t>(columns));
        for (int i = 0; i < columns; ++i) values.push_back(column_value(statement.handle, i));
        rows->emplace_back(std::move(values));
    }
}

Result<Rows> SqliteConnection::query(std::string_view sql, const Params& params) {
    AC_TRY(Statement * statement, prepare(sql));
    Rows rows;
    Result<> done = bind(*statement, params);
    if (done) done = step(*statement, &rows);
    sqlite3_reset(statement->handle);
    sqlite3_clear_bindings(statement->handle);
    if (!done) return std::unexpected(std::move(done).error());
    return rows;
}

Result<std::int64_t> SqliteConnection::execute(std::string_view sql, const Params& params) {
    AC_TRY(Statement * statement, prepare(sql));
    Result<> done = bind(*statement, params);
    if (done) done = step(*statement, nullptr);
    sqlite3_reset(statement->handle);
    sqlite3_clear_bindings(statement->handle);
    if (!done) return std::unexpected(std::move(done).error());
    return sqlite3_stmt_readonly(statement->handle) ? 0 : sqlite3_changes64(handle_);
}

Result<> SqliteConnection::run_script(std::string_view sql) {
    if (sqlite3_exec(handle_, std::string(sql).c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
        return fail(last_error("run"));
    return {};
}

std::int64_t SqliteConnection::rows_changed() const {
    return sqlite3_total_changes64(handle_);
}

bool SqliteConnection::in_transaction() const {
    return sqlite3_get_autocommit(handle_) == 0;
}

}  // namespace ac::storage
