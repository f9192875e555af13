// One conversation with everything in it, in the words of each provider.

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "models/anthropic_request.h"
#include "models/converse_request.h"
#include "models/openai_request.h"

namespace ac::models {
namespace {

ChatRequest conversation() {
    ChatRequest request;
    request.model = "m";
    request.system = {TextBlock{"be kind"}, CachePointBlock{}};
    request.messages = {
        {Role::user,
         {TextBlock{"look"}, ImageBlock{"png", "abc"},
          DocumentBlock{.format = "txt", .name = "d", .bytes = "words"}}},
        {Role::assistant,
         {ReasoningBlock{.text = "hm", .signature = "s"}, TextBlock{"calling"},
          ToolUseBlock{"t1", "f", json::object{{"x", 1}}}}},
        {Role::user,
         {ToolResultBlock{"t1", {TextBlock{"one"}, JsonBlock{json::object{{"y", 2}}}}, true},
          TextBlock{"go on"}}}};
    request.tools = {{.name = "f",
                      .description = "does",
                      .input_schema = json::object{{"type", "object"}},
                      .cache_after = true}};
    request.tool_choice = ToolChoice{ToolChoice::Kind::tool, "f"};
    request.inference = {
        .max_tokens = 10, .temperature = 0.5, .top_p = 0.25, .stop_sequences = {"END"}};
    request.output_format = OutputFormat{.kind = OutputFormat::Kind::json_schema,
                                         .name = "n",
                                         .schema = json::object{{"type", "object"}}};
    request.additional_fields = {{"top_k", 5}};
    return request;
}

json::value parsed(std::string_view text) {
    return json::parse(text);
}

TEST(openai_request, says_everything) {
    const auto body = openai_request(conversation(), {}).value();
    EXPECT_EQ(body.at("messages"), parsed(R"([
        {"role":"system","content":"be kind"},
        {"role":"user","content":[{"type":"text","text":"look"},
            {"type":"image_url","image_url":{"url":"data:image/png;base64,YWJj"}},
            {"type":"text","text":"<document name=\"d\">\nwords\n</document>"}]},
        {"role":"assistant","content":"calling","tool_calls":[{"id":"t1","type":"function",
            "function":{"name":"f","arguments":"{\"x\":1}"}}]},
        {"role":"tool","tool_call_id":"t1","content":"Error: one\n{\"y\":2}"},
        {"role":"user","content":"go on"}])"));
    EXPECT_EQ(body.at("tool_choice"), parsed(R"({"type":"function","function":{"name":"f"}})"));
    EXPECT_EQ(body.at("response_format").as_object().at("type"), "json_schema");
    EXPECT_EQ(body.at("stop"), parsed(R"(["END"])"));
    EXPECT_EQ(body.at("max_tokens"), 10);
    EXPECT_EQ(body.at("top_k"), 5);
    EXPECT_EQ(body.at("stream_options"), parsed(R"({"include_usage":true})"));
}

TEST(openai_request, leaves_out_what_only_claude_understands) {
    ChatRequest request = conversation();
    request.additional_fields["thinking"] = json::object{{"type", "enabled"}};
    request.additional_fields["model"] = "other";
    const auto body = openai_request(request, {}).value();
    EXPECT_FALSE(body.contains("thinking"));
    EXPECT_EQ(body.at("model"), "m");
}

TEST(openai_request, refuses_documents_that_it_cannot_carry) {
    ChatRequest request;
    request.messages = {{Role::user, {DocumentBlock{.format = "docx", .name = "d"}}}};
    EXPECT_EQ(openai_request(request, {}).error().code, ErrorCode::invalid_argument);
}

TEST(anthropic_request, says_everything) {
    const auto body = anthropic_request(conversation()).value();
    EXPECT_EQ(body.at("system"), parsed(R"([{"type":"text","text":"be kind",
        "cache_control":{"type":"ephemeral"}}])"));
    EXPECT_EQ(body.at("messages"), parsed(R"([
        {"role":"user","content":[{"type":"text","text":"look"},
            {"type":"image","source":{"type":"base64","media_type":"image/png","data":"YWJj"}},
            {"type":"document","title":"d","source":{"type":"text","media_type":"text/plain",
                "data":"words"}}]},
        {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"s"},
            {"type":"text","text":"calling"},
            {"type":"tool_use","id":"t1","name":"f","input":{"x":1}}]},
        {"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":[
            {"type":"text","text":"one"},{"type":"text","text":"{\"y\":2}"}],"is_error":true},
            {"type":"text","text":"go on"}]}])"));
    EXPECT_EQ(body.at("tools"), parsed(R"([{"name":"f","description":"does",
        "input_schema":{"type":"object"},"cache_control":{"type":"ephemeral"}}])"));
    EXPECT_EQ(body.at("tool_choice"), parsed(R"({"type":"tool","name":"f"})"));
    EXPECT_EQ(body.at("top_k"), 5);
}

TEST(converse_request, says_everything) {
    const json::object body = converse_request(conversation());
    EXPECT_EQ(body.at("system"),
              parsed(R"([{"text":"be kind"},{"cachePoint":{"type":"default"}}])"));
    EXPECT_EQ(body.at("messages"), parsed(R"([
        {"role":"user","content":[{"text":"look"},
            {"image":{"format":"png","source":{"bytes":"YWJj"}}},
            {"document":{"name":"d","source":{"bytes":"d29yZHM="},"format":"txt"}}]},
        {"role":"assistant","content":[
            {"reasoningContent":{"reasoningText":{"text":"hm","signature":"s"}}},
            {"text":"calling"},
            {"toolUse":{"toolUseId":"t1","name":"f","input":{"x":1}}}]},
        {"role":"user","content":[{"toolResult":{"toolUseId":"t1",
            "content":[{"text":"one"},{"json":{"y":2}}],"status":"error"}},
            {"text":"go on"}]}])"));
    EXPECT_EQ(body.at("inferenceConfig"), parsed(R"({"maxTokens":10,"temperature":0.5,
        "topP":0.25,"stopSequences":["END"]})"));
    EXPECT_EQ(body.at("toolConfig").as_object().at("toolChoice"),
              parsed(R"({"tool":{"name":"f"}})"));
    EXPECT_EQ(body.at("additionalModelRequestFields"), parsed(R"({"top_k":5})"));
}

}  // namespace
}  // namespace ac::models
