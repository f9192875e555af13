#pragma once
// One libpq connection with its prepared statements, used by one thread at a time. Maps SQLSTATEs
// to our Errors and remembers what they mean for the transaction; knows nothing of jobs.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "storage/database.h"

struct pg_conn;
struct pg_result;

namespace ac::storage {

class PostgresConnection final {
  public:
    // unavailable: nobody there, refused, too many connections.
    static Result<std::unique_ptr<PostgresConnection>> open(const std::string& conninfo);
    ~PostgresConnection();
    PostgresConnection(const PostgresConnection&) = delete;
    PostgresConnection& operator=(const PostgresConnection&) = delete;

    Result<Rows> query(std::string_view sql, const Params& params = {});
    Result<std::int64_t> execute(std::string_view sql, const Params& params = {});
    // Several statements without parameters; the rows of the last one.
    Result<Rows> run_script(const std::string& sql);

    // The connection is lost; only destruction is left.
    bool is_broken() const;
    // The last error was a serialization failure or a deadlock: the transaction may be run again.
    bool may_run_again() const { return may_run_again_; }
    void clear_may_run_again() { may_run_again_ = false; }
    void set_may_run_again() { may_run_again_ = true; }

  private:
    explicit PostgresConnection(pg_conn* handle);
    // Name of the prepared statement for `sql` with parameters of these types.
    Result<std::string> prepare(std::string_view sql, const Params& params);
    Result<pg_result*> run(std::string_view sql, const Params& params);
    Error error_of(const pg_result* result);

    pg_conn* handle_;
    std::unordered_map<std::string, std::string> statements_;
    std::uint64_t next_statement_ = 0;
    bool may_run_again_ = false;
};

}  // namespace ac::storage
