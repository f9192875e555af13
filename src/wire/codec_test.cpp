#include "wire/codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace ac::wire {
namespace {

using testing::HasSubstr;

class CodecTest : public testing::Test {
  protected:
    struct Request {
        std::vector<PathLabel> labels;
        std::string query;
        net::Headers headers;
        std::string body;
    };

    Result<json::object> decode(std::string_view operation, const Request& request) {
        const OperationSpec* spec = find_operation(operation);
        AC_ASSERT(spec != nullptr);
        const net::RequestHead head{.method = std::string(spec->method),
                                    .target = "/?" + request.query,
                                    .headers = request.headers};
        return codec_.decode(*spec, request.labels, head,
                             body_use(*spec) == BodyUse::none ? nullptr : &request.body, random_);
    }
    Result<json::object> create_memory(std::string body) {
        return decode("CreateMemory", {.body = std::move(body)});
    }
    net::Response encode(std::string_view operation, std::string_view output) {
        return codec_.encode(*find_operation(operation), json::parse(output).as_object());
    }

    Codec codec_;
    SeededRandom random_{1};
};

std::string names_of(const Error& error) {
    std::string out;
    for (const FieldError& field : error.fields) out += field.path + " ";
    return out;
}

TEST_F(CodecTest, members_come_from_path_query_headers_and_body) {
    const auto input =
        decode("StopRuntimeSession",
               {.labels = {{"agentRuntimeArn",
                            "arn:aws:bedrock-agentcore:us-west-2:123456789012:"
                            "runtime/agent-0123456789"}},
                .query = "qualifier=DEFAULT",
                .headers = {{"x-amzn-bedrock-agentcore-runtime-session-id", "session-123"}},
                .body = R"({"clientToken":"0123456789012345678901234567890123"})"});
    ASSERT_TRUE(input) << input.error().message;
    EXPECT_EQ(input->at("qualifier").as_string(), "DEFAULT");
    EXPECT_EQ(input->at("runtimeSessionId").as_string(), "session-123");
    EXPECT_TRUE(input->contains("agentRuntimeArn"));
    EXPECT_TRUE(input->contains("clientToken"));
}

TEST_F(CodecTest, a_missing_required_member_is_named) {
    const auto input = create_memory(R"({"eventExpiryDuration":30})");
    ASSERT_FALSE(input);
    EXPECT_EQ(input.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(input.error().reason, "FieldValidationFailed");
    EXPECT_EQ(input.error().message,
              "1 validation error detected: Value at 'name' failed to satisfy constraint: Member "
              "must not be null");
}

TEST_F(CodecTest, null_counts_as_absent) {
    EXPECT_FALSE(create_memory(R"({"name":null,"eventExpiryDuration":30})"));
    const auto input = create_memory(R"({"name":"a","eventExpiryDuration":30,"description":null})");
    ASSERT_TRUE(input);
    EXPECT_FALSE(input->contains("description"));
}

TEST_F(CodecTest, every_violation_is_reported_with_its_path) {
    const auto input = create_memory(R"({
        "name": "1bad name", "eventExpiryDuration": 0, "description": "",
        "memoryStrategies": [{"semanticMemoryStrategy": {"name": "-"}}]})");
    ASSERT_FALSE(input);
    EXPECT_THAT(input.error().message, HasSubstr("4 validation errors detected"));
    const std::string names = names_of(input.error());
    EXPECT_THAT(names, HasSubstr("name "));
    EXPECT_THAT(names, HasSubstr("eventExpiryDuration "));
    EXPECT_THAT(names, HasSubstr("description "));
    EXPECT_THAT(names, HasSubstr("memoryStrategies.0.semanticMemoryStrategy.name "));
    EXPECT_THAT(input.error().message, testing::Not(HasSubstr("1bad name")));
}

TEST_F(CodecTest, a_pattern_must_match_the_whole_value) {
    EXPECT_TRUE(create_memory(R"({"name":"ok_1","eventExpiryDuration":30})"));
    EXPECT_FALSE(create_memory(R"({"name":"ok_1 ","eventExpiryDuration":30})"));
    EXPECT_FALSE(create_memory(R"({"name":"ok_1\n","eventExpiryDuration":30})"));
    EXPECT_FALSE(create_memory(R"({"name":"ok\u0000","eventExpiryDuration":30})"));
}

TEST_F(CodecTest, integers_may_be_written_as_doubles_but_must_be_whole) {
    for (const char* good : {"30", "30.0", "3e1", "300E-1"}) {
        const auto input =
            create_memory(std::string(R"({"name":"a","eventExpiryDuration":)") + good + "}");
        ASSERT_TRUE(input) << good;
        EXPECT_EQ(input->at("eventExpiryDuration").as_int64(), 30) << good;
    }
    for (const char* bad : {"30.5", "\"30\"", "true", "1e300", "99999999999999999999", "[30]", "{}",
                            "4294967326", "-9223372036854775809"}) {
        const auto input =
            create_memory(std::string(R"({"name":"a","eventExpiryDuration":)") + bad + "}");
        ASSERT_FALSE(input) << bad;
        EXPECT_EQ(input.error().reason, "CannotParse") << bad;
    }
}

TEST_F(CodecTest, broken_json_cannot_be_parsed) {
    for (const std::string bad :
         {"{", "[]", "\"x\"", "{\"name\":\"a\",}", "{} x", "{\"name\":\"\xff\"}",
          "{\"name\":\"a\",\"name\":\"b\",\"eventExpiryDuration\":30}", "nul", "{'name':1}",
          "{\"name\":\"\\ud800\"}"}) {
        const auto input = create_memory(bad);
        ASSERT_FALSE(input) << bad;
        EXPECT_EQ(input.error().reason, "CannotParse") << bad;
    }
    EXPECT_FALSE(create_memory(std::string(1'000'000, '[')));
    EXPECT_FALSE(create_memory(std::string(R"({"x":)") + std::string(100, '[') +
                               std::string(100, ']') + "}"));
}

TEST_F(CodecTest, unknown_members_are_dropped) {
    const auto input = create_memory(R"({"name":"a","eventExpiryDuration":30,"fresh":{"x":1}})");
    ASSERT_TRUE(input);
    EXPECT_FALSE(input->contains("fresh"));
}

TEST_F(CodecTest, a_union_has_exactly_one_member) {
    const auto with = [&](std::string_view strategy) {
        return create_memory(R"({"name":"a","eventExpiryDuration":30,"memoryStrategies":[)" +
                             std::string(strategy) + "]}");
    };
    EXPECT_TRUE(with(R"({"semanticMemoryStrategy":{"name":"s"}})"));
    EXPECT_TRUE(with(R"({"semanticMemoryStrategy":{"name":"s"},"summaryMemoryStrategy":null})"));
    EXPECT_FALSE(with("{}"));
    EXPECT_FALSE(with(R"({"unknown":{}})"));
    EXPECT_FALSE(
        with(R"({"semanticMemoryStrategy":{"name":"s"},"summaryMemoryStrategy":{"name":"t"}})"));
    EXPECT_FALSE(with("null"));
}

TEST_F(CodecTest, an_idempotency_token_is_made_up_when_absent) {
    const auto input = create_memory(R"({"name":"a","eventExpiryDuration":30})");
    ASSERT_TRUE(input);
    EXPECT_EQ(input->at("clientToken").as_string().size(), 36U);
}

TEST_F(CodecTest, lengths_count_code_points) {
    std::string name;
    for (int i = 0; i < 4096; ++i) name += "ä";
    const auto with = [&](const std::string& text) {
        return create_memory(R"({"name":"a","eventExpiryDuration":30,"description":")" + text +
                             "\"}");
    };
    EXPECT_TRUE(with(name));
    EXPECT_FALSE(with(name + "x"));
}

