#include "wire/model_front.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

#include "async/run.h"
#include "wire/testing/fake_exchange.h"
#include "wire/testing/fake_models.h"

namespace ac::wire {
namespace {

using ::testing::ElementsAre;
using testing::FakeExchange;
using testing::FakeModels;
using ::testing::HasSubstr;

class SomeModels final : public Gate {
  public:
    Result<> admit(CallContext&, const json::object&, std::string_view) const override {
        return {};
    }
    Result<> check(const CallContext&, std::string_view action, std::string_view resource,
                   const access::RequestContext&) const override {
        asked.push_back(std::string(action) + " " + std::string(resource));
        if (resource.ends_with("/forbidden"))
            return fail(ErrorCode::permission_denied, "not this model");
        return {};
    }
    mutable std::vector<std::string> asked;
};

class ModelFrontTest : public ::testing::Test {
  protected:
    Task<> serve(FakeExchange& exchange) {
        CallContext context;
        context.request_id = "request-1";
        context.guest_runtime = "my-agent";
        co_await front_->serve(exchange, std::move(context), exchange.body());
        co_return Result<>();
    }

    net::Response call(std::string target, std::string body, std::string method = "POST",
                       net::Headers headers = {}) {
        net::RequestHead head{.method = std::move(method),
                              .target = std::move(target),
                              .headers = std::move(headers)};
        FakeExchange exchange(std::move(head), std::move(body));
        EXPECT_TRUE(run_on(loop_, serve(exchange)));
        EXPECT_TRUE(exchange.finished() || exchange.aborted);
        return std::move(exchange.response);
    }

    static json::value parsed(const net::Response& response) { return json::parse(response.body); }
    // The data of every event of a server-sent stream.
    static std::vector<std::string> data_of(const net::Response& response) {
        std::vector<std::string> out;
        std::string_view rest = response.body;
        for (auto at = rest.find("data: "); at != rest.npos; at = rest.find("data: ")) {
            rest.remove_prefix(at + 6);
            out.emplace_back(rest.substr(0, rest.find("\n\n")));
        }
        return out;
    }

    Loop loop_;
    SystemRandom random_;
    FakeModels models_;
    SomeModels gate_;
    std::unique_ptr<ModelFront> front_ = make_model_front(models_, gate_, random_);
};

const std::string kChat = R"({"model":"m","messages":[{"role":"user","content":"Hi"}])";

TEST_F(ModelFrontTest, a_chat_completion_is_answered) {
    const auto response = call("/v1/chat/completions", kChat + "}");
    ASSERT_EQ(response.status, 200) << response.body;
    const auto body = parsed(response);
    EXPECT_EQ(body.at("object"), "chat.completion");
    EXPECT_EQ(body.at("choices").at(0).at("message").at("content"), "Hello");
    EXPECT_EQ(body.at("choices").at(0).at("finish_reason"), "stop");
    EXPECT_EQ(body.at("usage").at("total_tokens"), 5);
    EXPECT_EQ(models_.callers.at(0).runtime, "my-agent");
}

TEST_F(ModelFrontTest, a_chat_completion_streams_chunks_and_says_done) {
    const auto response =
        call("/openai/v1/chat/completions",
             kChat + R"(,"stream":true,"stream_options":{"include_usage":true}})");
    EXPECT_THAT(std::string(response.headers.get("Content-Type")), HasSubstr("text/event-stream"));
    const auto data = data_of(response);
    ASSERT_EQ(data.size(), 6U);
    EXPECT_EQ(json::parse(data[0]).at("choices").at(0).at("delta"),
              json::parse(R"({"role":"assistant","content":""})"));
    EXPECT_EQ(json::parse(data[1]).at("choices").at(0).at("delta").at("content"), "Hel");
    EXPECT_EQ(json::parse(data[3]).at("choices").at(0).at("finish_reason"), "stop");
    EXPECT_EQ(json::parse(data[4]).at("usage").at("prompt_tokens"), 3);
    EXPECT_EQ(data[5], "[DONE]");
}

TEST_F(ModelFrontTest, tool_calls_stream_by_their_index) {
    models_.events = FakeModels::tool_call();
    const auto data = data_of(call("/v1/chat/completions", kChat + R"(,"stream":true})"));
    ASSERT_EQ(data.size(), 6U);
    EXPECT_EQ(json::parse(data[1]).at("choices").at(0).at("delta").at("tool_calls"),
              json::parse(R"([{"index":0,"id":"call_1","type":"function",
                               "function":{"name":"weather","arguments":""}}])"));
    EXPECT_EQ(json::parse(data[2]).at("choices").at(0).at("delta").at("tool_calls"),
              json::parse(R"([{"index":0,"function":{"arguments":"{\"city\":"}}])"));
    EXPECT_EQ(json::parse(data[4]).at("choices").at(0).at("finish_reason"), "tool_calls");
}

