#include "server/body_spool.h"

#include <gtest/gtest.h>

#include "async/run.h"
#include "crypto/hash.h"

namespace ac::server {
namespace {

Task<std::string> spooled(std::string text, std::uint64_t max, std::string folder, ThreadPool& pool,
                          std::size_t memory_max = 0) {
    net::StringBody body(text);
    SpoolMemory memory(memory_max);
    std::string back;
    {
        const SpoolPlace place{.folder = folder, .pool = pool, .memory = memory};
        AC_CO_TRY(auto spool, co_await BodySpool::take(body, max, place));
        EXPECT_EQ(spool->sha256_hex(), sha256_hex(text));
        const bool stays = text.size() <= std::max(kSpoolMemoryBytesMax, memory_max);
        EXPECT_EQ(spool->in_memory() != nullptr, stays);
        AC_CO_TRY(back, co_await net::read_all(*spool, text.size()));
    }
    EXPECT_TRUE(memory.take(memory_max));
    co_return back;
}

class Spool : public testing::TestWithParam<std::size_t> {
  protected:
    Loop loop_;
    ThreadPool pool_{1};
};

TEST_P(Spool, gives_back_what_it_took) {
    std::string text(GetParam(), 'x');
    for (std::size_t i = 0; i < text.size(); i += 7) text[i] = static_cast<char>('a' + i % 26);
    EXPECT_EQ(run_on(loop_, spooled(text, 10'000'000, testing::TempDir(), pool_)).value(), text);
}

TEST_P(Spool, gives_it_back_from_memory_too) {
    std::string text(GetParam(), 'x');
    for (std::size_t i = 0; i < text.size(); i += 7) text[i] = static_cast<char>('a' + i % 26);
    auto work = spooled(text, 10'000'000, "/nonexistent", pool_, 6'000'000);
    EXPECT_EQ(run_on(loop_, std::move(work)).value(), text);
}

INSTANTIATE_TEST_SUITE_P(sizes, Spool,
                         testing::Values(0, 1, 16'384, kSpoolMemoryBytesMax,
                                         kSpoolMemoryBytesMax + 1, 5'000'000));

TEST_F(Spool, refuses_what_is_too_large) {
    const auto result =
        run_on(loop_, spooled(std::string(101, 'x'), 100, testing::TempDir(), pool_));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::too_large);
}

TEST_F(Spool, says_when_it_has_no_place) {
    const auto result =
        run_on(loop_, spooled(std::string(2'000'000, 'x'), 3'000'000, "/nonexistent", pool_));
    ASSERT_FALSE(result);
}

}  // namespace
}  // namespace ac::server
