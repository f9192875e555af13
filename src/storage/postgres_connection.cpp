#include "storage/postgres_connection.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <vector>

#include "base/encoding.h"
#include "storage/limits.h"

namespace ac::storage {
namespace {

// Type OIDs are part of PostgreSQL's protocol: src/include/catalog/pg_type.dat.
enum : Oid {
    kBool = 16,
    kBytea = 17,
    kInt8 = 20,
    kInt2 = 21,
    kInt4 = 23,
    kText = 25,
    kOid = 26,
    kXid8 = 5069,
    kFloat4 = 700,
    kFloat8 = 701,
    kNumeric = 1700,
};

struct ClearResult {
    void operator()(PGresult* result) const { PQclear(result); }
};
using ResultPtr = std::unique_ptr<PGresult, ClearResult>;

ErrorCode code_of(std::string_view state) {
    // https://www.postgresql.org/docs/15/errcodes-appendix.html
    if (state == "23505" || state == "23503" || state == "23P01") return ErrorCode::conflict;
    if (state == "40001" || state == "40P01" || state == "55P03") return ErrorCode::busy;
    if (state == "22021" || state == "22P05") return ErrorCode::invalid_argument;
    if (state.empty() || state.starts_with("08") || state.starts_with("53") ||
        state.starts_with("57") || state.starts_with("58"))
        return ErrorCode::unavailable;
    return ErrorCode::internal;
}

Oid type_of(const Value& value) {
    constexpr Oid kTypes[] = {0, kInt8, kFloat8, kText, kBytea};  // 0: the server infers
    return kTypes[value.index()];
}

// Numbers travel as text, strings and bytes as they are; `storage` keeps the texts alive.
struct Encoder {
    std::string& storage;
    const char*& data;
    int& length;
    int& format;

