#include "embedded/forced_tool.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "async/run.h"

namespace ac::embedded {
namespace {

namespace json = boost::json;
using models::ToolChoice;

class Said final : public models::ChatStream {
  public:
    explicit Said(std::vector<models::ChatEvent> events) : events_(std::move(events)) {}
    Task<std::optional<models::ChatEvent>> next() override {
        if (at_ == events_.size()) co_return std::nullopt;
        co_return events_[at_++];
    }
    bool is_ready() const override { return true; }

  private:
    const std::vector<models::ChatEvent> events_;
    std::size_t at_ = 0;
};

models::ChatRequest request_with(std::vector<std::string> tools, std::optional<ToolChoice> choice) {
    models::ChatRequest request;
    for (const std::string& name : tools) {
        request.tools.push_back(
            {.name = name,
             .description = "does " + name,
             .input_schema = json::parse(R"({"type":"object","properties":{"city":{}}})")});
    }
    request.tool_choice = std::move(choice);
    return request;
}

models::ChatAnswer answer_to(const std::string& text, ForcedTool tool,
                             models::StopReason reason = models::StopReason::end_turn) {
    std::vector<models::ChatEvent> events{models::MessageStart{}, models::BlockStart{}};
    for (const char c : text)
        events.emplace_back(models::BlockDelta{.delta = models::TextDelta{std::string(1, c)}});
    events.emplace_back(models::BlockStop{});
    events.emplace_back(models::MessageStop{.reason = reason});
    events.emplace_back(models::Metadata{.usage = {.input_tokens = 3, .output_tokens = 4}});
    const auto stream = as_tool_call(std::make_unique<Said>(std::move(events)), std::move(tool));
    Loop loop;
    auto answer = run_on(loop, models::collect(*stream));
    EXPECT_TRUE(answer.has_value());
    return answer ? std::move(*answer) : models::ChatAnswer{};
}

TEST(ForcedTool, nothing_changes_where_no_call_is_forced) {
    for (const auto& choice :
         {std::optional<ToolChoice>(), std::optional(ToolChoice{}),
          std::optional(ToolChoice{.kind = ToolChoice::Kind::none, .name = {}})}) {
        auto request = request_with({"weather"}, choice);
        EXPECT_FALSE(force_tool(request));
        EXPECT_EQ(request.tools.size(), 1U);
        EXPECT_FALSE(request.output_format);
    }
}

TEST(ForcedTool, the_named_tools_schema_becomes_the_format) {
    auto request = request_with({"weather", "news"},
                                ToolChoice{.kind = ToolChoice::Kind::tool, .name = "news"});
    const auto forced = force_tool(request);
    ASSERT_TRUE(forced);
    EXPECT_EQ(forced->name, "news");
    EXPECT_TRUE(request.tools.empty());
    EXPECT_FALSE(request.tool_choice);
    ASSERT_TRUE(request.output_format);
    EXPECT_EQ(request.output_format->schema,
              json::parse(R"({"type":"object","properties":{"city":{}}})"));
    EXPECT_NE(std::get<models::TextBlock>(request.system.back()).text.find("news: does news"),
              std::string::npos);
}

TEST(ForcedTool, any_of_several_lets_the_model_choose_by_name) {
    auto request = request_with({"weather", "news"}, ToolChoice{.kind = ToolChoice::Kind::any});
    const auto forced = force_tool(request);
    ASSERT_TRUE(forced);
    EXPECT_EQ(forced->name, "");
    EXPECT_EQ(request.output_format->schema.at("anyOf").as_array().size(), 2U);
}

TEST(ForcedTool, an_earlier_call_is_text_and_its_id_is_not_used_again) {
    auto request = request_with({"weather"}, ToolChoice{.kind = ToolChoice::Kind::any});
    request.messages = {{.role = models::Role::assistant,
                         .content = {models::ToolUseBlock{.id = "tooluse_0", .name = "weather"}}},
                        {.role = models::Role::user,
                         .content = {models::ToolResultBlock{
                             .id = "tooluse_0", .content = {models::TextBlock{"rain"}}}}}};
    const auto forced = force_tool(request);
    ASSERT_TRUE(forced);
    EXPECT_EQ(forced->id, "tooluse_1");
    EXPECT_EQ(std::get<models::TextBlock>(request.messages[1].content[0]).text, "rain");
}

TEST(ForcedTool, the_answer_is_a_call) {
    const auto one = answer_to(R"({"city":"Seoul"})", {.name = "weather", .id = "tooluse_0"});
    EXPECT_EQ(one.stop_reason, models::StopReason::tool_use);
    ASSERT_EQ(one.message.content.size(), 1U);
    const auto& use = std::get<models::ToolUseBlock>(one.message.content[0]);
    EXPECT_EQ(use.name, "weather");
    EXPECT_EQ(use.id, "tooluse_0");
    EXPECT_EQ(json::serialize(use.input), R"({"city":"Seoul"})");
    EXPECT_EQ(one.usage.output_tokens, 4);

    const auto chosen =
        answer_to(R"({"name":"news","input":{"city":"Busan"}})", {.name = {}, .id = "tooluse_0"});
    EXPECT_EQ(std::get<models::ToolUseBlock>(chosen.message.content[0]).name, "news");
}

TEST(ForcedTool, what_is_no_call_stays_text) {
    for (const char* text : {R"({"city":"Seo)", "", "[1]", "Seoul"}) {
        const auto answer =
            answer_to(text, {.name = "weather", .id = "1"}, models::StopReason::max_tokens);
        EXPECT_EQ(answer.stop_reason, models::StopReason::max_tokens);
        ASSERT_EQ(answer.message.content.size(), 1U) << text;
        EXPECT_EQ(std::get<models::TextBlock>(answer.message.content[0]).text, text);
    }
    const auto answer = answer_to(R"({"name":7,"input":{}})", {.name = {}, .id = "1"});
    EXPECT_EQ(answer.stop_reason, models::StopReason::end_turn);
}

}  // namespace
}  // namespace ac::embedded
