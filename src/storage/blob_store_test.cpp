#include "storage/blob_store.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <fstream>

#include "base/file.h"
#include "crypto/hash.h"
#include "storage/testing/temporary_folder.h"
#include "storage/testing/together.h"

namespace ac::storage {
namespace {

class BlobStoreTest : public ::testing::Test {
  protected:
    void SetUp() override { store_ = open(); }

    std::unique_ptr<BlobStore> open() {
        auto store = open_blob_store(folder_.path() / "blobs", pool_);
        EXPECT_TRUE(store) << store.error().message;
        return *std::move(store);
    }
    Task<BlobInfo> store(std::string bytes) {
        AC_CO_TRY(const auto writer, co_await store_->create());
        AC_CO_CHECK(co_await writer->write(bytes));
        co_return co_await writer->commit();
    }
    Task<std::string> load(BlobId id) {
        AC_CO_TRY(const auto reader, co_await store_->open(id));
        std::string bytes(reader->size(), '\0');
        AC_CO_TRY(const std::size_t n, co_await reader->read_at(0, bytes));
        EXPECT_EQ(n, bytes.size());
        co_return bytes;
    }
    std::size_t files() const {
        std::size_t count = 0;
        for (const auto& entry :
             std::filesystem::recursive_directory_iterator(folder_.path() / "blobs"))
            count += entry.is_regular_file() && entry.path().filename() != "lock" ? 1 : 0;
        return count;
    }

    Loop loop_;
    ThreadPool pool_{2};
    testing::TemporaryFolder folder_;
    std::unique_ptr<BlobStore> store_;
};

TEST_F(BlobStoreTest, what_was_committed_is_read_back_under_its_hash) {
    for (const std::size_t size : {0, 1, 262'143, 262'144, 262'145, 3'000'000}) {
        std::string bytes(size, 'x');
        for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31);
        const auto info = run_on(loop_, store(bytes));
        ASSERT_TRUE(info) << info.error().message;
        EXPECT_EQ(info->id.sha256, sha256_hex(bytes));
        EXPECT_EQ(info->md5, md5_hex(bytes));
        EXPECT_EQ(info->size, size);
        EXPECT_TRUE(run_on(loop_, load(info->id)).value() == bytes);
    }
}

TEST_F(BlobStoreTest, equal_contents_are_stored_once) {
    ASSERT_TRUE(run_on(loop_, store("same")));
    ASSERT_TRUE(run_on(loop_, store("same")));
    EXPECT_EQ(files(), 1u);
}

TEST_F(BlobStoreTest, many_writers_of_the_same_and_of_other_contents_at_once) {
    const auto client = [&](int i) -> Detached {
        const auto info = co_await store(std::to_string(i % 8));
        EXPECT_TRUE(info) << info.error().message;
    };
    testing::run_together(loop_, 64, client);
    EXPECT_EQ(files(), 8u);
}

Task<> write_and_drop(BlobStore& store) {
    AC_CO_TRY(const auto writer, co_await store.create());
    const std::string bytes(1'000'000, 'x');
    AC_CO_CHECK(co_await writer->write(bytes));
    AC_CO_CHECK(co_await writer->seal());
    co_return Result<>{};
}

TEST_F(BlobStoreTest, a_writer_that_is_dropped_leaves_nothing) {
    ASSERT_TRUE(run_on(loop_, write_and_drop(*store_)));
    EXPECT_EQ(files(), 0u);
}

TEST_F(BlobStoreTest, leftovers_of_a_crash_are_removed_at_open) {
    store_.reset();
    std::ofstream(folder_.path() / "blobs" / "incoming" / "7") << "half";
    store_ = open();
    EXPECT_EQ(files(), 0u);
}

TEST_F(BlobStoreTest, a_folder_has_one_store_at_a_time) {
    const auto second = open_blob_store(folder_.path() / "blobs", pool_);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::unavailable);
}

TEST_F(BlobStoreTest, remove_is_idempotent_and_open_then_says_not_found) {
    const auto info = run_on(loop_, store("gone"));
    ASSERT_TRUE(run_on(loop_, store_->remove(info->id)));
    ASSERT_TRUE(run_on(loop_, store_->remove(info->id)));
    const auto opened = run_on(loop_, store_->open(info->id));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, ErrorCode::not_found);
}

TEST_F(BlobStoreTest, the_slices_of_list_hold_every_blob_once) {
    std::vector<BlobId> expected;
    for (int i = 0; i < 20; ++i)
        expected.push_back(run_on(loop_, store("blob " + std::to_string(i)))->id);
    std::vector<BlobId> listed;
    for (int byte = 0; byte < 256; ++byte) {
        const auto slice = run_on(loop_, store_->list(static_cast<std::uint8_t>(byte)));
        ASSERT_TRUE(slice);
        listed.insert(listed.end(), slice->begin(), slice->end());
    }
    std::ranges::sort(expected);
    std::ranges::sort(listed);
    EXPECT_EQ(listed, expected);
}

TEST_F(BlobStoreTest, the_path_of_a_blob_holds_its_bytes) {
    const auto info = run_on(loop_, store("by name"));
    EXPECT_EQ(read_file(store_->path_of(info->id), 100).value(), "by name");
}

// A file size limit stands in for the full disk: the write fails half way in the same manner.
TEST_F(BlobStoreTest, a_full_disk_is_unavailable_leaves_nothing_and_passes) {
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    rlimit small = before;
    small.rlim_cur = 512 * 1024;
    ::setrlimit(RLIMIT_FSIZE, &small);
    const auto refused = run_on(loop_, store(std::string(2'000'000, 'x')));
    ::setrlimit(RLIMIT_FSIZE, &before);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
    EXPECT_EQ(files(), 0u);
    EXPECT_TRUE(run_on(loop_, store(std::string(2'000'000, 'x'))));
}

}  // namespace
}  // namespace ac::storage
