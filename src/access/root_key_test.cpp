#include <gtest/gtest.h>

#include <filesystem>

#include "access/principal.h"
#include "base/file.h"

namespace ac::access {
namespace {

class RootKeyFile : public testing::Test {
  protected:
    void SetUp() override { std::filesystem::create_directories(folder_); }
    void TearDown() override { std::filesystem::remove_all(folder_); }
    std::string folder_ = testing::TempDir() + "root_key_test." + std::to_string(getpid());
    SeededRandom random_{1};
};

TEST_F(RootKeyFile, is_made_once_and_then_read) {
    auto first = open_root_key(folder_, random_, "000000000000");
    ASSERT_TRUE(first);
    auto text = read_file(folder_ + "/root-access-key.json", 4096);
    ASSERT_TRUE(text);
    const std::string id = text->substr(text->find("AKIA"), 20);
    auto second = open_root_key(folder_, random_, "000000000000");
    ASSERT_TRUE(second);
    ASSERT_TRUE((*second)->find(id));
    EXPECT_EQ((*second)->find(id)->secret, (*first)->find(id)->secret);
    EXPECT_EQ((*second)->find(id)->principal.arn, "arn:aws:iam::000000000000:root");
    EXPECT_FALSE((*second)->find("AKIAOTHER"));
}

TEST_F(RootKeyFile, is_private) {
    ASSERT_TRUE(open_root_key(folder_, random_, "000000000000"));
    EXPECT_EQ(std::filesystem::status(folder_ + "/root-access-key.json").permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(RootKeyFile, that_is_damaged_is_an_error_not_a_new_key) {
    ASSERT_TRUE(write_file(folder_ + "/root-access-key.json", "{\"accessKeyId\":"));
    EXPECT_FALSE(open_root_key(folder_, random_, "000000000000"));
}

}  // namespace
}  // namespace ac::access
