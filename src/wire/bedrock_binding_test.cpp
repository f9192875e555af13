#include "wire/bedrock_binding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

#include "async/run.h"
#include "base/encoding.h"
#include "wire/event_stream.h"
#include "wire/testing/fake_exchange.h"
#include "wire/testing/fake_models.h"

namespace ac::wire {
namespace {

using ::testing::ElementsAre;
using testing::FakeExchange;
using testing::FakeModels;
using ::testing::HasSubstr;

constexpr std::string_view kHello = R"({"messages":[{"role":"user","content":[{"text":"Hi"}]}]})";

class BedrockTest : public ::testing::Test {
  protected:
    BedrockTest() { bind_models(*api_, models_); }

    Task<> serve(FakeExchange& exchange) {
        CallContext context;
        context.request_id = "request-1";
        context.scope = {.account = "123456789012", .region = "us-west-2"};
        co_await api_->serve(exchange, std::move(context), exchange.body());
        co_return Result<>();
    }

    net::Response call(std::string target, std::string_view body, std::string method = "POST") {
        net::RequestHead head{.method = std::move(method), .target = std::move(target)};
        FakeExchange exchange(std::move(head), std::string(body));
        EXPECT_TRUE(run_on(loop_, serve(exchange)));
        EXPECT_TRUE(exchange.finished() || exchange.aborted);
        return std::move(exchange.response);
    }

    static json::value parsed(const net::Response& response) { return json::parse(response.body); }
    static std::string type_of(const net::Response& response) {
        return std::string(response.headers.get("x-amzn-errortype"));
    }
    // "contentBlockDelta {...}", or "exception throttlingException {...}".
    static std::vector<std::string> events_of(const net::Response& response) {
        EventDecoder decoder;
        decoder.feed(response.body);
        std::vector<std::string> out;
        while (true) {
            const auto message = decoder.next();
            EXPECT_TRUE(message);
            if (!message || !*message) break;
            const EventMessage& got = **message;
            if (got.header(":message-type") == "exception") {
                out.push_back("exception " + std::string(got.header(":exception-type")));
            } else {
                out.push_back(std::string(got.header(":event-type")) + " " + got.payload);
            }
        }
        EXPECT_TRUE(decoder.is_empty());
        return out;
    }
    // What is inside the frames of InvokeModelWithResponseStream.
    static std::vector<json::value> chunks_of(const net::Response& response) {
        std::vector<json::value> out;
        for (const std::string& event : events_of(response)) {
            EXPECT_THAT(event, ::testing::StartsWith("chunk "));
            const auto payload = json::parse(event.substr(6));
            const auto& bytes = payload.at("bytes").as_string();
            out.push_back(json::parse(from_base64({bytes.data(), bytes.size()}).value_or("null")));
        }
        return out;
    }
    std::string field_of(const net::Response& response) {
        const auto body = parsed(response);
        return json::value_to<std::string>(body.at("fieldList").at(0).at("name"));
    }

