#include "server/body_spool.h"

#include <gtest/gtest.h>

#include "async/run.h"
#include "crypto/hash.h"

namespace ac::server {
namespace {

Task<std::string> spooled(std::string text, std::uint64_t max, std::string folder,
                          ThreadPool& pool) {
    net::StringBody body(text);
    AC_CO_TRY(auto spool, co_await BodySpool::take(body, max, folder, pool));
    EXPECT_EQ(spool->sha256_hex(), sha256_hex(text));
    EXPECT_EQ(spool->in_memory() == nullptr, text.size() > kSpoolMemoryBytesMax);
    co_return co_await net::read_all(*spool, text.size());
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
