// What PostgreSQL alone promises: it survives its server.
#include <gtest/gtest.h>

#include "storage/database.h"
#include "storage/testing/postgres_cluster.h"
#include "storage/testing/together.h"

namespace ac::storage {
namespace {

using testing::PostgresCluster;

constexpr Migration kTable{"test", 1, "CREATE TABLE item (id BIGINT PRIMARY KEY)"};

Task<std::int64_t> insert(Database& db, std::int64_t id) {
    auto work = [id](Transaction& tx) {
        return tx.execute("INSERT INTO item (id) VALUES ($1)", {id});
    };
    return db.write(std::move(work));
}

Task<Rows> count(Database& db) {
    auto work = [](Transaction& tx) { return tx.query("SELECT COUNT(*) FROM item"); };
    return db.read(std::move(work));
}

// A thread that has just found nobody waits a moment before it asks again.
Result<std::int64_t> insert_until_stored(Loop& loop, Database& db) {
    Result<std::int64_t> stored = fail(ErrorCode::unavailable, "not tried");
    for (int tries = 0; tries < 500 && !stored; ++tries) {
        ::poll(nullptr, 0, 10);
        stored = run_on(loop, insert(db, 10));
    }
    return stored;
}

TEST(postgres, nobody_listening_is_unavailable) {
    const auto opened = open_postgres({.conninfo = "host=/nonexistent dbname=none"});
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, ErrorCode::unavailable);
}

TEST(postgres, the_server_may_restart_and_what_was_acknowledged_is_there) {
    auto cluster = PostgresCluster::start();
    ASSERT_TRUE(cluster) << cluster.error().message;
    Loop loop;
    auto db = open_postgres({.conninfo = (*cluster)->create_database().value(), .connections = 2});
    ASSERT_TRUE(db) << db.error().message;
    ASSERT_TRUE(run_on(loop, (*db)->migrate({&kTable, 1})));
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(run_on(loop, insert(**db, i)));

    (*cluster)->stop_server();
    const auto refused = run_on(loop, insert(**db, 10));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::unavailable);

    ASSERT_TRUE((*cluster)->start_server());
    const Result<std::int64_t> stored = insert_until_stored(loop, **db);
    ASSERT_TRUE(stored) << stored.error().message;
    const auto rows = run_on(loop, count(**db));
    ASSERT_TRUE(rows) << rows.error().message;
    EXPECT_EQ(rows->at(0).integer(0), 11);
}

TEST(postgres, a_stale_connection_is_replaced_without_an_error) {
    auto cluster = PostgresCluster::start();
    ASSERT_TRUE(cluster) << cluster.error().message;
    Loop loop;
    auto db = open_postgres({.conninfo = (*cluster)->create_database().value(), .connections = 1});
    ASSERT_TRUE(run_on(loop, (*db)->migrate({&kTable, 1})));
    (*cluster)->stop_server();
    ASSERT_TRUE((*cluster)->start_server());
    const auto stored = run_on(loop, insert(**db, 1));
    EXPECT_TRUE(stored) << stored.error().message;
}

TEST(postgres, closing_with_the_server_gone_fails_what_was_queued) {
    auto cluster = PostgresCluster::start();
    ASSERT_TRUE(cluster) << cluster.error().message;
    Loop loop;
    auto db = open_postgres({.conninfo = (*cluster)->create_database().value(), .connections = 2});
    ASSERT_TRUE(run_on(loop, (*db)->migrate({&kTable, 1})));
    (*cluster)->stop_server();
    int failed = 0;
    const auto client = [&](int i) -> Detached {
        auto task = insert(**db, i);
        if (i == 63) db->reset();
        const auto result = co_await std::move(task);
        failed += !result && result.error().code == ErrorCode::unavailable ? 1 : 0;
    };
    testing::run_together(loop, 64, client);
    EXPECT_EQ(failed, 64);
}

}  // namespace
}  // namespace ac::storage
