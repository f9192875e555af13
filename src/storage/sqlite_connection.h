#pragma once
// One connection to a SQLite file with its prepared statements, used by one thread at a time. Maps
// SQLite's result codes to our Errors; knows nothing of jobs or groups.

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "storage/database.h"

struct sqlite3;
struct sqlite3_stmt;

namespace ac::storage {

class SqliteConnection final {
  public:
    enum class Access { read_write, read_only };

    // unavailable: cannot be opened, is not a database, is corrupt.
    static Result<std::unique_ptr<SqliteConnection>> open(const std::string& path, Access access);
    ~SqliteConnection();
    SqliteConnection(const SqliteConnection&) = delete;
    SqliteConnection& operator=(const SqliteConnection&) = delete;

    Result<Rows> query(std::string_view sql, const Params& params = {});
    Result<std::int64_t> execute(std::string_view sql, const Params& params = {});
    // Several statements without parameters.
    Result<> run_script(std::string_view sql);

    // Since it was opened, by statements other than those of the schema.
    std::int64_t rows_changed() const;
    // False also when SQLite rolled back on its own, as it does when the disk is full.
    bool in_transaction() const;

  private:
    struct Statement;
    using Statements = std::list<std::unique_ptr<Statement>>;

    explicit SqliteConnection(sqlite3* handle);
    Result<> configure(Access access);
    Result<Statement*> prepare(std::string_view sql);
    Result<> bind(Statement& statement, const Params& params);
    // Steps to the end; gathers rows when `rows` is given.
    Result<> step(Statement& statement, Rows* rows);
    Error last_error(std::string_view what) const;

    sqlite3* handle_;
    Statements statements_;  // most recently used first
    std::unordered_map<std::string_view, Statements::iterator> by_sql_;
};

}  // namespace ac::storage