    Loop loop_;
    SystemClock clock_;
    FakeModels models_;
    std::unique_ptr<Api> api_ = make_api(clock_);
};

TEST_F(BedrockTest, converse_answers_the_message_with_usage_and_metrics) {
    const auto response = call("/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse", kHello);
    ASSERT_EQ(response.status, 200) << response.body;
    EXPECT_EQ(parsed(response), json::parse(R"({
        "output": {"message": {"role": "assistant", "content": [{"text": "Hello"}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5},
        "metrics": {"latencyMs": 5}})"));
    EXPECT_EQ(models_.requests.at(0).model, "anthropic.claude-3-haiku-20240307-v1:0");
    EXPECT_EQ(models_.callers.at(0).account, "123456789012");
}

TEST_F(BedrockTest, an_arn_names_the_model_at_its_end) {
    call(
        "/model/arn%3Aaws%3Abedrock%3Aus-west-2%3A123456789012%3Ainference-profile%2F"
        "us.anthropic.claude-3-7-sonnet-20250219-v1%3A0/converse",
        kHello);
    EXPECT_EQ(models_.requests.at(0).model, "us.anthropic.claude-3-7-sonnet-20250219-v1:0");
}

TEST_F(BedrockTest, a_stream_has_bedrocks_events_in_bedrocks_order) {
    const auto response = call("/model/any/converse-stream", kHello);
    EXPECT_EQ(response.headers.get("Content-Type"), kEventStreamType);
    EXPECT_THAT(
        events_of(response),
        ElementsAre(R"(messageStart {"role":"assistant"})",
                    R"(contentBlockDelta {"delta":{"text":"Hel"},"contentBlockIndex":0})",
                    R"(contentBlockDelta {"delta":{"text":"lo"},"contentBlockIndex":0})",
                    R"(contentBlockStop {"contentBlockIndex":0})",
                    R"(messageStop {"stopReason":"end_turn"})",
                    R"(metadata {"usage":{"inputTokens":3,"outputTokens":2,"totalTokens":5},)"
                    R"("metrics":{"latencyMs":5}})"));
}

TEST_F(BedrockTest, a_tool_call_streams_its_start_and_its_input) {
    models_.events = FakeModels::tool_call();
    const auto events = events_of(call("/model/any/converse-stream", kHello));
    ASSERT_EQ(events.size(), 7U);
    EXPECT_EQ(events[1],
              R"(contentBlockStart {"start":{"toolUse":{"toolUseId":"call_1","name":"weather"}},)"
              R"("contentBlockIndex":0})");
    EXPECT_EQ(events[2], R"(contentBlockDelta {"delta":{"toolUse":{"input":"{\"city\":"}},)"
                         R"("contentBlockIndex":0})");
    EXPECT_EQ(events[5], R"(messageStop {"stopReason":"tool_use"})");
}

TEST_F(BedrockTest, an_error_inside_a_stream_is_an_exception_that_the_stream_declares) {
    struct Case {
        ErrorCode code;
        std::string exception;
    };
    for (const Case& c : {Case{ErrorCode::throttled, "throttlingException"},
                          Case{ErrorCode::guest_failed, "modelStreamErrorException"},
                          Case{ErrorCode::deadline_exceeded, "modelStreamErrorException"},
                          Case{ErrorCode::unavailable, "serviceUnavailableException"},
                          Case{ErrorCode::internal, "internalServerException"}}) {
        models_.events = {models::MessageStart{}};
        models_.error = Error{.code = c.code, .message = "broken"};
        EXPECT_THAT(
            events_of(call("/model/any/converse-stream", kHello)),
            ElementsAre(R"(messageStart {"role":"assistant"})", "exception " + c.exception));
    }
}

TEST_F(BedrockTest, an_error_before_the_stream_has_its_status) {
    struct Case {
        Error error;
        std::string exception;
        int status;
    };
    const std::string text = "told";
    for (const Case& c :
         {Case{{.code = ErrorCode::throttled, .message = text}, "ThrottlingException", 429},
          Case{{.code = ErrorCode::deadline_exceeded, .message = text},
               "ModelTimeoutException",
               408},
          Case{{.code = ErrorCode::guest_failed, .message = text}, "ModelErrorException", 424},
          Case{{.code = ErrorCode::unavailable, .message = text},
               "ServiceUnavailableException",
               503},
          Case{models::model_not_ready(text), "ModelNotReadyException", 429},
          Case{{.code = ErrorCode::not_found, .message = text}, "ResourceNotFoundException", 404},
          Case{{.code = ErrorCode::permission_denied, .message = text},
               "AccessDeniedException",
               403}}) {
        models_.refusal = c.error;
        for (const char* path : {"/model/any/converse", "/model/any/converse-stream"}) {
            const auto response = call(path, kHello);
            EXPECT_EQ(response.status, c.status) << c.exception;
            EXPECT_EQ(type_of(response), c.exception);
            EXPECT_EQ(parsed(response).at("message"), "told");
        }
    }
}

TEST_F(BedrockTest, a_caller_that_goes_away_ends_the_models_work) {
    models_.events = {models::MessageStart{}};
    models_.hangs = true;
    for (const char* path : {"/model/any/converse", "/model/any/converse-stream"}) {
        net::RequestHead head{.method = "POST", .target = path};
        FakeExchange exchange(std::move(head), std::string(kHello));
        const auto leave = [](FakeExchange& from) -> Task<> {
            from.close();
            co_return Result<>();
        };
        const auto both = [&]() -> Task<> {
            using namespace asio::experimental::awaitable_operators;
            co_await (serve(exchange) && leave(exchange));
            co_return Result<>();
        };
        EXPECT_TRUE(run_on(loop_, both()));
        EXPECT_EQ(models_.streams_alive, 0);
    }
    EXPECT_EQ(models_.requests.size(), 2U);
}

struct BadInput {
    std::string body;
    std::string field;
    std::string says;
};

const std::string kUser = R"({"role":"user","content":[{"text":"Hi"}]})";

std::string assistant(const std::string& content) {
    return R"({"role":"assistant","content":[)" + content + "]}";
}

std::string from_user(const std::string& content) {
    return R"({"role":"user","content":[)" + content + "]}";
}

std::string called(const std::string& id, const std::string& input = "{}") {
    return R"({"toolUse":{"toolUseId":")" + id + R"(","name":"t","input":)" + input + "}}";
}

std::string messages(const std::string& list, const std::string& more = {}) {
    return R"({"messages":[)" + list + "]" + more + "}";
}

std::string tool(const std::string& schema) {
    return R"(,"toolConfig":{"tools":[{"toolSpec":{"name":"t","inputSchema":{"json":)" + schema +
           "}}}]}";
}

std::string with_tools(const std::string& list) {
    return messages(list, tool(R"({"type":"object"})"));
}

const std::vector<BadInput> kBadContent = {
    {R"({})", "messages", "start with a user message"},
    {messages(""), "messages", "start with a user message"},
    {messages(assistant(R"({"text":"x"})")), "messages.0.role", "start with a user message"},
    {messages(from_user("")), "messages.0.content", "is empty"},
    {messages(from_user(R"({"text":" \n"})")), "messages.0.content.0.text", "is blank"},
    {messages(from_user(R"({"sound":{}})")), "messages.0.content.0", "exactly one"},
    {messages(R"({"role":"nobody","content":[{"text":"x"}]})"), "messages.0.role", "enum"},
    {messages(from_user(R"({"image":{"format":"png","source":{"bytes":"?"}}})")),
     "messages.0.content.0.image.source.bytes", "base64"},
    {messages(from_user(R"({"video":{"format":"mp4","source":{"bytes":"AA=="}}})")),
     "messages.0.content.0.video", "not supported"},
    {messages(from_user(R"({"document":{"name":"d","source":{"text":"x"}}})")),
     "messages.0.content", "Add a text block"},
    {messages(kUser, R"(,"inferenceConfig":{"temperature":2})"), "inferenceConfig.temperature",
     "less than or equal"},
    {messages(kUser, R"(,"additionalModelRequestFields":[1])"), "additionalModelRequestFields",
     "JSON object"},
    {messages(kUser, R"(,"guardrailConfig":{"guardrailIdentifier":"abc","guardrailVersion":"1"})"),
     "guardrailConfig", "no guardrails"},
};

const std::string kSchema = "toolConfig.tools.0.toolSpec.inputSchema.json";
const std::string kResultB =
    from_user(R"({"toolResult":{"toolUseId":"b","content":[{"text":"x"}]}})");

const std::vector<BadInput> kBadTurns = {
    {messages(kUser + "," + assistant(R"({"text":"a"})") + "," + assistant(R"({"text":"b"})")),
     "messages.2.role", "alternate"},
    {messages(kUser + "," + assistant(called("a"))), "toolConfig", "must be defined"},
    {with_tools(kUser + "," + assistant(called("a"))), "messages.2.content", "Expected toolResult"},
    {with_tools(kUser + "," + assistant(called("a")) + "," + kUser), "messages.2.content",
     "Expected toolResult"},
    {with_tools(kUser + "," + assistant(called("a")) + "," + kResultB),
     "messages.2.content.0.toolResult.toolUseId", "exceeds the number"},
    {with_tools(kResultB), "messages.0.content.0.toolResult.toolUseId", "exceeds"},
    {with_tools(kUser + "," + assistant(called("a") + "," + called("a"))),
     "messages.1.content.1.toolUse.toolUseId", "duplicate"},
    {with_tools(kUser + "," + assistant(called("a", "[]"))), "messages.1.content.0.toolUse.input",
     "json object"},
    {messages(kUser, tool("[]")), kSchema, "JSON Schema"},
    {messages(kUser, tool("{}")), kSchema + ".type", "object"},
    {messages(kUser, tool(R"({"type":"object","properties":{"x":{"type":"text"}}})")),
     kSchema + ".properties.x.type", "one of"},
    {messages(kUser, tool(R"({"type":"object","required":"x"})")), kSchema + ".required",
     "list of names"},
};

TEST_F(BedrockTest, bad_conversations_are_refused_by_the_name_of_the_member) {
    for (const auto* list : {&kBadContent, &kBadTurns}) {
        for (const BadInput& bad : *list) {
            for (const char* path : {"/model/any/converse", "/model/any/converse-stream"}) {
                const auto response = call(path, bad.body);
                ASSERT_EQ(response.status, 400) << bad.body << response.body;
                EXPECT_EQ(type_of(response), "ValidationException");
                EXPECT_EQ(field_of(response), bad.field) << bad.body;
                EXPECT_THAT(response.body, HasSubstr(bad.says)) << bad.body;
            }
        }
    }
    EXPECT_TRUE(models_.requests.empty());
}

TEST_F(BedrockTest, consecutive_messages_of_the_user_are_one_turn) {
    call("/model/any/converse", R"({"messages":[{"role":"user","content":[{"text":"a"}]},
        {"role":"user","content":[{"text":"b"}]}]})");
    ASSERT_EQ(models_.requests.at(0).messages.size(), 1U);
    EXPECT_EQ(models_.requests.at(0).messages[0].content.size(), 2U);
}

