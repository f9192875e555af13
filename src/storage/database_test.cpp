// The contract of storage::Database, run against both back ends.
#include "storage/database.h"

#include <gtest/gtest.h>

#include <limits>

#include "storage/testing/postgres_cluster.h"
#include "storage/testing/temporary_folder.h"
#include "storage/testing/together.h"

namespace ac::storage {
namespace {

using testing::PostgresCluster;
using testing::run_together;
using testing::TemporaryFolder;

enum class Backend { sqlite, postgres };

// One server for the program; each test has a database of its own.
Result<std::string> new_postgres_database() {
    static auto cluster = PostgresCluster::start();
    if (!cluster) return std::unexpected(cluster.error());
    return (*cluster)->create_database();
}

class DatabaseTest : public ::testing::TestWithParam<Backend> {
  protected:
    void SetUp() override {
        if (GetParam() == Backend::postgres) {
            auto conninfo = new_postgres_database();
            ASSERT_TRUE(conninfo) << conninfo.error().message;
            conninfo_ = *conninfo;
        }
        db_ = open();
        ASSERT_TRUE(db_);
        const Migration table{"test", 1,
                              "CREATE TABLE item (id BIGINT PRIMARY KEY, name TEXT, ratio DOUBLE "
                              "PRECISION, body BYTEA);"
                              "CREATE TABLE part (item BIGINT NOT NULL REFERENCES item (id))"};
        const auto migrated = run_on(loop_, db_->migrate({&table, 1}));
        ASSERT_TRUE(migrated) << migrated.error().message;
    }

    std::unique_ptr<Database> open() {
        auto opened = GetParam() == Backend::sqlite
                          ? open_sqlite({.path = (folder_.path() / "test.db").string()})
                          : open_postgres({.conninfo = conninfo_, .connections = 8});
        EXPECT_TRUE(opened) << opened.error().message;
        return opened ? *std::move(opened) : nullptr;
    }

    template <class Work>
    auto write(Work work) {
        return run_on(loop_, db_->write(std::move(work)));
    }
    template <class Work>
    auto read(Work work) {
        return run_on(loop_, db_->read(std::move(work)));
    }
    Result<std::int64_t> insert(std::int64_t id) {
        return write([id](Transaction& tx) {
            return tx.execute("INSERT INTO item (id, name) VALUES ($1, $2)",
                              {id, "item " + std::to_string(id)});
        });
    }
    std::int64_t count() {
        auto rows = read([](Transaction& tx) { return tx.query("SELECT COUNT(*) FROM item"); });
        EXPECT_TRUE(rows) << rows.error().message;
        return rows ? rows->at(0).integer(0) : -1;
    }

    Loop loop_;
    Loop other_loop_;
    TemporaryFolder folder_;
    std::string conninfo_;
    std::unique_ptr<Database> db_;
};

INSTANTIATE_TEST_SUITE_P(backends, DatabaseTest,
                         ::testing::Values(Backend::sqlite, Backend::postgres), [](auto& info) {
                             return info.param == Backend::sqlite ? "sqlite" : "postgres";
                         });

TEST_P(DatabaseTest, every_type_comes_back_as_it_was_stored) {
    std::string bytes;
    for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
    const std::vector<Params> rows = {
        {std::int64_t{1}, std::string("grüße \xF0\x9F\x98\x80"), 0.1, Blob{bytes}},
        {std::numeric_limits<std::int64_t>::max(), std::string(), -1e300, Blob{}},
        {std::numeric_limits<std::int64_t>::min(), std::monostate{}, std::monostate{},
         std::monostate{}}};
    for (const Params& row : rows) {
        const auto stored = write([&row](Transaction& tx) {
            return tx.execute("INSERT INTO item (id, name, ratio, body) VALUES ($1, $2, $3, $4)",
                              row);
        });
        ASSERT_TRUE(stored) << stored.error().message;
        EXPECT_EQ(*stored, 1);
        const auto found = read([&row](Transaction& tx) {
            return tx.query("SELECT id, name, ratio, body FROM item WHERE id = $1", {row[0]});
        });
        ASSERT_TRUE(found) << found.error().message;
        ASSERT_EQ(found->size(), 1u);
        for (std::size_t i = 0; i < row.size(); ++i) EXPECT_EQ(found->at(0).value(i), row[i]) << i;
    }
}

TEST_P(DatabaseTest, an_error_of_the_work_rolls_back_and_is_passed_on) {
    const auto result = write([](Transaction& tx) -> Result<> {
        AC_CHECK(tx.execute("INSERT INTO item (id) VALUES (1)"));
        return fail(ErrorCode::quota_exceeded, "no more items");
    });
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::quota_exceeded);
    EXPECT_EQ(count(), 0);
}

TEST_P(DatabaseTest, an_exception_is_an_internal_error_and_rolls_back) {
    const auto result = write([](Transaction& tx) -> Result<> {
        AC_CHECK(tx.execute("INSERT INTO item (id) VALUES (1)"));
        throw std::runtime_error("a bug");
    });
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::internal);
    EXPECT_EQ(count(), 0);
}