TEST_F(ModelFrontTest, openais_messages_become_turns) {
    const auto response = call("/v1/chat/completions", R"({"model":"m","messages":[
        {"role":"system","content":"Be kind."},
        {"role":"user","content":[{"type":"text","text":"a"},
            {"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw=="}}]},
        {"role":"assistant","content":null,"tool_calls":[
            {"id":"1","type":"function","function":{"name":"t","arguments":"{\"x\":1}"}},
            {"id":"2","type":"function","function":{"name":"t","arguments":""}}]},
        {"role":"tool","tool_call_id":"2","content":"two"},
        {"role":"tool","tool_call_id":"1","content":"one"},
        {"role":"user","content":"b"}],
        "tools":[{"type":"function","function":{"name":"t","parameters":{"type":"object"}}}],
        "tool_choice":"required","max_completion_tokens":7,"stop":"END","seed":5,
        "response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{}}}})");
    ASSERT_EQ(response.status, 200) << response.body;
    const auto& request = models_.requests.at(0);
    EXPECT_EQ(request.system.size(), 1U);
    ASSERT_EQ(request.messages.size(), 3U);
    EXPECT_EQ(request.messages[0].content.size(), 2U);
    EXPECT_EQ(std::get<models::ToolUseBlock>(request.messages[1].content[0]).input,
              json::parse(R"({"x":1})"));
    EXPECT_EQ(request.messages[2].content.size(), 3U);
    EXPECT_EQ(request.tool_choice->kind, models::ToolChoice::Kind::any);
    EXPECT_EQ(request.inference.max_tokens, 7);
    EXPECT_THAT(request.inference.stop_sequences, ElementsAre("END"));
    EXPECT_EQ(request.additional_fields.at("seed"), 5);
    EXPECT_EQ(request.output_format->name, "n");
}

struct BadBody {
    std::string body;
    std::string param;
};

std::string chat(const std::string& messages, const std::string& more = {}) {
    return R"({"model":"m","messages":[)" + messages + "]" + more + "}";
}

std::string asked_with(const std::string& more) {
    return chat(R"({"role":"user","content":"Hi"})", "," + more);
}

std::string part(const std::string& content) {
    return chat(R"({"role":"user","content":[)" + content + "]}");
}

std::string called(const std::string& function) {
    return chat(R"({"role":"assistant","tool_calls":[{"id":"1","function":)" + function + "}]}");
}

std::string tools(const std::string& function) {
    return asked_with(R"("tools":[{"type":"function","function":)" + function + "}]");
}

