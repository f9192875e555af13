#include "models/converse_decoder.h"

#include <gtest/gtest.h>

#include "models/testing/decoding.h"
#include "net/event_stream.h"

namespace ac::models {
namespace {

Result<ChatAnswer> stream(std::string_view text, std::size_t piece = 4096) {
    return testing::decode(make_converse_decoder("p"), text, piece);
}

std::string event(std::string type, std::string json) {
    return net::encode_message({.headers = {{":message-type", "event"}, {":event-type", type}},
                                .payload = std::move(json)});
}

TEST(converse_decoder, reads_bedrocks_stream_in_any_pieces) {
    const std::string text =
        event("messageStart", R"({"role":"assistant","p":"abc"})") +
        event("contentBlockDelta", R"({"delta":{"text":"Hi"},"contentBlockIndex":0})") +
        event("contentBlockStop", R"({"contentBlockIndex":0})") +
        event("contentBlockStart",
              R"({"start":{"toolUse":{"toolUseId":"t","name":"f"}},"contentBlockIndex":1})") +
        event("contentBlockDelta", R"({"delta":{"toolUse":{"input":"{}"}}})") +
        event("contentBlockStop", "{}") +
        event("contentBlockDelta", R"({"delta":{"reasoningContent":{"text":"hm"}}})") +
        event("contentBlockStop", "{}") + event("messageStop", R"({"stopReason":"tool_use"})") +
        event("metadata", R"({"usage":{"inputTokens":5,"outputTokens":6,"totalTokens":11},)"
                          R"("metrics":{"latencyMs":3}})");
    for (const std::size_t piece : {1UL, 13UL, 100000UL}) {
        const auto answer = stream(text, piece);
        ASSERT_TRUE(answer) << answer.error().message;
        ASSERT_EQ(answer->message.content.size(), 3U);
        EXPECT_EQ(std::get<TextBlock>(answer->message.content[0]).text, "Hi");
        EXPECT_EQ(std::get<ToolUseBlock>(answer->message.content[1]).name, "f");
        EXPECT_EQ(answer->stop_reason, StopReason::tool_use);
        EXPECT_EQ(answer->usage, (Usage{5, 6, 0, 0}));
    }
}

TEST(converse_decoder, exceptions_keep_their_meaning) {
    const auto raised = [](std::string type) {
        return stream(net::encode_message({.headers = {{":message-type", "exception"},
                                                       {":exception-type", std::move(type)}},
                                           .payload = R"({"message":"why"})"}))
            .error();
    };
    EXPECT_EQ(raised("throttlingException").code, ErrorCode::throttled);
    EXPECT_EQ(raised("validationException").code, ErrorCode::invalid_argument);
    EXPECT_EQ(raised("modelStreamErrorException").reason, kModelFailed);
    EXPECT_NE(raised("throttlingException").message.find("why"), std::string::npos);
}

TEST(converse_decoder, half_a_stream_and_garbage_are_errors_of_the_model) {
    const std::string start = event("messageStart", R"({"role":"assistant"})");
    std::string broken = start;
    broken[9] = static_cast<char>(broken[9] ^ 1);
    for (const std::string& text :
         {std::string(), start, broken, std::string(64, 'x'), event("messageStart", "[]"),
          start + event("contentBlockDelta", "{}"), start + event("metadata", "{}"),
          start + event("contentBlockDelta", R"({"delta":{"toolUse":{"input":"x"}}})")}) {
        const auto answer = stream(text);
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().reason, kModelFailed);
    }
}

}  // namespace
}  // namespace ac::models
