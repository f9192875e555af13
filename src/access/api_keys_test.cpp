#include "access/api_keys.h"

#include <gtest/gtest.h>

#include "async/manual_timer.h"
#include "async/run.h"
#include "storage/testing/temporary_folder.h"

namespace ac::access {
namespace {

class ApiKeysTest : public ::testing::Test {
  protected:
    ApiKeysTest() { EXPECT_TRUE(await(database_->migrate(ApiKeys::migrations()))); }

    template <class T>
    Result<T> await(Task<T> task) {
        return run_on(loop_, std::move(task));
    }
    NewApiKey create(std::string name = "laptop") {
        auto made = await(keys_.create("111122223333", "AKIAROOT", std::move(name)));
        EXPECT_TRUE(made) << made.error().message;
        return *made;
    }

    Loop loop_;
    ManualTimer timer_;
    SystemRandom random_;
    storage::testing::TemporaryFolder folder_;
    std::unique_ptr<storage::Database> database_ =
        *storage::open_sqlite({.path = (folder_.path() / "test.db").string()});
    ApiKeys keys_{*database_, random_, timer_.clock()};
};

TEST_F(ApiKeysTest, a_key_is_found_by_its_secret_alone) {
    const auto made = create();
    EXPECT_TRUE(made.secret.starts_with("acm-"));
    const auto found = await(keys_.find(made.secret));
    ASSERT_TRUE(found && *found);
    EXPECT_EQ((*found)->access_key_id, "AKIAROOT");
    EXPECT_EQ((*found)->account, "111122223333");
    for (const std::string& wrong : {std::string("acm-"), made.secret + "x", made.key.id,
                                     std::string("sk-something"), std::string()}) {
        const auto none = await(keys_.find(wrong));
        ASSERT_TRUE(none);
        EXPECT_FALSE(*none) << wrong;
    }
}

TEST_F(ApiKeysTest, the_secret_is_not_stored) {
    const auto made = create();
    const auto dump = [](storage::Transaction& tx) -> Result<storage::Rows> {
        return tx.query("SELECT hash, id, name, account, access_key_id FROM api_keys");
    };
    const auto rows = await(database_->read(dump));
    ASSERT_TRUE(rows);
    for (std::size_t i = 0; i < rows->at(0).size(); ++i)
        EXPECT_EQ(rows->at(0).text(i).find(made.secret.substr(4)), std::string::npos);
}

TEST_F(ApiKeysTest, a_deleted_key_is_gone_at_once) {
    const auto made = create();
    EXPECT_TRUE(*await(keys_.find(made.secret)));
    EXPECT_EQ(await(keys_.remove("999999999999", made.key.id)).error().code, ErrorCode::not_found);
    EXPECT_TRUE(await(keys_.remove("111122223333", made.key.id)));
    EXPECT_FALSE(*await(keys_.find(made.secret)));
    EXPECT_TRUE(await(keys_.list("111122223333"))->empty());
}

TEST_F(ApiKeysTest, another_daemons_deletion_counts_after_a_few_seconds) {
    const auto made = create();
    EXPECT_TRUE(*await(keys_.find(made.secret)));
    ApiKeys other(*database_, random_, timer_.clock());
    EXPECT_TRUE(await(other.remove("111122223333", made.key.id)));
    timer_.advance(Milliseconds{6000});
    EXPECT_FALSE(*await(keys_.find(made.secret)));
}

TEST_F(ApiKeysTest, names_are_bounded) {
    EXPECT_EQ(await(keys_.create("1", "AKIA", "")).error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(await(keys_.create("1", "AKIA", std::string(200, 'x'))).error().code,
              ErrorCode::invalid_argument);
    create("one");
    create("two");
    EXPECT_EQ(await(keys_.list("111122223333"))->size(), 2U);
}

}  // namespace
}  // namespace ac::access