const std::vector<BadBody> kBadBodies = {
    {R"({"messages":[]})", "model"},
    {R"({"model":"m"})", "messages"},
    {R"({"model":"m","messages":{}})", "messages"},
    {chat(""), "messages"},
    {chat("7"), "messages.0"},
    {chat(R"({"role":"nobody","content":"x"})"), "messages.0.role"},
    {chat(R"({"role":"user"})"), "messages.0.content"},
    {chat(R"({"role":"user","content":7})"), "messages.0.content"},
    {part(R"({"type":"sound"})"), "messages.0.content.0.type"},
    {part(R"({"type":"image_url","image_url":{"url":"http://x"}})"),
     "messages.0.content.0.image_url.url"},
    {chat(R"({"role":"tool","tool_call_id":"1","content":"x"})"), "messages.0.tool_call_id"},
    {called(R"({"name":"t","arguments":"{"})"), "messages.0.tool_calls.0.function.arguments"},
    {called(R"({"name":"t"})"), "messages"},
    {asked_with(R"("n":2)"), "n"},
    {asked_with(R"("temperature":3)"), "temperature"},
    {asked_with(R"("max_tokens":"many")"), "max_tokens"},
    {asked_with(R"("stream":"yes")"), "stream"},
    {tools(R"({"name":"a b"})"), "tools.0.function.name"},
    {tools(R"({"name":"a","parameters":{"type":"x"}})"), "tools.0.function.parameters.type"},
    {asked_with(R"("tool_choice":"required")"), "tool_choice"},
    {asked_with(R"("response_format":{"type":"xml"})"), "response_format.type"},
};

TEST_F(ModelFrontTest, bad_chat_completions_are_refused_by_the_name_of_the_member) {
    for (const BadBody& bad : kBadBodies) {
        const auto response = call("/v1/chat/completions", bad.body);
        ASSERT_EQ(response.status, 400) << bad.body << response.body;
        EXPECT_EQ(parsed(response).at("error").at("type"), "invalid_request_error");
        EXPECT_EQ(parsed(response).at("error").at("param"), json::value(bad.param)) << bad.body;
    }
    EXPECT_TRUE(models_.requests.empty());
}

TEST_F(ModelFrontTest, errors_have_the_envelope_of_the_api) {
    models_.refusal = Error{.code = ErrorCode::throttled, .message = "slow down"};
    const auto openai = call("/v1/chat/completions", kChat + "}");
    EXPECT_EQ(openai.status, 429);
    EXPECT_EQ(parsed(openai).at("error").at("code"), "rate_limit_exceeded");
    const auto anthropic = call("/v1/messages", R"({"model":"m","max_tokens":1,"messages":[
        {"role":"user","content":"Hi"}]})");
    EXPECT_EQ(anthropic.status, 429);
    EXPECT_EQ(parsed(anthropic).at("type"), "error");
    EXPECT_EQ(parsed(anthropic).at("error").at("type"), "rate_limit_error");
    EXPECT_EQ(call("/v1/what", "{}").status, 404);
    EXPECT_EQ(call("/v1/chat/completions", "{}", "PUT").status, 404);
    EXPECT_EQ(call("/v1/chat/completions", "[").status, 400);
}

TEST_F(ModelFrontTest, a_stream_that_breaks_off_says_so) {
    models_.error = models::model_failed("broken");
    models_.events = {models::MessageStart{}};
    const auto openai = data_of(call("/v1/chat/completions", kChat + R"(,"stream":true})"));
    EXPECT_EQ(json::parse(openai.back()).at("error").at("message"), "broken");
    const auto anthropic = call("/v1/messages", R"({"model":"m","max_tokens":1,"stream":true,
        "messages":[{"role":"user","content":"Hi"}]})");
    EXPECT_THAT(anthropic.body, HasSubstr("event: error\n"));
}

TEST_F(ModelFrontTest, anthropics_messages_are_answered_and_streamed) {
    models_.events = {
        models::MessageStart{},
        models::BlockStart{.kind = models::BlockStart::Kind::reasoning},
        models::BlockDelta{.delta = models::ReasoningDelta{.text = "Hm"}},
        models::BlockDelta{.delta = models::ReasoningDelta{.signature = "sig"}},
        models::BlockStop{},
        models::MessageStop{.reason = models::StopReason::stop_sequence, .stop_sequence = "END"},
        models::Metadata{.usage = {.input_tokens = 3, .output_tokens = 1}}};
    const std::string body = R"({"model":"m","max_tokens":5,"system":"Be kind.",
        "messages":[{"role":"user","content":"Hi"}])";
    const auto whole = parsed(call("/v1/messages", body + "}"));
    EXPECT_EQ(whole.at("content"),
              json::parse(R"([{"type":"thinking","thinking":"Hm","signature":"sig"}])"));
    EXPECT_EQ(whole.at("stop_sequence"), "END");
    std::vector<std::string> types;
    for (const auto& data : data_of(call("/anthropic/v1/messages", body + R"(,"stream":true})")))
        types.push_back(json::value_to<std::string>(json::parse(data).at("type")));
    EXPECT_THAT(types, ElementsAre("message_start", "content_block_start", "content_block_delta",
                                   "content_block_delta", "content_block_stop", "message_delta",
                                   "message_stop"));
    const auto count = call("/v1/messages/count_tokens", R"({"model":"m","messages":[
        {"role":"user","content":"Hi"}]})");
    EXPECT_EQ(parsed(count), json::parse(R"({"input_tokens":42})"));
}