    void operator()(std::monostate) const { data = nullptr; }
    void operator()(std::int64_t value) const { number(fmt::format("{}", value)); }
    void operator()(double value) const { number(fmt::format("{:.17g}", value)); }
    void operator()(const std::string& value) const { data = value.c_str(); }
    void operator()(const Blob& value) const {
        data = value.bytes.data();
        length = static_cast<int>(value.bytes.size());
        format = 1;
    }
    void number(std::string text) const {
        storage = std::move(text);
        data = storage.c_str();
    }
};

Value decode(Oid type, std::string_view text) {
    switch (type) {
        case kBool:
            return std::int64_t{text == "t"};
        case kNumeric:
            // SUM over BIGINT is NUMERIC here and an integer in SQLite.
            if (text.find_first_of(".N") != std::string_view::npos)
                return std::strtod(text.data(), nullptr);
            [[fallthrough]];
        case kInt2:
        case kInt4:
        case kInt8:
        case kOid:
        case kXid8: {
            std::int64_t value = 0;
            std::from_chars(text.data(), text.data() + text.size(), value);
            return value;
        }
        case kFloat4:
        case kFloat8:
            return std::strtod(text.data(), nullptr);
        case kBytea:  // \x0123...
            return Blob{from_hex(text.substr(2)).value_or(std::string())};
        default:
            return std::string(text);
    }
}

Rows rows_of(const PGresult* result) {
    Rows rows;
    const int columns = PQnfields(result);
    for (int row = 0; row < PQntuples(result); ++row) {
        std::vector<Value> values;
        values.reserve(static_cast<std::size_t>(columns));
        for (int column = 0; column < columns; ++column) {
            if (PQgetisnull(result, row, column)) {
                values.emplace_back();
                continue;
            }
            const auto length = static_cast<std::size_t>(PQgetlength(result, row, column));
            values.push_back(
                decode(PQftype(result, column), {PQgetvalue(result, row, column), length}));
        }
        rows.emplace_back(std::move(values));
    }
    return rows;
}

// The highest $n in our SQL, which has no $ in its literals.
std::size_t parameters_in(std::string_view sql) {
    std::size_t highest = 0;
    for (std::size_t at = sql.find('$'); at != std::string_view::npos; at = sql.find('$', at + 1)) {
        std::size_t number = 0;
        std::from_chars(sql.data() + at + 1, sql.data() + sql.size(), number);
        highest = std::max(highest, number);
    }
    return highest;
}

bool succeeded(const PGresult* result) {
    const auto status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

}  // namespace

Result<std::unique_ptr<PostgresConnection>> PostgresConnection::open(const std::string& conninfo) {
    const auto timeout = std::to_string(kPostgresConnectTimeout.count());
    // "dbname" may be a whole connection string; what follows it wins over what is in it.
    const char* keys[] = {
        "dbname",          "connect_timeout",  "client_encoding", "application_name",
        "keepalives_idle", "tcp_user_timeout", "options",         nullptr};
    const char* values[] = {conninfo.c_str(),
                            timeout.c_str(),
                            "UTF8",
                            "agentcored",
                            "30",
                            "60000",
                            "-c statement_timeout=60s -c lock_timeout=30s -c "
                            "idle_in_transaction_session_timeout=120s -c bytea_output=hex",
                            nullptr};
    std::unique_ptr<PostgresConnection> connection(
        new PostgresConnection(PQconnectdbParams(keys, values, 1)));
    if (PQstatus(connection->handle_) != CONNECTION_OK)
        return fail(ErrorCode::unavailable,
                    fmt::format("PostgreSQL: {}", PQerrorMessage(connection->handle_)));
    PQsetNoticeProcessor(connection->handle_, [](void*, const char*) {}, nullptr);
    return connection;
}

PostgresConnection::PostgresConnection(pg_conn* handle) : handle_(handle) {}

PostgresConnection::~PostgresConnection() {
    PQfinish(handle_);
}

bool PostgresConnection::is_broken() const {
    return PQstatus(handle_) != CONNECTION_OK;
}

Error PostgresConnection::error_of(const PGresult* result) {
    const char* field = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const std::string_view state = field == nullptr ? "" : field;
    if (state == "40001" || state == "40P01") may_run_again_ = true;
    // The primary message names tables and columns; the detail, with values, is left out.
    const char* primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    return {.code = code_of(state),
            .message = fmt::format("database: {}",
                                   primary == nullptr ? PQerrorMessage(handle_) : primary)};
}

Result<std::string> PostgresConnection::prepare(std::string_view sql, const Params& params) {
    std::vector<Oid> types;
    std::string key;
    for (const Value& value : params) {
        types.push_back(type_of(value));
        key.push_back(static_cast<char>('0' + value.index()));
    }
    key += ' ';
    key += sql;
    if (const auto found = statements_.find(key); found != statements_.end()) return found->second;
    if (parameters_in(sql) != params.size())
        return fail(ErrorCode::internal,
                    fmt::format("database: {} parameters given, statement has {}", params.size(),
                                parameters_in(sql)));
    if (statements_.size() >= kPreparedStatementsMax) {
        const ResultPtr dropped(PQexec(handle_, "DEALLOCATE ALL"));
        if (!succeeded(dropped.get())) return fail(error_of(dropped.get()));
        statements_.clear();
    }
    const std::string name = fmt::format("s{}", ++next_statement_);
    const ResultPtr prepared(PQprepare(handle_, name.c_str(), std::string(sql).c_str(),
                                       static_cast<int>(types.size()), types.data()));
    if (!succeeded(prepared.get())) return fail(error_of(prepared.get()));
    statements_.emplace(std::move(key), name);
    return name;
}

Result<pg_result*> PostgresConnection::run(std::string_view sql, const Params& params) {
    AC_TRY(const std::string name, prepare(sql, params));
    const std::size_t count = params.size();
    std::vector<std::string> texts(count);
    std::vector<const char*> data(count);
    std::vector<int> lengths(count);
    std::vector<int> formats(count);
    for (std::size_t i = 0; i < count; ++i)
        std::visit(Encoder{texts[i], data[i], lengths[i], formats[i]}, params[i]);
    ResultPtr result(PQexecPrepared(handle_, name.c_str(), static_cast<int>(count), data.data(),
                                    lengths.data(), formats.data(), 0));
    if (!succeeded(result.get())) return fail(error_of(result.get()));
    return result.release();
}

Result<Rows> PostgresConnection::query(std::string_view sql, const Params& params) {
    AC_TRY(pg_result * raw, run(sql, params));
    const ResultPtr result(raw);
    return rows_of(result.get());
}

Result<std::int64_t> PostgresConnection::execute(std::string_view sql, const Params& params) {
    AC_TRY(pg_result * raw, run(sql, params));
    const ResultPtr result(raw);
    if (PQresultStatus(result.get()) == PGRES_TUPLES_OK && PQcmdTuples(result.get())[0] == '\0')
        return 0;
    return std::strtoll(PQcmdTuples(result.get()), nullptr, 10);
}

Result<Rows> PostgresConnection::run_script(const std::string& sql) {
    const ResultPtr result(PQexec(handle_, sql.c_str()));
    if (!succeeded(result.get())) return fail(error_of(result.get()));
    return rows_of(result.get());
}

}  // namespace ac::storage
