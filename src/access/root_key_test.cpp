#include "access/root_key.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"
#include "storage/testing/temporary_folder.h"

namespace ac::access {
namespace {

class RootKeyFile : public testing::Test {
  protected:
    storage::testing::TemporaryFolder temporary_;
    const std::string folder_ = temporary_.path().string();
    SeededRandom random_{1};
};

TEST_F(RootKeyFile, is_made_once_and_then_read) {
    auto first = open_root_key(folder_, random_);
    ASSERT_TRUE(first);
    EXPECT_TRUE(first->id.starts_with("AKIA"));
    EXPECT_EQ(first->id.size(), 20U);
    EXPECT_EQ(first->secret->size(), 40U);
    auto second = open_root_key(folder_, random_);
    ASSERT_TRUE(second);
    EXPECT_EQ(second->id, first->id);
    EXPECT_EQ(second->secret->view(), first->secret->view());
}

TEST_F(RootKeyFile, is_private) {
    ASSERT_TRUE(open_root_key(folder_, random_));
    EXPECT_EQ(std::filesystem::status(folder_ + "/root-access-key.json").permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(RootKeyFile, that_is_damaged_is_an_error_not_a_new_key) {
    ASSERT_TRUE(write_file(folder_ + "/root-access-key.json", "{\"accessKeyId\":"));
    EXPECT_FALSE(open_root_key(folder_, random_));
}

}  // namespace
}  // namespace ac::access
