#pragma once
// What both back ends share: the transaction they hand to work, with the rule that an error dooms
// it, and the steps that schema migrations need beyond the public port.

#include <span>
#include <string_view>

#include "storage/database.h"

namespace ac::storage {

// Statement errors stick: PostgreSQL refuses every statement after one, so SQLite must as well, or
// work that goes on after an error would behave differently on the two.
class BackendTransaction : public Transaction {
  public:
    Result<Rows> query(std::string_view sql, const Params& params) final;
    Result<std::int64_t> execute(std::string_view sql, const Params& params) final;

    // Statements separated by ';', without parameters.
    virtual Result<> run_script(std::string_view sql) = 0;
    // Keeps other starting daemons out of the schema until the end of the transaction.
    virtual Result<> lock_schema() = 0;

    const std::optional<Error>& doom() const { return doom_; }

  protected:
    virtual Result<Rows> do_query(std::string_view sql, const Params& params) = 0;
    virtual Result<std::int64_t> do_execute(std::string_view sql, const Params& params) = 0;

  private:
    Result<> check(const Params& params);

    std::optional<Error> doom_;
};

// Runs `work` and makes sure that a doomed transaction or an exception (a bug) is an Error.
Result<> run_work(std::move_only_function<Result<>(Transaction&)>& work, BackendTransaction& tx);

// For Database::migrate. `transaction` must be a BackendTransaction of either back end. Applies
// `migration` unless it was applied before.
Result<> apply_migration(Transaction& transaction, const Migration& migration);
// Before the first: creates the table of migrations, and refuses a database that a newer version of
// us has written (conflict).
Result<> prepare_migrations(Transaction& transaction, std::span<const Migration> migrations);
// Sorted by module and version; internal when a module's versions are not 1, 2, 3, ...
Result<std::vector<Migration>> in_order(std::span<const Migration> migrations);

Task<> run_migrations(Database& database, std::vector<Migration> migrations);

}  // namespace ac::storage