TEST_P(DatabaseTest, a_duplicate_key_is_a_conflict) {
    ASSERT_TRUE(insert(1));
    const auto again = insert(1);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, ErrorCode::conflict);
}

TEST_P(DatabaseTest, a_broken_reference_is_a_conflict) {
    const auto result =
        write([](Transaction& tx) { return tx.execute("INSERT INTO part (item) VALUES (404)"); });
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::conflict);
}

TEST_P(DatabaseTest, wrong_sql_is_internal) {
    const auto result = write([](Transaction& tx) { return tx.execute("INSERT INTO nowhere"); });
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::internal);
    ASSERT_TRUE(insert(1));
}

TEST_P(DatabaseTest, a_wrong_number_of_parameters_is_internal) {
    for (const Params& params : {Params{}, Params{std::int64_t{1}, std::int64_t{2}}}) {
        const auto result = write([&params](Transaction& tx) {
            return tx.execute("INSERT INTO item (id) VALUES ($1)", params);
        });
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, ErrorCode::internal);
    }
    EXPECT_EQ(count(), 0);
}

TEST_P(DatabaseTest, after_a_failed_statement_nothing_is_stored_whatever_the_work_returns) {
    ASSERT_TRUE(insert(1));
    const auto result = write([](Transaction& tx) -> Result<> {
        AC_CHECK(tx.execute("INSERT INTO item (id) VALUES (2)"));
        EXPECT_FALSE(tx.execute("INSERT INTO item (id) VALUES (1)"));
        EXPECT_FALSE(tx.execute("INSERT INTO item (id) VALUES (3)"));
        return {};
    });
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::conflict);
    EXPECT_EQ(count(), 1);
}

TEST_P(DatabaseTest, text_must_be_utf8_without_nul) {
    for (const std::string& text : {std::string("a\0b", 3), std::string("\xFF")}) {
        const auto result = write([&text](Transaction& tx) {
            return tx.execute("INSERT INTO item (id, name) VALUES (1, $1)", {text});
        });
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, ErrorCode::invalid_argument);
    }
}

TEST_P(DatabaseTest, a_parameter_may_be_used_twice_and_out_of_order) {
    const auto rows = read([](Transaction& tx) {
        return tx.query("SELECT CAST($2 AS BIGINT), $1, CAST($2 AS BIGINT) + 1",
                        {std::string("x"), std::int64_t{41}});
    });
    ASSERT_TRUE(rows) << rows.error().message;
    EXPECT_EQ(rows->at(0).integer(0), 41);
    EXPECT_EQ(rows->at(0).text(1), "x");
    EXPECT_EQ(rows->at(0).integer(2), 42);
}

