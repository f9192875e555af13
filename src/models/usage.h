#pragma once
// Who used which model how much. Counts live in memory and go to the database every few seconds as
// daily sums (account, runtime, session, model); a crash loses what was not written yet, which is a
// few seconds of statistics, and costs no request anything. Thread-safe.

#include <boost/json/object.hpp>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "async/task.h"
#include "async/timer.h"
#include "models/service.h"
#include "storage/database.h"

namespace ac::models {

// One call's end.
struct CallRecord {
    Caller caller;
    std::string model;     // as the caller named it
    std::string provider;  // empty: no provider took it
    Usage usage;
    Milliseconds latency{0};      // to the end of the answer
    Milliseconds first_event{0};  // until it began
    std::int64_t nano_dollars = 0;
    bool failed = false;
};

struct UsageSum {
    std::int64_t requests = 0;
    std::int64_t errors = 0;
    Usage usage;
    std::int64_t latency_ms = 0;      // of all requests together
    std::int64_t first_event_ms = 0;  // of the same
    std::int64_t nano_dollars = 0;

    UsageSum& operator+=(const UsageSum& other);
};

struct UsageKey {
    std::int64_t day = 0;  // since the epoch, UTC
    std::string account;
    std::string runtime;
    std::string session;
    std::string model;
    std::string provider;
    friend auto operator<=>(const UsageKey&, const UsageKey&) = default;
};

struct UsageQuery {
    std::string account;  // only of this account
    int days = 1;         // today and the days before it
    // Which labels to keep; the others are summed up.
    bool by_model = true;
    bool by_runtime = false;
    bool by_session = false;
    std::string runtime;  // only of this runtime; empty: all
    std::string session;
};

using UsageRows = std::vector<std::pair<UsageKey, UsageSum>>;

class UsageBook final {
  public:
    // Both outlive the book.
    UsageBook(storage::Database& database, Timer& timer);

    static std::span<const storage::Migration> migrations();

    void record(const CallRecord& call);
    // Writes what is not written yet.
    Task<> flush();
    // What is written and what is not, together; flushes first. At most kUsageRowsMax rows, the
    // most used first.
    Task<UsageRows> report(UsageQuery query);
    // Flushes every few seconds until it is cancelled.
    Detached run();

    // Since the start, by (model, provider), for /metrics.
    std::vector<std::pair<UsageKey, UsageSum>> totals() const;

  private:
    storage::Database& database_;
    Timer& timer_;
    mutable std::mutex mutex_;
    std::map<UsageKey, UsageSum> pending_;
    std::map<UsageKey, UsageSum> totals_;
};

}  // namespace ac::models
