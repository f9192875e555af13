#include "models/openai_decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/testing/decoding.h"

namespace ac::models {
namespace {

using testing::decode;
using ::testing::HasSubstr;

Result<ChatAnswer> stream(std::string_view text, std::size_t piece = 4096) {
    return decode(make_openai_stream_decoder("p"), text, piece);
}

std::string event(std::string_view json) {
    return "data: " + std::string(json) + "\n\n";
}
std::string delta(std::string_view json, std::string_view finish = "null") {
    return event(R"({"choices":[{"index":0,"delta":)" + std::string(json) + R"(,"finish_reason":)" +
                 std::string(finish) + "}]}");
}

TEST(openai_decoder, reads_text_reasoning_tools_and_usage_in_any_pieces) {
    const std::string text =
        delta(R"({"role":"assistant","content":""})") + delta(R"({"reasoning_content":"hm"})") +
        delta(R"({"content":"Hel"})") + delta(R"({"content":"lo"})") +
        delta(R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":""}}]})") +
        delta(R"({"tool_calls":[{"index":0,"function":{"arguments":"{\"x\":"}}]})") +
        delta(R"({"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]})") +
        delta(R"({"tool_calls":[{"index":1,"id":"b","function":{"name":"g"}}]})") +
        delta("{}", R"("tool_calls")") +
        event(R"({"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4,)"
              R"("prompt_tokens_details":{"cached_tokens":3}}})") +
        event("[DONE]");
    for (const std::size_t piece : {1UL, 3UL, 64UL, 100000UL}) {
        const auto answer = stream(text, piece);
        ASSERT_TRUE(answer) << answer.error().message;
        const auto& content = answer->message.content;
        ASSERT_EQ(content.size(), 4U);
        EXPECT_EQ(std::get<ReasoningBlock>(content[0]).text, "hm");
        EXPECT_EQ(std::get<TextBlock>(content[1]).text, "Hello");
        EXPECT_EQ(std::get<ToolUseBlock>(content[2]).id, "a");
        EXPECT_EQ(std::get<ToolUseBlock>(content[2]).input.as_object().at("x"), 1);
        EXPECT_EQ(std::get<ToolUseBlock>(content[3]).name, "g");
        EXPECT_EQ(answer->stop_reason, StopReason::tool_use);
        EXPECT_EQ(answer->usage.input_tokens, 6);
        EXPECT_EQ(answer->usage.cache_read_input_tokens, 3);
        EXPECT_EQ(answer->usage.output_tokens, 4);
    }
}

TEST(openai_decoder, takes_whole_tool_calls_under_one_index_and_arguments_as_an_object) {
    const auto answer =
        stream(delta(R"({"tool_calls":[)"
                     R"({"index":0,"id":"a","function":{"name":"f","arguments":{"x":1}}},)"
                     R"({"index":0,"id":"b c","function":{"name":"g","arguments":"{}"}}]})") +
               delta("{}", R"("stop")"));
    ASSERT_TRUE(answer) << answer.error().message;
    ASSERT_EQ(answer->message.content.size(), 2U);
    EXPECT_EQ(std::get<ToolUseBlock>(answer->message.content[0]).input.as_object().at("x"), 1);
    EXPECT_EQ(std::get<ToolUseBlock>(answer->message.content[1]).id, "b_c");
    EXPECT_EQ(answer->stop_reason, StopReason::tool_use);
}

TEST(openai_decoder, maps_reasons_to_stop) {
    const auto reason = [](std::string_view finish) {
        return stream(delta(R"({"content":"x"})", finish))->stop_reason;
    };
    EXPECT_EQ(reason(R"("stop")"), StopReason::end_turn);
    EXPECT_EQ(reason(R"("length")"), StopReason::max_tokens);
    EXPECT_EQ(reason(R"("content_filter")"), StopReason::content_filtered);
    const auto named = stream(event(
        R"({"choices":[{"delta":{"content":"x"},"finish_reason":"stop","stop_reason":"END"}]})"));
    EXPECT_EQ(named->stop_reason, StopReason::stop_sequence);
    EXPECT_EQ(named->stop_sequence, "END");
}

TEST(openai_decoder, done_without_a_reason_is_an_end) {
    const auto answer = stream(delta(R"({"content":"x"})") + event("[DONE]"));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->stop_reason, StopReason::end_turn);
}

TEST(openai_decoder, half_a_stream_and_garbage_are_errors_of_the_model) {
    for (const std::string& text :
         {std::string(), std::string("hello"), event("not json"), event("[1]"), event("[DONE]"),
          delta(R"({"content":"half"})"), event(R"({"choices":[7]})"),
          delta(R"({"tool_calls":[{"index":3,"function":{"arguments":"x"}}]})"),
          delta(R"({"tool_calls":[{"index":0,"id":"a"}]})"), delta(R"({"tool_calls":[1]})"),
          event(std::string(1000, '['))}) {
        const auto answer = stream(text);
        ASSERT_FALSE(answer) << text;
        EXPECT_EQ(answer.error().reason, kModelFailed) << text;
        EXPECT_THAT(answer.error().message, HasSubstr("provider p")) << text;
    }
}

TEST(openai_decoder, content_that_is_no_text_is_an_error_and_not_nothing) {
    for (const std::string_view content : {"5", "true", "{}", R"([{"type":"text","text":"a"}])"}) {
        const auto answer = stream(delta(R"({"content":)" + std::string(content) + "}"));
        ASSERT_FALSE(answer) << content;
        EXPECT_THAT(answer.error().message, HasSubstr("no text")) << content;
    }
}

TEST(openai_decoder, an_error_inside_the_stream_has_its_meaning) {
    const auto limited = stream(event(R"({"error":{"code":429,"message":"slow down"}})"));
    ASSERT_FALSE(limited);
    EXPECT_EQ(limited.error().code, ErrorCode::throttled);
    EXPECT_THAT(limited.error().message, HasSubstr("slow down"));
    const auto other = stream(delta(R"({"content":"x"})") + event(R"({"error":"boom"})"));
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().reason, kModelFailed);
}

TEST(openai_decoder, reads_a_whole_completion) {
    const auto answer = decode(make_openai_whole_decoder("p"), R"({"choices":[{"message":{
        "role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function",
        "function":{"name":"f","arguments":"{\"x\":2}"}}]},"finish_reason":"tool_calls"}],
        "usage":{"prompt_tokens":1,"completion_tokens":2}})",
                               7);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(std::get<ToolUseBlock>(answer->message.content[0]).input.as_object().at("x"), 2);
    EXPECT_EQ(answer->usage.output_tokens, 2);
    EXPECT_FALSE(decode(make_openai_whole_decoder("p"), "{}", 7));
    EXPECT_FALSE(decode(make_openai_whole_decoder("p"), "<html>", 7));
}

}  // namespace
}  // namespace ac::models