TEST_F(ModelFrontTest, a_call_needs_the_permission_of_bedrocks) {
    call("/v1/chat/completions", kChat + R"(,"stream":true})");
    EXPECT_THAT(gate_.asked, ElementsAre("bedrock:InvokeModelWithResponseStream "
                                         "arn:aws:bedrock:::foundation-model/m"));
    EXPECT_EQ(call("/v1/chat/completions",
                   R"({"model":"forbidden","messages":[{"role":"user","content":"Hi"}]})")
                  .status,
              403);
    EXPECT_EQ(call("/v1/messages", R"({"model":"forbidden","max_tokens":1,
                                       "messages":[{"role":"user","content":"Hi"}]})")
                  .status,
              403);
    EXPECT_EQ(call("/v1/embeddings", R"({"model":"forbidden","input":"a"})").status, 403);
    EXPECT_EQ(models_.requests.size(), 1U);
}

TEST_F(ModelFrontTest, embeddings_are_numbers_or_base64) {
    const auto numbers = call("/v1/embeddings", R"({"model":"m","input":["a","b"]})");
    EXPECT_EQ(parsed(numbers).at("data").as_array().size(), 2U);
    const auto packed =
        call("/v1/embeddings", R"({"model":"m","input":"a","encoding_format":"base64"})");
    EXPECT_EQ(parsed(packed).at("data").at(0).at("embedding"), "mpkZP83MTL8AAAAA");
    EXPECT_EQ(call("/v1/embeddings", R"({"model":"m","input":[1,2]})").status, 400);
    EXPECT_EQ(call("/v1/embeddings", R"({"model":"m","input":[]})").status, 400);
}

TEST_F(ModelFrontTest, models_are_listed_in_either_form) {
    models_.known = {{.id = "a/b", .provider = "local", .upstream = "x"}};
    EXPECT_EQ(parsed(call("/v1/models", "", "GET")).at("data").at(0).at("owned_by"), "local");
    const auto theirs = call("/v1/models", "", "GET", {{"anthropic-version", "2023-06-01"}});
    EXPECT_EQ(parsed(theirs).at("data").at(0).at("type"), "model");
    EXPECT_EQ(parsed(call("/v1/models/a%2Fb", "", "GET")).at("id"), "a/b");
    EXPECT_EQ(call("/v1/models/none", "", "GET").status, 404);
}

TEST_F(ModelFrontTest, a_model_that_talks_and_embeds_is_listed_once) {
    models_.known = {{.id = "a/b", .provider = "local", .upstream = "x"},
                     {.id = "a/b",
                      .provider = "local",
                      .upstream = "x",
                      .kind = models::ModelInfo::Kind::embedding}};
    EXPECT_EQ(parsed(call("/v1/models", "", "GET")).at("data").as_array().size(), 1U);
}

TEST(model_front, keys_come_in_either_header) {
    EXPECT_EQ(api_key_in({{"Authorization", "Bearer  k1 "}}), "k1");
    EXPECT_EQ(api_key_in({{"x-api-key", "k2"}}), "k2");
    EXPECT_EQ(api_key_in({{"Authorization", "AWS4-HMAC-SHA256 x"}}), std::nullopt);
    EXPECT_TRUE(is_model_front_path("/v1/chat/completions"));
    EXPECT_FALSE(is_model_front_path("/v1"));
    EXPECT_FALSE(is_model_front_path("/runtimes/v1/"));
}

}  // namespace
}  // namespace ac::wire
