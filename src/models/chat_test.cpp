#include "models/chat.h"

#include <gtest/gtest.h>

#include "models/limits.h"

namespace ac::models {
namespace {

Result<> add_all(AnswerCollector& collector, std::vector<ChatEvent> events) {
    for (ChatEvent& event : events) AC_CHECK(collector.add(std::move(event)));
    return {};
}

TEST(AnswerCollector, puts_blocks_together) {
    AnswerCollector collector;
    const auto added = add_all(
        collector,
        {MessageStart{}, BlockStart{.index = 0, .kind = BlockStart::Kind::reasoning},
         BlockDelta{0, ReasoningDelta{.text = "hm"}},
         BlockDelta{0, ReasoningDelta{.signature = "s"}}, BlockStop{0}, BlockStart{.index = 1},
         BlockDelta{1, TextDelta{"Hel"}}, BlockDelta{1, TextDelta{"lo"}}, BlockStop{1},
         BlockStart{2, BlockStart::Kind::tool_use, "t1", "add"},
         BlockDelta{2, ToolInputDelta{"{\"a\":"}}, BlockDelta{2, ToolInputDelta{"1}"}},
         BlockStop{2}, MessageStop{.reason = StopReason::tool_use},
         Metadata{.usage = {.input_tokens = 3, .output_tokens = 4}}});
    ASSERT_TRUE(added) << added.error().message;
    ASSERT_TRUE(collector.is_complete());
    const ChatAnswer answer = collector.take();
    ASSERT_EQ(answer.message.content.size(), 3U);
    EXPECT_EQ(std::get<ReasoningBlock>(answer.message.content[0]).signature, "s");
    EXPECT_EQ(std::get<TextBlock>(answer.message.content[1]).text, "Hello");
    const auto& tool = std::get<ToolUseBlock>(answer.message.content[2]);
    EXPECT_EQ(tool.id, "t1");
    EXPECT_EQ(tool.input.as_object().at("a"), 1);
    EXPECT_EQ(answer.usage.total_tokens(), 7);
    EXPECT_EQ(answer.stop_reason, StopReason::tool_use);
}

TEST(AnswerCollector, a_tool_without_input_gets_an_empty_object) {
    AnswerCollector collector;
    ASSERT_TRUE(add_all(
        collector,
        {MessageStart{}, BlockStart{0, BlockStart::Kind::tool_use, "t", "now"}, BlockStop{0}}));
    const ChatAnswer answer = collector.take();
    EXPECT_TRUE(std::get<ToolUseBlock>(answer.message.content[0]).input.as_object().empty());
}

TEST(AnswerCollector, refuses_a_broken_order) {
    AnswerCollector outside;
    EXPECT_EQ(outside.add(BlockDelta{0, TextDelta{"x"}}).error().reason, kModelFailed);
    AnswerCollector overlap;
    ASSERT_TRUE(overlap.add(BlockStart{}));
    EXPECT_FALSE(overlap.add(BlockStart{.index = 1}));
    AnswerCollector stop;
    EXPECT_FALSE(stop.add(BlockStop{}));
    AnswerCollector kind;
    ASSERT_TRUE(kind.add(BlockStart{}));
    EXPECT_FALSE(kind.add(BlockDelta{0, ToolInputDelta{"{}"}}));
    AnswerCollector after;
    ASSERT_TRUE(after.add(Metadata{}));
    EXPECT_FALSE(after.add(MessageStart{}));
}

TEST(AnswerCollector, refuses_a_tool_input_that_is_no_json) {
    AnswerCollector collector;
    EXPECT_FALSE(add_all(collector, {BlockStart{0, BlockStart::Kind::tool_use, "t", "now"},
                                     BlockDelta{0, ToolInputDelta{"{oops"}}, BlockStop{0}}));
}

TEST(AnswerCollector, bounds_the_answer) {
    AnswerCollector collector;
    ASSERT_TRUE(collector.add(BlockStart{}));
    ASSERT_TRUE(collector.add(BlockDelta{0, TextDelta{std::string(kAnswerBytesMax, 'x')}}));
    EXPECT_FALSE(collector.add(BlockDelta{0, TextDelta{"x"}}));
}

TEST(StopReason, is_spelt_as_converse_spells_it) {
    EXPECT_EQ(to_string(StopReason::model_context_window_exceeded),
              "model_context_window_exceeded");
    EXPECT_EQ(stop_reason_from("tool_use"), StopReason::tool_use);
    EXPECT_FALSE(stop_reason_from("stop"));
}

TEST(EstimateTokens, counts_four_bytes_a_token_and_is_never_zero) {
    ChatRequest request;
    EXPECT_EQ(estimate_tokens(request), 1);
    request.messages.push_back({Role::user, {TextBlock{std::string(400, 'a')}}});
    EXPECT_EQ(estimate_tokens(request), 101);
}

}  // namespace
}  // namespace ac::models
