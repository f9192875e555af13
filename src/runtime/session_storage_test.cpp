#include "runtime/session_storage.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "runtime/testing/stage.h"

namespace ac::runtime {
namespace {

namespace fs = std::filesystem;

constexpr StorageUse kMuch{1ULL << 40, 1ULL << 20};

class session_storage : public ::testing::Test {
  protected:
    static SessionAddress address(const std::string& session, const std::string& endpoint = "E") {
        return {.scope = {},
                .runtime = RuntimeId("agent-1"),
                .endpoint = endpoint,
                .session = SessionId(session)};
    }
    static void write(const fs::path& file, std::size_t bytes) {
        std::ofstream(file) << std::string(bytes, 'x');
    }

    testing::TemporaryFolder temporary_;
    SessionStorage storage_{temporary_.path() / "storage"};
};

TEST_F(session_storage, a_session_finds_its_folder_again_and_no_other) {
    const fs::path mine = storage_.open(address("a"), "/mnt/data").value();
    write(mine / "kept", 1);
    EXPECT_TRUE(fs::exists(storage_.open(address("a"), "/mnt/data").value() / "kept"));
    EXPECT_NE(storage_.open(address("a"), "/mnt/more").value(), mine);
    EXPECT_NE(storage_.open(address("b"), "/mnt/data").value(), mine);
    EXPECT_NE(storage_.open(address("a", "F"), "/mnt/data").value(), mine);
    struct stat info{};
    ASSERT_EQ(::stat(mine.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0700U);
}

TEST_F(session_storage, all_below_is_measured_and_no_link_followed) {
    const fs::path outside = temporary_.path() / "outside";
    fs::create_directories(outside);
    write(outside / "large", 1 << 20);
    const fs::path mine = storage_.open(address("a"), "/mnt/data").value();
    fs::create_directories(mine / "x" / "y");
    write(mine / "x" / "y" / "file", 100'000);
    fs::create_directory_symlink(outside, mine / "x" / "link");
    fs::create_symlink(outside / "large", mine / "large");
    const StorageUse use = measure_storage(mine, kMuch);
    EXPECT_EQ(use.files, 5U);
    EXPECT_GE(use.bytes, 100'000U);
    EXPECT_LT(use.bytes, 1U << 20);
}

TEST_F(session_storage, a_hidden_folder_is_measured_too) {
    const fs::path mine = storage_.open(address("a"), "/mnt/data").value();
    fs::create_directories(mine / "dark");
    write(mine / "dark" / "file", 100'000);
    fs::permissions(mine / "dark", fs::perms::none);
    EXPECT_GE(measure_storage(mine, kMuch).bytes, 100'000U);
}

TEST_F(session_storage, counting_ends_beyond_the_bound) {
    const fs::path mine = storage_.open(address("a"), "/mnt/data").value();
    for (int i = 0; i < 50; ++i) write(mine / std::to_string(i), 0);
    const StorageUse use = measure_storage(mine, {1 << 20, 10});
    EXPECT_EQ(use.files, 11U);
}

TEST_F(session_storage, what_a_runtime_kept_is_forgotten_with_it) {
    const fs::path mine = storage_.open(address("a"), "/mnt/data").value();
    fs::create_directories(mine / "dark" / "deep");
    fs::permissions(mine / "dark", fs::perms::none);
    storage_.forget(RuntimeId("agent-1"));
    EXPECT_FALSE(fs::exists(mine));
}

TEST_F(session_storage, what_nobody_uses_is_pruned) {
    const fs::path old = storage_.open(address("old"), "/mnt/data").value();
    const fs::path young = storage_.open(address("young"), "/mnt/data").value();
    const timespec times[] = {{1000, 0}, {1000, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, old.parent_path().c_str(), times, 0), 0);
    storage_.prune(WallTime(Seconds{2000}));
    EXPECT_FALSE(fs::exists(old));
    EXPECT_TRUE(fs::exists(young));
}

}  // namespace
}  // namespace ac::runtime
