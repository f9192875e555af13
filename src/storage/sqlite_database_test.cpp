// What SQLite alone promises: group commit, and that acknowledged rows survive kill -9 and a full
// disk.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>

#include "base/file.h"
#include "base/random.h"
#include "storage/database.h"
#include "storage/testing/temporary_folder.h"
#include "storage/testing/together.h"

namespace ac::storage {
namespace {

using testing::run_together;
using testing::TemporaryFolder;

constexpr Migration kTable{"test", 1, "CREATE TABLE item (id BIGINT PRIMARY KEY, body BYTEA)"};

std::unique_ptr<Database> open_at(const std::string& path) {
    auto db = open_sqlite({.path = path});
    EXPECT_TRUE(db) << db.error().message;
    return *std::move(db);
}

Task<std::int64_t> insert(Database& db, std::int64_t id, std::size_t body_bytes) {
    auto work = [id, body_bytes](Transaction& tx) {
        return tx.execute("INSERT INTO item (id, body) VALUES ($1, $2)",
                          {id, Blob{std::string(body_bytes, 'x')}});
    };
    return db.write(std::move(work));
}

std::vector<std::int64_t> stored_ids(Loop& loop, Database& db) {
    auto work = [](Transaction& tx) { return tx.query("SELECT id FROM item ORDER BY id"); };
    const auto rows = run_on(loop, db.read(work));
    EXPECT_TRUE(rows) << rows.error().message;
    std::vector<std::int64_t> ids;
    for (const Row& row : *rows) ids.push_back(row.integer(0));
    return ids;
}

TEST(sqlite, sixty_four_writers_share_their_commits) {
    const TemporaryFolder folder;
    Loop loop;
    const auto db = open_at(folder.path() / "test.db");
    ASSERT_TRUE(run_on(loop, db->migrate({&kTable, 1})));
    const auto before = db->statistics();
    const auto client = [&](int i) -> Detached {
        for (int n = 0; n < 50; ++n) EXPECT_TRUE(co_await insert(*db, i * 1000 + n, 100));
    };
    run_together(loop, 64, client);
    const auto after = db->statistics();
    EXPECT_EQ(after.transactions - before.transactions, 3200u);
    EXPECT_LT((after.commits - before.commits) * 20, 3200u);
}

TEST(sqlite, what_is_not_a_database_is_unavailable) {
    const TemporaryFolder folder;
    std::ofstream(folder.path() / "test.db") << std::string(8192, 'x');
    const auto opened = open_sqlite({.path = folder.path() / "test.db"});
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, ErrorCode::unavailable);
    EXPECT_FALSE(open_sqlite({.path = folder.path() / "no" / "such" / "folder.db"}));
}

// A file size limit stands in for the full disk: the log cannot grow.
TEST(sqlite, a_full_disk_is_unavailable_loses_nothing_acknowledged_and_passes) {
    const TemporaryFolder folder;
    Loop loop;
    auto db = open_at(folder.path() / "test.db");
    ASSERT_TRUE(run_on(loop, db->migrate({&kTable, 1})));
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    rlimit small = before;
    small.rlim_cur = 400 * 1024;
    std::vector<std::int64_t> acknowledged;
    int refused = 0;
    const auto client = [&](int i) -> Detached {
        for (int n = 0; n < 20; ++n) {
            const std::int64_t id = i * 1000 + n;
            const auto result = co_await insert(*db, id, 10'000);
            if (result) acknowledged.push_back(id);
            if (!result) ++refused;
            EXPECT_TRUE(result || result.error().code == ErrorCode::unavailable);
        }
    };
    ::setrlimit(RLIMIT_FSIZE, &small);
    run_together(loop, 16, client);
    ::setrlimit(RLIMIT_FSIZE, &before);
    EXPECT_GT(refused, 0);
    EXPECT_GT(acknowledged.size(), 0u);
    EXPECT_TRUE(run_on(loop, insert(*db, 1'000'000, 10'000)));
    acknowledged.push_back(1'000'000);
    db.reset();
    db = open_at(folder.path() / "test.db");
    std::ranges::sort(acknowledged);
    EXPECT_EQ(stored_ids(loop, *db), acknowledged);
}

// Not a test: the program that acknowledged_rows_survive_kill_9 starts and kills. It prints the id
// of each row that was acknowledged.
TEST(sqlite_child, DISABLED_writes_rows_until_killed) {
    const char* path = std::getenv("AC_CRASH_TEST_DB");
    ASSERT_NE(path, nullptr);
    const int out = STDOUT_FILENO;
    Loop loop;
    const auto db = open_at(path);
    ASSERT_TRUE(run_on(loop, db->migrate({&kTable, 1})));
    const auto first = static_cast<std::int64_t>(stored_ids(loop, *db).size()) * 1'000'000;
    const auto client = [&](int i) -> Detached {
        for (std::int64_t n = 0; n < 100'000; ++n) {
            const std::int64_t id = first + n * 16 + i;
            if (!co_await insert(*db, id, 500)) continue;
            const std::string line = "row " + std::to_string(id) + "\n";
            if (::write(out, line.data(), line.size()) < 0) co_return;
        }
    };
    run_together(loop, 16, client);
}

pid_t start_child(const std::string& database, const std::string& output) {
    const std::string variable = "AC_CRASH_TEST_DB=" + database;
    std::vector<char*> environment = {const_cast<char*>(variable.c_str()), nullptr};
    const char* argv[] = {"/proc/self/exe", "--gtest_also_run_disabled_tests",
                          "--gtest_filter=sqlite_child.*", nullptr};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                     0600);
    pid_t child = -1;
    const int error = ::posix_spawn(&child, argv[0], &actions, nullptr, const_cast<char**>(argv),
                                    environment.data());
    posix_spawn_file_actions_destroy(&actions);
    EXPECT_EQ(error, 0);
    return child;
}

std::vector<std::int64_t> acknowledged_in(const std::string& output) {
    std::vector<std::int64_t> ids;
    std::ifstream in(output);
    for (std::string line; std::getline(in, line);)
        if (line.starts_with("row ") && !in.eof()) ids.push_back(std::stoll(line.substr(4)));
    return ids;
}

TEST(sqlite, acknowledged_rows_survive_kill_9) {
    const TemporaryFolder folder;
    const std::string path = folder.path() / "test.db";
    const std::string output = folder.path() / "out";
    SystemRandom random;
    for (int round = 0; round < 5; ++round) {
        const pid_t child = start_child(path, output);
        // Lets it acknowledge a random number of rows more, then kills it in the middle of things.
        std::byte pick{};
        random.fill({&pick, 1});
        const auto enough =
            acknowledged_in(output).size() + 20 + std::to_integer<std::size_t>(pick);
        while (acknowledged_in(output).size() < enough && ::kill(child, 0) == 0)
            ::poll(nullptr, 0, 2);
        ::kill(child, SIGKILL);
        int status = 0;
        ::waitpid(child, &status, 0);
        ASSERT_TRUE(WIFSIGNALED(status));

        Loop loop;
        const auto db = open_at(path);
        const auto stored = stored_ids(loop, *db);
        for (const std::int64_t id : acknowledged_in(output))
            EXPECT_TRUE(std::ranges::binary_search(stored, id)) << id;
    }
}

}  // namespace
}  // namespace ac::storage
