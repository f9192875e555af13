#include "models/usage.h"

#include <array>

#include "base/log.h"
#include "models/limits.h"

namespace ac::models {
namespace {

using storage::Params;
using storage::Transaction;

constexpr Seconds kFlushEvery{5};
constexpr std::int64_t kDayMs = 86'400'000;

constexpr std::array<storage::Migration, 1> kMigrations = {
    {{.module = "models", .version = 1, .sql = R"(
CREATE TABLE models_usage (
    day BIGINT NOT NULL, account TEXT NOT NULL, runtime TEXT NOT NULL, session TEXT NOT NULL,
    model TEXT NOT NULL, provider TEXT NOT NULL, requests BIGINT NOT NULL, errors BIGINT NOT NULL,
    input_tokens BIGINT NOT NULL, output_tokens BIGINT NOT NULL, cache_read BIGINT NOT NULL,
    cache_write BIGINT NOT NULL, latency_ms BIGINT NOT NULL, first_event_ms BIGINT NOT NULL,
    nano_dollars BIGINT NOT NULL,
    PRIMARY KEY (account, day, runtime, session, model, provider)))"}}};

constexpr std::string_view kAdd = R"(
INSERT INTO models_usage (day, account, runtime, session, model, provider, requests, errors,
    input_tokens, output_tokens, cache_read, cache_write, latency_ms, first_event_ms, nano_dollars)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
ON CONFLICT (account, day, runtime, session, model, provider) DO UPDATE SET
    requests = models_usage.requests + excluded.requests,
    errors = models_usage.errors + excluded.errors,
    input_tokens = models_usage.input_tokens + excluded.input_tokens,
    output_tokens = models_usage.output_tokens + excluded.output_tokens,
    cache_read = models_usage.cache_read + excluded.cache_read,
    cache_write = models_usage.cache_write + excluded.cache_write,
    latency_ms = models_usage.latency_ms + excluded.latency_ms,
    first_event_ms = models_usage.first_event_ms + excluded.first_event_ms,
    nano_dollars = models_usage.nano_dollars + excluded.nano_dollars)";

Params params_of(const UsageKey& key, const UsageSum& sum) {
    return {key.day,
            key.account,
            key.runtime,
            key.session,
            key.model,
            key.provider,
            sum.requests,
            sum.errors,
            sum.usage.input_tokens,
            sum.usage.output_tokens,
            sum.usage.cache_read_input_tokens,
            sum.usage.cache_write_input_tokens,
            sum.latency_ms,
            sum.first_event_ms,
            sum.nano_dollars};
}

UsageSum sum_of(const storage::Row& row, std::size_t first) {
    UsageSum sum;
    sum.requests = row.integer(first);
    sum.errors = row.integer(first + 1);
    sum.usage = {.input_tokens = row.integer(first + 2),
                 .output_tokens = row.integer(first + 3),
                 .cache_read_input_tokens = row.integer(first + 4),
                 .cache_write_input_tokens = row.integer(first + 5)};
    sum.latency_ms = row.integer(first + 6);
    sum.first_event_ms = row.integer(first + 7);
    sum.nano_dollars = row.integer(first + 8);
    return sum;
}

// PostgreSQL's sums of BIGINT are NUMERIC: cast back.
std::string report_sql(const UsageQuery& query) {
    std::string labels;
    const auto add = [&](bool wanted, std::string_view column) {
        if (!labels.empty()) labels += ", ";
        labels += wanted ? std::string(column) : "'' AS " + std::string(column);
    };
    add(query.by_runtime, "runtime");
    add(query.by_session, "session");
    add(query.by_model, "model");
    add(query.by_model, "provider");
    std::string sums;
    for (const std::string_view column :
         {"requests", "errors", "input_tokens", "output_tokens", "cache_read", "cache_write",
          "latency_ms", "first_event_ms", "nano_dollars"})
        sums += ", CAST(SUM(" + std::string(column) + ") AS BIGINT)";
    return "SELECT " + labels + sums +
           " FROM models_usage WHERE account = $1 AND day >= $2 AND ($3 = '' OR runtime = $3) AND "
           "($4 = '' OR session = $4) GROUP BY 1, 2, 3, 4 ORDER BY 7 DESC, 1, 2, 3, 4 LIMIT $5";
}

// A key's texts come from callers: what the store refuses would lose the whole batch.
std::string storable(std::string_view text) {
    constexpr std::size_t kLabelBytesMax = 256;
    std::string out(text.substr(0, kLabelBytesMax));
    for (char& c : out)
        if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = '?';
    return out;
}

}  // namespace

UsageSum& UsageSum::operator+=(const UsageSum& other) {
    requests += other.requests;
    errors += other.errors;
    usage.input_tokens += other.usage.input_tokens;
    usage.output_tokens += other.usage.output_tokens;
    usage.cache_read_input_tokens += other.usage.cache_read_input_tokens;
    usage.cache_write_input_tokens += other.usage.cache_write_input_tokens;
    latency_ms += other.latency_ms;
    first_event_ms += other.first_event_ms;
    nano_dollars += other.nano_dollars;
    return *this;
}

UsageBook::UsageBook(storage::Database& database, Timer& timer)
    : database_(database), timer_(timer) {}

std::span<const storage::Migration> UsageBook::migrations() {
    return kMigrations;
}

void UsageBook::record(const CallRecord& call) {
    const UsageSum sum{.requests = 1,
                       .errors = call.failed ? 1 : 0,
                       .usage = call.usage,
                       .latency_ms = call.latency.count(),
                       .first_event_ms = call.first_event.count(),
                       .nano_dollars = call.nano_dollars};
    UsageKey key{.day = to_epoch_ms(timer_.clock().wall()) / kDayMs,
                 .account = storable(call.caller.account),
                 .runtime = storable(call.caller.runtime),
                 .session = storable(call.caller.session),
                 .model = storable(call.model),
                 .provider = storable(call.provider)};
    UsageKey total{.model = key.model, .provider = key.provider};
    const std::lock_guard lock(mutex_);
    // Model ids are whatever callers write: past the bound they count as one.
    if (!totals_.contains(total) && totals_.size() >= kUsageModelsMax) total.model = kOtherModels;
    totals_[total] += sum;
    if (pending_.size() >= kUsagePendingMax) {
        key.session.clear();
        key.model = total.model;
    }
    pending_[key] += sum;
}

Task<> UsageBook::flush() {
    std::map<UsageKey, UsageSum> batch;
    {
        const std::lock_guard lock(mutex_);
        batch.swap(pending_);
    }
    if (batch.empty()) co_return Result<>{};
    auto add = [&batch](Transaction& tx) -> Result<> {
        for (const auto& [key, sum] : batch) {
            AC_TRY(const auto changed, tx.execute(kAdd, params_of(key, sum)));
            AC_ASSERT(changed == 1);
        }
        return {};
    };
    const auto written = co_await database_.write(add);
    if (written) co_return Result<>{};
    const std::lock_guard lock(mutex_);
    for (const auto& [key, sum] : batch) pending_[key] += sum;
    co_return fail(written.error());
}

Task<UsageRows> UsageBook::report(UsageQuery query) {
    AC_CO_CHECK(co_await flush());
    const std::int64_t today = to_epoch_ms(timer_.clock().wall()) / kDayMs;
    const std::string sql = report_sql(query);
    const Params params{query.account, today - query.days + 1, query.runtime, query.session,
                        static_cast<std::int64_t>(kUsageRowsMax)};
    auto read = [&](Transaction& tx) -> Result<storage::Rows> { return tx.query(sql, params); };
    AC_CO_TRY(const auto rows, co_await database_.read(read));
    UsageRows out;
    for (const storage::Row& row : rows) {
        UsageKey key{.account = query.account,
                     .runtime = row.text(0),
                     .session = row.text(1),
                     .model = row.text(2),
                     .provider = row.text(3)};
        out.emplace_back(std::move(key), sum_of(row, 4));
    }
    co_return out;
}

Detached UsageBook::run() {
    while (co_await sleep_for(timer_, kFlushEvery)) {
        const auto flushed = co_await flush();
        if (!flushed)
            AC_LOG(warn, "model usage was not written", {"reason", flushed.error().message});
    }
}

std::vector<std::pair<UsageKey, UsageSum>> UsageBook::totals() const {
    const std::lock_guard lock(mutex_);
    return {totals_.begin(), totals_.end()};
}

}  // namespace ac::models
