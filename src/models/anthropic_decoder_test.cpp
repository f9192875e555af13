#include "models/anthropic_decoder.h"

#include <gtest/gtest.h>

#include "models/testing/decoding.h"

namespace ac::models {
namespace {

Result<ChatAnswer> stream(std::string_view text, std::size_t piece = 4096) {
    return testing::decode(make_anthropic_decoder("p"), text, piece);
}

std::string event(std::string_view json) {
    return "event: x\ndata: " + std::string(json) + "\n\n";
}
const std::string kStart =
    event(R"({"type":"message_start","message":{"role":"assistant","usage":{"input_tokens":7,)"
          R"("output_tokens":1,"cache_read_input_tokens":2,"cache_creation_input_tokens":3}}})");
const std::string kStop = event(R"({"type":"message_stop"})");

TEST(anthropic_decoder, reads_thinking_text_tools_and_usage_in_any_pieces) {
    const std::string text =
        kStart + event(R"({"type":"ping"})") +
        event(R"({"type":"content_block_start","index":0,"content_block":{"type":"thinking"}})") +
        event(R"({"type":"content_block_delta","delta":{"type":"thinking_delta",)"
              R"("thinking":"hm"}})") +
        event(R"({"type":"content_block_delta","delta":{"type":"signature_delta",)"
              R"("signature":"s"}})") +
        event(R"({"type":"content_block_stop","index":0})") +
        event(R"({"type":"content_block_start","content_block":{"type":"server_tool_use"}})") +
        event(R"({"type":"content_block_delta","delta":{"type":"input_json_delta"}})") +
        event(R"({"type":"content_block_stop"})") +
        event(R"({"type":"content_block_start","content_block":{"type":"text","text":"H"}})") +
        event(R"({"type":"content_block_delta","delta":{"type":"text_delta","text":"i"}})") +
        event(R"({"type":"content_block_stop"})") +
        event(R"({"type":"content_block_start","content_block":{"type":"tool_use","id":"t",)"
              R"("name":"f","input":{}}})") +
        event(R"({"type":"content_block_delta","delta":{"type":"input_json_delta",)"
              R"("partial_json":"{\"a\":1}"}})") +
        event(R"({"type":"content_block_stop"})") +
        event(R"({"type":"message_delta","delta":{"stop_reason":"tool_use"},)"
              R"("usage":{"output_tokens":9}})") +
        kStop;
    for (const std::size_t piece : {1UL, 7UL, 100000UL}) {
        const auto answer = stream(text, piece);
        ASSERT_TRUE(answer) << answer.error().message;
        const auto& content = answer->message.content;
        ASSERT_EQ(content.size(), 3U);
        EXPECT_EQ(std::get<ReasoningBlock>(content[0]).signature, "s");
        EXPECT_EQ(std::get<TextBlock>(content[1]).text, "Hi");
        EXPECT_EQ(std::get<ToolUseBlock>(content[2]).input.as_object().at("a"), 1);
        EXPECT_EQ(answer->stop_reason, StopReason::tool_use);
        EXPECT_EQ(answer->usage, (Usage{7, 9, 2, 3}));
    }
}

TEST(anthropic_decoder, errors_of_the_api_keep_their_meaning) {
    const auto code = [](std::string_view type) {
        return stream(event(R"({"type":"error","error":{"type":")" + std::string(type) +
                            R"(","message":"why"}})"))
            .error()
            .code;
    };
    EXPECT_EQ(code("overloaded_error"), ErrorCode::throttled);
    EXPECT_EQ(code("rate_limit_error"), ErrorCode::throttled);
    EXPECT_EQ(code("invalid_request_error"), ErrorCode::invalid_argument);
    EXPECT_EQ(code("api_error"), ErrorCode::unavailable);
}

TEST(anthropic_decoder, half_a_stream_and_garbage_are_errors_of_the_model) {
    const std::string open =
        event(R"({"type":"content_block_start","content_block":{"type":"text"}})");
    for (const std::string& text :
         {std::string(), kStart, kStart + open, kStop, event("nope"), event("[]"),
          kStart + event(R"({"type":"content_block_start"})"),
          kStart + event(R"({"type":"content_block_delta"})"),
          kStart + open +
              event(R"({"type":"content_block_delta","delta":{"type":"input_json_delta"}})"),
          kStart + event(R"({"type":"content_block_start","content_block":)"
                         R"({"type":"redacted_thinking","data":"?"}})")}) {
        const auto answer = stream(text);
        ASSERT_FALSE(answer) << text;
        EXPECT_EQ(answer.error().reason, kModelFailed) << text;
    }
}

}  // namespace
}  // namespace ac::models