TEST_F(CodecTest, timestamps_become_milliseconds_in_every_form) {
    for (const char* form : {"1756147154.123", "\"2025-08-25T18:39:14.123Z\""}) {
        const auto input = decode(
            "CreateEvent", {.labels = {{"memoryId", "memory_a-0123456789"}},
                            .body = std::string(R"({"actorId":"a","sessionId":"s","payload":)"
                                                R"([],"eventTimestamp":)") +
                                    form + "}"});
        ASSERT_TRUE(input) << input.error().message;
        EXPECT_EQ(input->at("eventTimestamp").as_int64(), 1756147154123) << form;
    }
    for (const char* bad : {"\"yesterday\"", "1e300", "true", "{}"})
        EXPECT_FALSE(decode("CreateEvent", {.labels = {{"memoryId", "memory_a-0123456789"}},
                                            .body = std::string(R"({"actorId":"a","payload":[],)"
                                                                R"("eventTimestamp":)") +
                                                    bad + "}"}))
            << bad;
}

TEST_F(CodecTest, list_parameters_repeat_their_key) {
    const auto input = decode(
        "UntagResource",
        {.labels = {{"resourceArn",
                     "arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/a-0123456789"}},
         .query = "tagKeys=a&tagKeys=b%20c&tagKeys=d%2Be"});
    ASSERT_TRUE(input) << input.error().message;
    EXPECT_EQ(json::serialize(input->at("tagKeys")), R"(["a","b c","d+e"])");
}

