#include "sandbox/linux/protocol.h"

#include <gtest/gtest.h>

#include "sandbox/linux/guest_init.h"

namespace ac::sandbox {
namespace {

SpawnRequest sample() {
    SpawnRequest request;
    request.id = 42;
    request.root = "/srv/image";
    request.mounts = {{"/a", "/b", false}, {"/c", "/d", true}};
    request.host_network = true;
    request.limits.processors_max = 1.5;
    request.limits.wall_time_max = Seconds{90};
    request.argv = {"python3", "", "x y"};
    request.environment = {"A=b"};
    request.folder = "/work";
    request.has_output = true;
    request.further = 3;
    return request;
}

TEST(protocol, a_spawn_request_survives_the_way) {
    const auto decoded = decode_request(encode(Request{sample()}));
    ASSERT_TRUE(decoded);
    const auto& spawn = std::get<SpawnRequest>(*decoded);
    EXPECT_EQ(spawn.id, 42U);
    EXPECT_EQ(spawn.mounts, sample().mounts);
    EXPECT_EQ(spawn.limits.processors_max, 1.5);
    EXPECT_EQ(spawn.limits.wall_time_max, Seconds{90});
    EXPECT_EQ(spawn.argv, sample().argv);
    EXPECT_TRUE(spawn.has_output);
    EXPECT_EQ(spawn.further, 3U);
    EXPECT_FALSE(spawn.has_error);
}

TEST(protocol, every_cut_of_a_message_is_refused) {
    const std::string bytes = encode(Request{sample()});
    for (std::size_t n = 0; n < bytes.size(); ++n)
        EXPECT_FALSE(decode_request(std::string_view(bytes).substr(0, n))) << n;
    EXPECT_FALSE(decode_request(bytes + "x"));
}

TEST(protocol, a_move_to_the_background_survives_the_way) {
    const std::string bytes = encode(Request{GroundRequest{.guest = 42, .is_background = true}});
    const auto decoded = decode_request(bytes);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(std::get<GroundRequest>(*decoded).guest, 42U);
    EXPECT_TRUE(std::get<GroundRequest>(*decoded).is_background);
    EXPECT_FALSE(decode_request(bytes + "x"));
    EXPECT_FALSE(decode_request(std::string_view(bytes).substr(0, bytes.size() - 1)));
}

TEST(protocol, an_execution_survives_the_way_to_the_guests_init_and_back) {
    const ExecuteRequest wanted{.id = 9,
                                .guest = 42,
                                .argv = {"sh", "-c", "x"},
                                .environment = {"A=b"},
                                .folder = "/work",
                                .has_output = true,
                                .has_error = false};
    const std::string bytes = encode(Request{wanted});
    const auto decoded = decode_request(bytes);
    ASSERT_TRUE(decoded);
    const auto& execute = std::get<ExecuteRequest>(*decoded);
    EXPECT_EQ(execute.guest, 42U);
    EXPECT_EQ(execute.argv, wanted.argv);
    EXPECT_TRUE(execute.has_output);
    for (std::size_t n = 0; n < bytes.size(); ++n)
        EXPECT_FALSE(decode_request(std::string_view(bytes).substr(0, n))) << n;
    EXPECT_FALSE(execute.terminal);
    ExecuteRequest interactive = wanted;
    interactive.terminal = TerminalSize{.columns = 132, .rows = 43};
    const std::string longer = encode(Request{interactive});
    EXPECT_EQ(std::get<ExecuteRequest>(*decode_request(longer)).terminal, interactive.terminal);
    EXPECT_FALSE(decode_request(std::string_view(longer).substr(0, longer.size() - 1)));
    const std::string ended = encode(InitNotice{ExecutionNotice{9, CommandEnded{256}}});
    const auto notice = std::get<ExecutionNotice>(decode_init_notice(ended).value());
    EXPECT_EQ(notice.id, 9U);
    EXPECT_EQ(std::get<CommandEnded>(notice.what).status, 256);
    EXPECT_FALSE(decode_init_notice(std::string_view(ended).substr(0, ended.size() - 1)));
    EXPECT_FALSE(decode_init_notice("x"));
}

TEST(protocol, notices_survive_the_way) {
    const EndedNotice ended{7, {Reason::signaled, 11, "killed by SIGSEGV"}};
    const auto decoded = decode_notice(encode(Notice{ended}));
    ASSERT_TRUE(decoded);
    EXPECT_EQ(std::get<EndedNotice>(*decoded).outcome.detail, "killed by SIGSEGV");
    const FailedNotice failed{8, ErrorCode::invalid_argument, "no"};
    EXPECT_EQ(std::get<FailedNotice>(*decode_notice(encode(Notice{failed}))).message, "no");
    const MeasuredNotice measured{9, {1, 2, 3, 4}};
    EXPECT_EQ(std::get<MeasuredNotice>(*decode_notice(encode(Notice{measured}))).usage.processes,
              4U);
}

TEST(protocol, a_length_beyond_the_message_is_refused) {
    std::string bytes = encode(Notice{FailedNotice{8, ErrorCode::internal, "text"}});
    bytes[10] = '\xff';  // the text's length
    EXPECT_FALSE(decode_notice(bytes));
}

TEST(protocol, an_unknown_error_code_or_reason_is_refused) {
    std::string failed = encode(Notice{FailedNotice{8, ErrorCode::internal, ""}});
    failed[9] = 99;
    EXPECT_FALSE(decode_notice(failed));
    std::string ended = encode(Notice{EndedNotice{8, {}}});
    ended[9] = 99;
    EXPECT_FALSE(decode_notice(ended));
}

TEST(protocol, what_an_init_says_survives_the_way) {
    const auto ended = decode_init_notice(encode(InitNotice{CommandEnded{0x8b}}));
    EXPECT_EQ(std::get<CommandEnded>(*ended).status, 0x8b);
    const auto failed =
        decode_init_notice(encode(InitNotice{CommandFailed{ErrorCode::unavailable, "why"}}));
    EXPECT_EQ(std::get<CommandFailed>(*failed).message, "why");
    EXPECT_TRUE(decode_init_notice(encode(InitNotice{CommandRuns{}})));
    EXPECT_FALSE(decode_init_notice(""));
    EXPECT_FALSE(decode_init_notice("Z"));
}

}  // namespace
}  // namespace ac::sandbox
