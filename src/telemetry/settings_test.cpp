#include "telemetry/settings.h"

#include <gtest/gtest.h>

#include "async/run.h"
#include "storage/testing/temporary_folder.h"

namespace ac::telemetry {
namespace {

const Scope kHere{.account = "111122223333", .region = "us-west-2"};

class telemetry_settings : public testing::Test {
  protected:
    telemetry_settings() { EXPECT_TRUE(run_on(loop_, database_->migrate(Settings::migrations()))); }

    template <class Work>
    auto change(const Scope& scope, Work work) {
        return run_on(loop_, settings_.change(scope, std::move(work)));
    }
    Result<> put(const Scope& scope, Kind kind, std::string name, std::string document) {
        return change(scope,
                      [=](Documents& documents) { return documents.put(kind, name, document); });
    }
    Result<std::vector<std::string>> list(const Scope& scope, Kind kind) {
        return change(scope, [=](Documents& documents) { return documents.list(kind); });
    }

    Loop loop_;
    storage::testing::TemporaryFolder folder_;
    std::unique_ptr<storage::Database> database_ =
        *storage::open_sqlite({.path = (folder_.path() / "test.db").string()});
    Settings settings_{*database_};
};

TEST_F(telemetry_settings, documents_are_listed_by_name_and_replaced) {
    ASSERT_TRUE(put(kHere, Kind::delivery, "b", "2"));
    ASSERT_TRUE(put(kHere, Kind::delivery, "a", "0"));
    ASSERT_TRUE(put(kHere, Kind::delivery, "a", "1"));
    EXPECT_EQ(*list(kHere, Kind::delivery), (std::vector<std::string>{"1", "2"}));
}

TEST_F(telemetry_settings, accounts_regions_and_kinds_do_not_see_each_other) {
    ASSERT_TRUE(put(kHere, Kind::delivery, "a", "1"));
    EXPECT_TRUE(list(kHere, Kind::log_group)->empty());
    EXPECT_TRUE(list({.account = kHere.account, .region = "eu-west-1"}, Kind::delivery)->empty());
    EXPECT_TRUE(list({.account = "999999999999", .region = kHere.region}, Kind::delivery)->empty());
}

TEST_F(telemetry_settings, what_fails_changes_nothing) {
    const auto failed = change(kHere, [](Documents& documents) -> Result<> {
        AC_CHECK(documents.put(Kind::delivery, "a", "1"));
        return fail(ErrorCode::conflict, "no");
    });
    EXPECT_EQ(failed.error().code, ErrorCode::conflict);
    EXPECT_TRUE(list(kHere, Kind::delivery)->empty());
}

TEST_F(telemetry_settings, removing_says_whether_there_was_one) {
    ASSERT_TRUE(put(kHere, Kind::delivery, "a", "1"));
    const auto remove = [](Documents& documents) { return documents.remove(Kind::delivery, "a"); };
    EXPECT_TRUE(*change(kHere, remove));
    EXPECT_FALSE(*change(kHere, remove));
}

TEST_F(telemetry_settings, number_and_size_are_bounded) {
    EXPECT_EQ(put(kHere, Kind::delivery, "a", std::string(kDocumentBytesMax + 1, 'x')).error().code,
              ErrorCode::too_large);
    const auto fill = [](Documents& documents) -> Result<> {
        for (std::int64_t i = 0; i < kDocumentsMax; ++i)
            AC_CHECK(documents.put(Kind::delivery, std::to_string(i), "x"));
        return {};
    };
    ASSERT_TRUE(change(kHere, fill));
    EXPECT_EQ(put(kHere, Kind::delivery, "more", "x").error().code, ErrorCode::quota_exceeded);
    EXPECT_TRUE(put(kHere, Kind::delivery, "7", "again"));
}

}  // namespace
}  // namespace ac::telemetry
