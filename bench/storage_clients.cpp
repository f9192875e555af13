// Durable single-row writes by concurrent clients through storage::Database, for bench/storage.py.
//
//   storage_clients FOLDER CLIENTS SECONDS GROUP_MAX [POSTGRES_CONNINFO]
//
// Prints one JSON line. GROUP_MAX 1 is the peer: the same SQLite, one commit a row. Calls of
// fsync and fdatasync are counted by standing in for them.
#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <vector>

#include "async/run.h"
#include "async/task_group.h"
#include "base/clock.h"
#include "storage/database.h"

namespace {

std::atomic<std::uint64_t> syncs{0};

}  // namespace

extern "C" int fdatasync(int fd) {
    ++syncs;
    return static_cast<int>(::syscall(SYS_fdatasync, fd));
}
extern "C" int fsync(int fd) {
    ++syncs;
    return static_cast<int>(::syscall(SYS_fsync, fd));
}

namespace ac {
namespace {

constexpr storage::Migration kTable{
    "bench", 1, "CREATE TABLE event (id BIGINT PRIMARY KEY, session BIGINT, body BYTEA)"};
constexpr std::size_t kBodyBytes = 256;

struct Run {
    storage::Database& db;
    const SystemClock& clock;
    SteadyTime end;
    std::atomic<std::int64_t> next_id{0};
    std::vector<std::chrono::nanoseconds> latencies;
};

Detached client(Run& run, int session) {
    const std::string body(kBodyBytes, 'x');
    while (run.clock.steady() < run.end) {
        const auto started = run.clock.steady();
        auto work = [id = ++run.next_id, session, &body](storage::Transaction& tx) {
            return tx.execute("INSERT INTO event (id, session, body) VALUES ($1, $2, $3)",
                              {id, std::int64_t{session}, storage::Blob{body}});
        };
        const auto stored = co_await run.db.write(work);
        AC_ASSERT(stored.has_value());
        run.latencies.push_back(run.clock.steady() - started);
    }
}

Task<> join(TaskGroup& group) {
    co_return co_await group.join();
}

double micros(std::chrono::nanoseconds time) {
    return static_cast<double>(time.count()) / 1000.0;
}

int measure(int argc, char** argv) {
    if (argc < 5) return 2;
    const std::string folder = argv[1];
    const int clients = std::atoi(argv[2]);
    const Seconds duration{std::atoi(argv[3])};
    const auto group_max = static_cast<std::size_t>(std::atoi(argv[4]));
    Loop loop;
    const SystemClock clock;
    auto opened =
        argc > 5 ? storage::open_postgres({.conninfo = argv[5], .connections = 64})
                 : storage::open_sqlite({.path = folder + fmt::format("/bench-{}.db", group_max),
                                         .group_transactions_max = group_max});
    AC_ASSERT(opened.has_value());
    storage::Database& db = **opened;
    AC_ASSERT(run_on(loop, db.migrate({&kTable, 1})).has_value());

    const auto before = db.statistics();
    const std::uint64_t syncs_before = syncs;
    const auto started = clock.steady();
    Run run{.db = db, .clock = clock, .end = started + duration};
    TaskGroup group(loop.executor());
    for (int i = 0; i < clients; ++i) group.spawn("client", client(run, i));
    AC_ASSERT(run_on(loop, join(group)).has_value());
    const double seconds = std::chrono::duration<double>(clock.steady() - started).count();
    const auto after = db.statistics();

    std::ranges::sort(run.latencies);
    const auto at = [&](double quantile) {
        return micros(run.latencies[static_cast<std::size_t>(
            quantile * static_cast<double>(run.latencies.size() - 1))]);
    };
    const std::uint64_t writes = after.transactions - before.transactions;
    const std::string line = fmt::format(
        R"({{"writes": {}, "seconds": {:.3f}, "p50_us": {:.1f}, "p99_us": {:.1f}, )"
        R"("commits": {}, "syncs": {}}})"
        "\n",
        writes, seconds, at(0.5), at(0.99), after.commits - before.commits, syncs - syncs_before);
    return ::write(STDOUT_FILENO, line.data(), line.size()) > 0 ? 0 : 1;
}

}  // namespace
}  // namespace ac

int main(int argc, char** argv) {
    return ac::measure(argc, argv);
}