TEST_F(CodecTest, query_integers_are_checked) {
    EXPECT_TRUE(decode("ListAgentRuntimes", {.query = "maxResults=10"}));
    EXPECT_FALSE(decode("ListAgentRuntimes", {.query = "maxResults=0"}));
    EXPECT_FALSE(decode("ListAgentRuntimes", {.query = "maxResults=ten"}));
    EXPECT_FALSE(decode("ListAgentRuntimes", {.query = "maxResults=%4"}));
    EXPECT_FALSE(decode("ListAgentRuntimes", {.query = "maxResults="}));
}

TEST_F(CodecTest, short_session_ids_are_taken) {
    const PathLabel arn{"agentRuntimeArn", "agent-0123456789"};
    const auto with = [&](const std::string& id) {
        return decode("InvokeAgentRuntime",
                      {.labels = {arn},
                       .headers = {{"X-Amzn-Bedrock-AgentCore-Runtime-Session-Id", id}},
                       .body = "raw \xff bytes"});
    };
    const auto input = with("session-123");
    ASSERT_TRUE(input) << input.error().message;
    EXPECT_EQ(input->at("payload").as_string(), "raw \xff bytes");
    EXPECT_FALSE(with(std::string(257, 'a')));
    EXPECT_EQ(with("")->at("runtimeSessionId").as_string().size(), 36U);
}

TEST_F(CodecTest, tool_schemas_keep_words_that_the_model_does_not_know) {
    const auto input =
        decode("CreateGatewayTarget",
               {.labels = {{"gatewayIdentifier", "gate-0123456789"}},
                .body = R"({"name":"t","targetConfiguration":{"mcp":{"lambda":{"toolSchema":{
             "inlinePayload":[{"name":"f","description":"d","inputSchema":{"type":"object",
             "properties":{"unit":{"type":"string","enum":["C","F"]}}}}]}}}}})"});
    ASSERT_TRUE(input) << input.error().message;
    EXPECT_THAT(json::serialize(*input), HasSubstr(R"("enum":["C","F"])"));
}

TEST_F(CodecTest, outputs_are_written_in_the_modelled_forms) {
    const auto memory = encode("GetMemory", R"({"memory":{"arn":"a","createdAt":1756147154120,
        "updatedAt":1756147154000,"description":null}})");
    EXPECT_EQ(memory.status, 200);
    EXPECT_EQ(memory.body,
              R"({"memory":{"arn":"a","createdAt":1756147154.12,"updatedAt":1756147154}})");
    const auto runtime = encode("GetAgentRuntime", R"({"createdAt":1756147154120})");
    EXPECT_EQ(runtime.body, R"({"createdAt":"2025-08-25T18:39:14.120Z"})");
    EXPECT_EQ(runtime.headers.get("Content-Type"), "application/json");
}

TEST_F(CodecTest, header_and_status_members_leave_the_body) {
    const auto stopped =
        encode("StopRuntimeSession", R"({"runtimeSessionId":"s","statusCode":200})");
    EXPECT_EQ(stopped.headers.get("X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"), "s");
    EXPECT_EQ(stopped.body, "{}");
    const auto deleted = encode("TagResource", "{}");
    EXPECT_EQ(deleted.status, 204);
    EXPECT_EQ(deleted.body, "");
    EXPECT_FALSE(deleted.headers.contains("Content-Type"));
}

TEST_F(CodecTest, a_misfit_of_a_handler_is_left_out) {
    const auto memory = encode("GetMemory", R"({"memory":{"createdAt":"now","name":7},"x":1})");
    EXPECT_EQ(memory.body, R"({"memory":{}})");
}

TEST_F(CodecTest, broken_utf8_of_a_handler_is_mended) {
    json::object memory;
    memory["name"] = "a\xff\xc3\xa4\xe2\x82";
    json::object output;
    output["memory"] = std::move(memory);
    EXPECT_EQ(codec_.encode(*find_operation("GetMemory"), output).body,
              "{\"memory\":{\"name\":\"a\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\"}}");
}

TEST_F(CodecTest, headers_cannot_be_smuggled_through_output_members) {
    const auto stopped = encode("StopRuntimeSession", R"({"runtimeSessionId":"s\r\nx: y"})");
    EXPECT_FALSE(stopped.headers.contains("X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"));
}

TEST(patterns, every_pattern_of_the_model_compiles) {
    Patterns patterns;
    for (const Shape* shape : all_shapes()) {
        if (shape->pattern.empty()) continue;
        patterns.add(shape->pattern);
        patterns.matches(shape->pattern, "probe");
    }
}

TEST(patterns, a_hostile_value_is_given_up) {
    static constexpr std::string_view kSlow = "(a|a)*(a|a)*(a|a)*b";
    Patterns patterns;
    patterns.add(kSlow);
    EXPECT_FALSE(patterns.matches(kSlow, std::string(100'000, 'a')));
    EXPECT_TRUE(patterns.matches(kSlow, "aab"));
}

}  // namespace
}  // namespace ac::wire