TEST_F(BedrockTest, what_the_model_said_besides_is_answered_by_pointer) {
    models::MessageStop stop{.reason = models::StopReason::stop_sequence, .stop_sequence = "END"};
    stop.additional_fields["deep"] = {{"inner", 7}};
    models_.events = {models::MessageStart{}, stop, models::Metadata{}};
    const auto response = call("/model/any/converse", R"({"messages":[{"role":"user",
        "content":[{"text":"a"}]}],"additionalModelResponseFieldPaths":
        ["/stop_sequence","/deep/inner","/none"]})");
    EXPECT_EQ(parsed(response).at("additionalModelResponseFields"),
              json::parse(R"({"stop_sequence":"END","deep":{"inner":7},"none":null})"));
    EXPECT_EQ(parsed(response).at("stopReason"), "stop_sequence");
}

TEST_F(BedrockTest, invoke_model_speaks_anthropics_language) {
    const auto response = call("/model/anthropic.claude-x/invoke",
                               R"({"anthropic_version":"bedrock-2023-05-31","max_tokens":9,
        "messages":[{"role":"user","content":"Hi"}]})");
    ASSERT_EQ(response.status, 200) << response.body;
    const auto body = parsed(response);
    EXPECT_EQ(body.at("content"), json::parse(R"([{"type":"text","text":"Hello"}])"));
    EXPECT_EQ(body.at("stop_reason"), "end_turn");
    EXPECT_EQ(body.at("usage").at("output_tokens"), 2);
    EXPECT_EQ(models_.requests.at(0).inference.max_tokens, 9);
}