TEST_P(DatabaseTest, upsert_and_returning_work_and_changes_are_counted) {
    const auto upsert = [](Transaction& tx) {
        return tx.query(
            "INSERT INTO item (id, name) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET name = "
            "item.name || $1 RETURNING name",
            {std::string("a")});
    };
    EXPECT_EQ(write(upsert)->at(0).text(0), "a");
    EXPECT_EQ(write(upsert)->at(0).text(0), "aa");
    ASSERT_TRUE(insert(2));
    EXPECT_EQ(*write([](Transaction& tx) { return tx.execute("DELETE FROM item"); }), 2);
    EXPECT_EQ(*write([](Transaction& tx) { return tx.execute("DELETE FROM item"); }), 0);
}

TEST_P(DatabaseTest, a_read_cannot_write) {
    const auto result =
        read([](Transaction& tx) { return tx.execute("INSERT INTO item (id) VALUES (1)"); });
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::internal);
    EXPECT_EQ(count(), 0);
}

TEST_P(DatabaseTest, one_failing_transaction_among_many_costs_the_others_nothing) {
    int stored = 0;
    int refused = 0;
    const auto client = [&](int i) -> Detached {
        const std::int64_t id = i % 2 == 0 ? i : -1;  // every odd one but the first collides
        auto work = [id](Transaction& tx) {
            return tx.execute("INSERT INTO item (id) VALUES ($1)", {id});
        };
        const auto result = co_await db_->write(work);
        (result ? stored : refused)++;
    };
    run_together(loop_, 64, client);
    EXPECT_EQ(stored, 33);
    EXPECT_EQ(refused, 31);
    EXPECT_EQ(count(), 33);
}

TEST_P(DatabaseTest, what_a_transaction_wrote_before_it_failed_goes_alone) {
    int stored = 0;
    const auto client = [&](int i) -> Detached {
        auto work = [i](Transaction& tx) -> Result<> {
            AC_CHECK(tx.execute("INSERT INTO item (id) VALUES ($1)", {std::int64_t{i}}));
            if (i % 2 == 1) return fail(ErrorCode::not_found, "no");
            return {};
        };
        if (co_await db_->write(work)) ++stored;
    };
    run_together(loop_, 64, client);
    EXPECT_EQ(stored, 32);
    const auto kept = read([](Transaction& tx) { return tx.query("SELECT id FROM item"); });
    ASSERT_TRUE(kept);
    EXPECT_EQ(kept->size(), 32);
    for (const Row& row : *kept) EXPECT_EQ(row.integer(0) % 2, 0);
}

TEST_P(DatabaseTest, concurrent_increments_are_not_lost) {
    ASSERT_TRUE(insert(0));
    ASSERT_TRUE(write([](Transaction& tx) { return tx.execute("UPDATE item SET ratio = 0"); }));
    int stored = 0;
    const auto client = [&](int) -> Detached {
        for (int i = 0; i < 5; ++i) {
            auto work = [](Transaction& tx) -> Result<> {
                AC_TRY(const Rows rows, tx.query("SELECT ratio FROM item WHERE id = 0"));
                AC_CHECK(
                    tx.execute("UPDATE item SET ratio = $1 WHERE id = 0", {rows[0].real(0) + 1}));
                return {};
            };
            const auto result = co_await db_->write(work);
            if (result) ++stored;
            EXPECT_TRUE(result || result.error().code == ErrorCode::busy) << result.error().message;
        }
    };
    run_together(loop_, 16, client);
    const auto rows =
        read([](Transaction& tx) { return tx.query("SELECT ratio FROM item WHERE id = 0"); });
    EXPECT_EQ(rows->at(0).real(0), stored);
    EXPECT_GT(stored, 40);
}

TEST_P(DatabaseTest, a_read_sees_every_acknowledged_write_and_one_snapshot) {
    for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(insert(i));
        ASSERT_EQ(count(), i + 1);
    }
    const auto counts =
        read([this](Transaction& tx) -> Result<std::pair<std::int64_t, std::int64_t>> {
            AC_TRY(const Rows before, tx.query("SELECT COUNT(*) FROM item"));
            auto work = [](Transaction& w) { return w.execute("DELETE FROM item"); };
            EXPECT_TRUE(run_on(other_loop_, db_->write(work)));
            AC_TRY(const Rows after, tx.query("SELECT COUNT(*) FROM item"));
            return std::pair(before[0].integer(0), after[0].integer(0));
        });
    ASSERT_TRUE(counts) << counts.error().message;
    EXPECT_EQ(counts->first, 20);
    EXPECT_EQ(counts->second, 20);
    EXPECT_EQ(count(), 0);
}

