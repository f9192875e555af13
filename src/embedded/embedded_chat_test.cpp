#include "embedded/embedded_chat.h"

#include <gtest/gtest.h>

namespace ac::embedded {
namespace {

TEST(EmbeddedChat, fills_in_what_a_small_model_needs) {
    const auto out = with_defaults({}, {});
    EXPECT_EQ(out.inference.max_tokens, 256);
    EXPECT_DOUBLE_EQ(*out.inference.temperature, 0.2);
    EXPECT_DOUBLE_EQ(*out.inference.top_p, 0.9);
    ASSERT_EQ(out.system.size(), 1U);
    EXPECT_TRUE(out.additional_fields.contains("repeat_penalty"));
}

TEST(EmbeddedChat, keeps_what_the_caller_said) {
    models::ChatRequest request;
    request.inference.max_tokens = 7;
    request.inference.temperature = 1.5;
    request.system.emplace_back(models::TextBlock{"Be brief."});
    request.additional_fields["repeat_penalty"] = 2.0;
    const auto out = with_defaults(request, {});
    EXPECT_EQ(out.inference.max_tokens, 7);
    EXPECT_DOUBLE_EQ(*out.inference.temperature, 1.5);
    EXPECT_FALSE(out.inference.top_p);
    EXPECT_EQ(std::get<models::TextBlock>(out.system[0]).text, "Be brief.");
    EXPECT_EQ(out.additional_fields.at("repeat_penalty"), 2.0);
}

TEST(EmbeddedChat, json_is_copied_without_a_penalty) {
    models::ChatRequest request;
    request.output_format = models::OutputFormat{};
    const auto out = with_defaults(request, {});
    EXPECT_DOUBLE_EQ(*out.inference.temperature, 0);
    EXPECT_FALSE(out.additional_fields.contains("repeat_penalty"));
}

TEST(EmbeddedChat, a_bound_of_ours_is_no_failure_of_the_callers) {
    const models::ChatEvent stop = models::MessageStop{.reason = models::StopReason::max_tokens};
    const auto reason = [&](bool is_own_bound) {
        return std::get<models::MessageStop>(without_own_bound(stop, is_own_bound)).reason;
    };
    EXPECT_EQ(reason(true), models::StopReason::end_turn);
    EXPECT_EQ(reason(false), models::StopReason::max_tokens);
}

TEST(EmbeddedChat, tools_are_taken_away_after_some_rounds) {
    models::ChatRequest request;
    request.tools.push_back({.name = "look_up"});
    const auto say = [&](models::Role role, models::ContentBlock block) {
        request.messages.push_back({.role = role, .content = {std::move(block)}});
    };
    say(models::Role::user, models::TextBlock{"Who?"});
    for (int round = 0; round < 2; ++round) {
        EXPECT_EQ(with_defaults(request, {}).tools.size(), 1U);
        say(models::Role::assistant, models::ToolUseBlock{.id = "1", .name = "look_up"});
        say(models::Role::user,
            models::ToolResultBlock{.id = "1", .content = {models::TextBlock{"Ada"}}});
    }
    const auto last = with_defaults(request, {});
    EXPECT_TRUE(last.tools.empty());
    EXPECT_EQ(std::get<models::TextBlock>(last.messages.back().content[0]).text, "Ada");
}

}  // namespace
}  // namespace ac::embedded