TEST_F(BedrockTest, invoke_model_streams_anthropics_events_in_chunks) {
    models_.events = FakeModels::tool_call();
    const auto response = call("/model/x/invoke-with-response-stream",
                               R"({"anthropic_version":"bedrock-2023-05-31","max_tokens":9,
        "messages":[{"role":"user","content":"Hi"}]})");
    EXPECT_EQ(response.headers.get("X-Amzn-Bedrock-Content-Type"), "application/json");
    std::vector<std::string> types;
    for (const auto& chunk : chunks_of(response))
        types.push_back(json::value_to<std::string>(chunk.at("type")));
    EXPECT_THAT(types, ElementsAre("message_start", "content_block_start", "content_block_delta",
                                   "content_block_delta", "content_block_stop", "message_delta",
                                   "message_stop"));
}

TEST_F(BedrockTest, invoke_model_embeds_in_titans_and_coheres_forms) {
    const auto titan = call("/model/amazon.titan-embed-text-v2%3A0/invoke",
                            R"({"inputText":"a","dimensions":256})");
    ASSERT_EQ(titan.status, 200) << titan.body;
    EXPECT_EQ(parsed(titan).at("inputTextTokenCount"), 7);
    EXPECT_EQ(parsed(titan).at("embedding").as_array().size(), 3U);
    EXPECT_EQ(models_.embed_requests.at(0).dimensions, 256U);
    const auto cohere = call("/model/cohere.embed-english-v3/invoke",
                             R"({"texts":["a","b"],"input_type":"search_query",
                                 "embedding_types":["float","int8","ubinary"]})");
    ASSERT_EQ(cohere.status, 200) << cohere.body;
    const auto by_type = parsed(cohere).at("embeddings");
    EXPECT_EQ(by_type.at("float").as_array().size(), 2U);
    EXPECT_EQ(by_type.at("int8").at(0), json::parse("[76,-102,0]"));
    EXPECT_EQ(by_type.at("ubinary").at(0), json::parse("[128]"));
    EXPECT_EQ(models_.embed_requests.at(1).purpose, models::EmbedPurpose::query);
}

