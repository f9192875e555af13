#include "storage/backend.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

#include "base/encoding.h"

namespace ac::storage {

namespace {

constexpr std::string_view kCreateMigrations =
    "CREATE TABLE IF NOT EXISTS schema_migrations ("
    "module TEXT NOT NULL, version BIGINT NOT NULL, PRIMARY KEY (module, version))";
constexpr std::string_view kNewestMigration =
    "SELECT version FROM schema_migrations WHERE module = $1 ORDER BY version DESC LIMIT 1";
constexpr std::string_view kFindMigration =
    "SELECT version FROM schema_migrations WHERE module = $1 AND version = $2";
constexpr std::string_view kInsertMigration =
    "INSERT INTO schema_migrations (module, version) VALUES ($1, $2)";

}  // namespace

Result<> BackendTransaction::check(const Params& params) {
    if (doom_) return std::unexpected(*doom_);
    for (const Value& value : params) {
        // PostgreSQL's TEXT is valid UTF-8 without NUL; anything else belongs into BYTEA.
        const auto* text = std::get_if<std::string>(&value);
        if (text != nullptr && (text->find('\0') != std::string::npos || !is_valid_utf8(*text))) {
            doom_ = Error{.code = ErrorCode::invalid_argument,
                          .message = "text is not UTF-8 or holds a NUL"};
            return std::unexpected(*doom_);
        }
    }
    return {};
}

Result<Rows> BackendTransaction::query(std::string_view sql, const Params& params) {
    AC_CHECK(check(params));
    auto result = do_query(sql, params);
    if (!result) doom_ = result.error();
    return result;
}

Result<std::int64_t> BackendTransaction::execute(std::string_view sql, const Params& params) {
    AC_CHECK(check(params));
    auto result = do_execute(sql, params);
    if (!result) doom_ = result.error();
    return result;
}

Result<> run_work(std::move_only_function<Result<>(Transaction&)>& work, BackendTransaction& tx) {
    Result<> result;
    try {
        result = work(tx);
    } catch (const std::exception& error) {
        result = fail(ErrorCode::internal, fmt::format("transaction threw: {}", error.what()));
    }
    if (result && tx.doom()) return std::unexpected(*tx.doom());
    return result;
}

Result<std::vector<Migration>> in_order(std::span<const Migration> migrations) {
    std::vector<Migration> sorted(migrations.begin(), migrations.end());
    std::ranges::sort(sorted, {},
                      [](const Migration& m) { return std::pair(m.module, m.version); });
    for (std::size_t i = 0; i < sorted.size(); ++i) {
        const bool first = i == 0 || sorted[i - 1].module != sorted[i].module;
        if (sorted[i].version != (first ? 1 : sorted[i - 1].version + 1))
            return fail(
                ErrorCode::internal,
                fmt::format("migrations of {} are not numbered 1, 2, 3, ...", sorted[i].module));
    }
    return sorted;
}

Result<> prepare_migrations(Transaction& transaction, std::span<const Migration> migrations) {
    AC_CHECK(static_cast<BackendTransaction&>(transaction).lock_schema());
    AC_CHECK(transaction.execute(kCreateMigrations));
    for (std::size_t i = 0; i < migrations.size(); ++i) {
        const bool last =
            i + 1 == migrations.size() || migrations[i + 1].module != migrations[i].module;
        if (!last) continue;
        const Params params = {std::string(migrations[i].module)};
        AC_TRY(const Rows rows, transaction.query(kNewestMigration, params));
        if (!rows.empty() && rows[0].integer(0) > migrations[i].version)
            return fail(
                ErrorCode::conflict,
                fmt::format("the database was written by a newer version: {} is at {}, "
                            "this program knows {}",
                            migrations[i].module, rows[0].integer(0), migrations[i].version));
    }
    return {};
}

Result<> apply_migration(Transaction& transaction, const Migration& migration) {
    auto& tx = static_cast<BackendTransaction&>(transaction);
    AC_CHECK(tx.lock_schema());
    const Params params = {std::string(migration.module),
                           static_cast<std::int64_t>(migration.version)};
    AC_TRY(const Rows rows, tx.query(kFindMigration, params));
    if (!rows.empty()) return {};
    AC_CHECK(tx.run_script(migration.sql));
    AC_CHECK(tx.execute(kInsertMigration, params));
    return {};
}

Task<> run_migrations(Database& database, std::vector<Migration> migrations) {
    auto prepare = [&migrations](Transaction& tx) -> Result<> {
        return prepare_migrations(tx, migrations);
    };
    AC_CO_CHECK(co_await database.write(prepare));
    for (const Migration& migration : migrations) {
        auto apply = [&migration](Transaction& tx) -> Result<> {
            return apply_migration(tx, migration);
        };
        auto applied = co_await database.write(apply);
        if (!applied) {
            Error error = std::move(applied).error();
            error.message = fmt::format("migration {} {}: {}", migration.module, migration.version,
                                        error.message);
            co_return fail(std::move(error));
        }
    }
    co_return Result<>{};
}

}  // namespace ac::storage