TEST_P(DatabaseTest, statistics_count_committed_transactions) {
    const auto before = db_->statistics();
    ASSERT_TRUE(insert(1));
    ASSERT_FALSE(insert(1));
    const auto after = db_->statistics();
    EXPECT_EQ(after.transactions - before.transactions, 1u);
    EXPECT_EQ(after.commits - before.commits, 1u);
}

TEST_P(DatabaseTest, closing_finishes_what_was_queued) {
    int answered = 0;
    const auto client = [&](int i) -> Detached {
        auto work = [i](Transaction& tx) {
            return tx.execute("INSERT INTO item (id) VALUES ($1)", {std::int64_t{i}});
        };
        auto task = db_->write(work);
        if (i == 63) db_.reset();
        EXPECT_TRUE(co_await std::move(task));
        ++answered;
    };
    run_together(loop_, 64, client);
    EXPECT_EQ(answered, 64);
    db_ = open();
    EXPECT_EQ(count(), 64);
}

TEST_P(DatabaseTest, migrations_run_once_and_in_order_of_module_and_version) {
    const std::vector<Migration> migrations = {
        {"b", 2, "INSERT INTO log (step) VALUES ('b2')"},
        {"a", 1, "CREATE TABLE log (step TEXT)"},
        {"b", 1, "INSERT INTO log (step) VALUES ('b1'); INSERT INTO log (step) VALUES ('b1+')"}};
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(run_on(loop_, db_->migrate(migrations)));
    const auto rows = read([](Transaction& tx) { return tx.query("SELECT step FROM log"); });
    ASSERT_EQ(rows->size(), 3u);
    EXPECT_EQ(rows->at(0).text(0), "b1");
    EXPECT_EQ(rows->at(2).text(0), "b2");
}

TEST_P(DatabaseTest, a_migration_that_fails_leaves_nothing_and_can_be_mended) {
    Migration step{"c", 1, "CREATE TABLE half (id BIGINT); INSERT INTO missing VALUES (1)"};
    const auto failed = run_on(loop_, db_->migrate({&step, 1}));
    ASSERT_FALSE(failed);
    EXPECT_NE(failed.error().message.find("migration c 1"), std::string::npos);
    step.sql = "CREATE TABLE half (id BIGINT)";
    EXPECT_TRUE(run_on(loop_, db_->migrate({&step, 1})));
}

TEST_P(DatabaseTest, migrations_with_gaps_or_from_a_newer_program_are_refused) {
    const std::vector<Migration> gap = {{"d", 1, "SELECT 1"}, {"d", 3, "SELECT 1"}};
    const auto refused = run_on(loop_, db_->migrate(gap));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::internal);

    const std::vector<Migration> two = {{"d", 1, "SELECT 1"}, {"d", 2, "SELECT 1"}};
    ASSERT_TRUE(run_on(loop_, db_->migrate(two)));
    const auto older = run_on(loop_, db_->migrate({two.data(), 1}));
    ASSERT_FALSE(older);
    EXPECT_EQ(older.error().code, ErrorCode::conflict);
}

TEST_P(DatabaseTest, daemons_that_start_together_migrate_once) {
    const auto other = open();
    const std::vector<Migration> steps = {{"e", 1, "CREATE TABLE once (id BIGINT)"},
                                          {"e", 2, "INSERT INTO once (id) VALUES (1)"}};
    const auto client = [&](int i) -> Detached {
        const auto migrated = co_await (i == 0 ? *db_ : *other).migrate(steps);
        EXPECT_TRUE(migrated) << migrated.error().message;
    };
    run_together(loop_, 2, client);
    const auto rows = read([](Transaction& tx) { return tx.query("SELECT COUNT(*) FROM once"); });
    EXPECT_EQ(rows->at(0).integer(0), 1);
}

}  // namespace
}  // namespace ac::storage