TEST_F(BedrockTest, other_bodies_of_models_are_served_in_their_form) {
    EXPECT_EQ(
        parsed(call("/model/amazon.titan-text-express-v1/invoke",
                    R"({"inputText":"Hi","textGenerationConfig":{"maxTokenCount":5}})"))
            .at("results"),
        json::parse(R"([{"tokenCount":2,"outputText":"Hello","completionReason":"FINISH"}])"));
    EXPECT_EQ(parsed(call("/model/meta.llama3/invoke", R"({"prompt":"Hi"})")).at("generation"),
              "Hello");
    const auto nova = call("/model/amazon.nova-lite-v1%3A0/invoke",
                           R"({"messages":[{"role":"user","content":[{"text":"Hi"}]}],
                               "inferenceConfig":{"max_new_tokens":8}})");
    ASSERT_EQ(nova.status, 200) << nova.body;
    EXPECT_EQ(parsed(nova).at("output").at("message").at("content").at(0).at("text"), "Hello");
    EXPECT_EQ(models_.requests.back().inference.max_tokens, 8);
    const auto unknown = call("/model/x/invoke", R"({"question":"Hi"})");
    EXPECT_EQ(unknown.status, 400);
    EXPECT_THAT(unknown.body, HasSubstr("Cohere embeddings"));
}

TEST_F(BedrockTest, tokens_are_counted_in_either_form) {
    const auto converse =
        call("/model/x/count-tokens", R"({"input":{"converse":)" + std::string(kHello) + "}}");
    EXPECT_EQ(parsed(converse), json::parse(R"({"inputTokens":42})"));
    const std::string body = to_base64(R"({"anthropic_version":"bedrock-2023-05-31",
        "max_tokens":1,"messages":[{"role":"user","content":"Hi"}]})");
    const auto invoke =
        call("/model/x/count-tokens", R"({"input":{"invokeModel":{"body":")" + body + "\"}}}");
    EXPECT_EQ(parsed(invoke), json::parse(R"({"inputTokens":42})"));
}

TEST_F(BedrockTest, the_catalogue_lists_known_models_and_profiles) {
    models_.known = {{.id = "my-local", .provider = "local", .upstream = "x"}};
    const auto all = parsed(call("/foundation-models", "", "GET")).at("modelSummaries").as_array();
    const auto embedding = parsed(call("/foundation-models?byOutputModality=EMBEDDING", "", "GET"));
    EXPECT_GT(all.size(), embedding.at("modelSummaries").as_array().size());
    EXPECT_EQ(all.back().at("modelId"), "my-local");
    const auto one = call("/foundation-models/amazon.nova-lite-v1%3A0", "", "GET");
    EXPECT_EQ(parsed(one).at("modelDetails").at("providerName"), "Amazon");
    EXPECT_EQ(call("/foundation-models/no.such", "", "GET").status, 404);
    auto page = parsed(call("/inference-profiles?maxResults=2", "", "GET"));
    EXPECT_EQ(page.at("inferenceProfileSummaries").as_array().size(), 2U);
    EXPECT_EQ(page.at("nextToken"), "2");
    EXPECT_EQ(call("/inference-profiles?nextToken=x", "", "GET").status, 400);
    EXPECT_EQ(parsed(call("/inference-profiles/us.amazon.nova-lite-v1%3A0", "", "GET")).at("type"),
              "SYSTEM_DEFINED");
}

}  // namespace
}  // namespace ac::wire
