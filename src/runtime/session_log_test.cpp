#include "runtime/session_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/log_reader.h"
#include "runtime/testing/stage.h"

namespace ac::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::TemporaryFolder;
namespace fs = std::filesystem;

constexpr WallTime kNow = WallTime{Milliseconds{1'767'225'600'000}};

std::vector<std::string> texts(const std::vector<LogLine>& lines) {
    std::vector<std::string> out;
    for (const LogLine& line : lines) out.push_back(line.line);
    return out;
}

TEST(line_splitter, gives_whole_lines_whatever_the_pieces) {
    LineSplitter splitter(10);
    EXPECT_THAT(splitter.feed("one\ntw"), ElementsAre("one"));
    EXPECT_THAT(splitter.feed("o\r\n\n"), ElementsAre("two", ""));
    EXPECT_THAT(splitter.feed("0123456789ab"), ElementsAre("0123456789"));
    EXPECT_EQ(splitter.rest(), "ab");
    EXPECT_EQ(splitter.rest(), std::nullopt);
}

TEST(log_record, is_read_as_it_was_written) {
    const LogRecord record{kNow, Stream::standard_error, "a b"};
    std::string line = encode_record(record);
    EXPECT_EQ(line, "1767225600000 e a b\n");
    line.pop_back();
    const auto back = decode_record(line);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->time, kNow);
    EXPECT_EQ(back->stream, Stream::standard_error);
    EXPECT_EQ(back->line, "a b");
    for (const std::string_view bad : {"", "12", "12 x y", "x o y", "12 o"})
        EXPECT_FALSE(decode_record(bad)) << bad;
}

TEST(session_log, keeps_a_bounded_amount_and_the_newest_of_it) {
    const TemporaryFolder folder;
    const RuntimeLimits limits{.log_bytes_max = 2000};
    SessionLog log(folder.path(), SessionId("s"), limits);
    for (int i = 0; i < 1000; ++i)
        log.add(kNow + Milliseconds{i}, Stream::standard_output, "line " + std::to_string(i));
    std::uintmax_t total = 0;
    for (const auto& entry : fs::directory_iterator(folder.path())) total += entry.file_size();
    EXPECT_LE(total, 4000u);
    LogFollower follower(folder.path(), "");
    EXPECT_THAT(texts(follower.newest(2)), ElementsAre("line 998", "line 999"));
    EXPECT_TRUE(log.tail().ends_with("line 999\n"));
}

TEST(log_follower, follows_across_the_turn_of_a_file) {
    const TemporaryFolder folder;
    const RuntimeLimits limits{.log_bytes_max = 200};
    SessionLog log(folder.path(), SessionId("s"), limits);
    LogFollower follower(folder.path(), "s");
    log.add(kNow, Stream::standard_output, "first");
    EXPECT_THAT(texts(follower.newest(10)), ElementsAre("first"));
    std::vector<std::string> seen;
    for (int i = 0; i < 30; ++i) {
        log.add(kNow + Milliseconds{i}, Stream::standard_output, "n" + std::to_string(i));
        for (const std::string& line : texts(follower.added())) seen.push_back(line);
    }
    ASSERT_EQ(seen.size(), 30u);
    EXPECT_EQ(seen.front(), "n0");
    EXPECT_EQ(seen.back(), "n29");
}

TEST(log_follower, tells_sessions_apart_and_merges_them_by_time) {
    const TemporaryFolder folder;
    const RuntimeLimits limits;
    SessionLog a(folder.path(), SessionId("a"), limits);
    SessionLog b(folder.path(), SessionId("b"), limits);
    b.add(kNow + Milliseconds{1}, Stream::standard_output, "2");
    a.add(kNow, Stream::standard_output, "1");
    a.add(kNow + Milliseconds{2}, Stream::standard_output, "3");
    EXPECT_THAT(texts(LogFollower(folder.path(), "").newest(9)), ElementsAre("1", "2", "3"));
    EXPECT_THAT(texts(LogFollower(folder.path(), "a").newest(9)), ElementsAre("1", "3"));
    EXPECT_THAT(texts(LogFollower(folder.path(), "c").newest(9)), IsEmpty());
}

TEST(prune_logs, removes_the_oldest) {
    const TemporaryFolder folder;
    const RuntimeLimits limits;
    for (const char* name : {"a", "b", "c"})
        SessionLog(folder.path(), SessionId(name), limits).add(kNow, Stream::standard_output, "x");
    prune_logs(folder.path(), 2);
    EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

}  // namespace
}  // namespace ac::runtime
