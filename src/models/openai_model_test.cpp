#include "models/openai_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "models/testing/stub_provider.h"

namespace ac::models {
namespace {

using ::testing::HasSubstr;
using testing::http;
using testing::sse_head;
using testing::StubClient;
using testing::StubProvider;

ChatRequest hello() {
    ChatRequest request;
    request.model = "tiny";
    request.messages.push_back({Role::user, {TextBlock{"hello"}}});
    return request;
}

Result<ChatAnswer> ask(StubProvider& provider, ProviderLimits limits = {}) {
    StubClient client(provider);
    const auto model = make_openai_chat(client.upstream(), nullptr, {.name = "p", .limits = limits},
                                        client.clock());
    return client.ask(*model, hello());
}

constexpr std::string_view kWord =
    "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"},\"finish_reason\":null}]}\n\n";
constexpr std::string_view kEnd =
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

TEST(openai_model, streams_an_answer_and_asks_as_openai_does) {
    StubProvider provider(sse_head() + std::string(kWord) + std::string(kEnd));
    const auto answer = ask(provider);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(std::get<TextBlock>(answer->message.content[0]).text, "hi");
    const std::string asked = provider.finish();
    EXPECT_THAT(asked, HasSubstr("POST /v1/chat/completions HTTP/1.1"));
    const auto body = json::parse(asked.substr(asked.find("\r\n\r\n") + 4)).as_object();
    EXPECT_EQ(body.at("model"), "tiny");
    EXPECT_EQ(body.at("stream"), true);
    EXPECT_EQ(body.at("messages").as_array()[0].as_object().at("content"), "hello");
}

TEST(openai_model, takes_a_whole_answer_from_a_server_that_cannot_stream) {
    StubProvider provider(
        http(200, "application/json",
             R"({"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]})"));
    const auto answer = ask(provider);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(std::get<TextBlock>(answer->message.content[0]).text, "hi");
}

TEST(openai_model, statuses_become_errors_of_the_vocabulary) {
    const std::map<int, ErrorCode> codes = {
        {400, ErrorCode::invalid_argument}, {401, ErrorCode::permission_denied},
        {404, ErrorCode::not_found},        {429, ErrorCode::throttled},
        {500, ErrorCode::unavailable},      {504, ErrorCode::deadline_exceeded},
        {302, ErrorCode::guest_failed}};
    for (const auto& [status, code] : codes) {
        StubProvider provider(http(status, "application/json", R"({"error":{"message":"why"}})"));
        const auto answer = ask(provider);
        ASSERT_FALSE(answer) << status;
        EXPECT_EQ(answer.error().code, code) << status;
        if (status != 401) EXPECT_THAT(answer.error().message, HasSubstr("why"));
    }
}

TEST(openai_model, what_a_server_says_of_a_key_that_it_does_not_take_stays_here) {
    StubProvider provider(http(401, "application/json",
                               R"({"error":{"message":"Incorrect API key provided: sk-1234"}})"));
    const std::string message = ask(provider).error().message;
    EXPECT_THAT(message, HasSubstr("does not take the key"));
    EXPECT_THAT(message, ::testing::Not(HasSubstr("sk-1234")));
}

TEST(openai_model, says_in_bedrocks_words_that_a_conversation_is_too_long) {
    StubProvider provider(
        http(400, "application/json",
             R"({"error":{"code":"context_length_exceeded","message":"8192 at most"}})"));
    EXPECT_THAT(ask(provider).error().message, HasSubstr("Input is too long for requested model"));
}

TEST(openai_model, whatever_a_broken_server_does_is_an_error_and_no_hang) {
    const ProviderLimits hasty{.first_byte_timeout = Milliseconds{200},
                               .idle_timeout = Milliseconds{200}};
    const std::vector<std::pair<std::string, StubProvider::Then>> cases = {
        {"", StubProvider::Then::close},
        {"", StubProvider::Then::hold},
        {"SSH-2.0-OpenSSH\r\n", StubProvider::Then::close},
        {"HTTP/1.1 200 OK\r\n" + std::string(100'000, 'x'), StubProvider::Then::hold},
        {http(200, "text/html", "<html>"), StubProvider::Then::close},
        {http(200, "application/json", "{]"), StubProvider::Then::close},
        {sse_head(), StubProvider::Then::close},
        {sse_head() + std::string(kWord), StubProvider::Then::close},
        {sse_head() + std::string(kWord), StubProvider::Then::hold},
        {sse_head() + "data: {\"choi", StubProvider::Then::close},
        {sse_head() + ": " + std::string(5'000'000, 'x'), StubProvider::Then::hold}};
    for (const auto& [bytes, then] : cases) {
        StubProvider provider(bytes, then);
        const auto answer = ask(provider, hasty);
        ASSERT_FALSE(answer) << bytes.substr(0, 80);
        const ErrorCode code = answer.error().code;
        EXPECT_TRUE(code == ErrorCode::guest_failed || code == ErrorCode::unavailable ||
                    code == ErrorCode::deadline_exceeded)
            << to_string(code) << ": " << bytes.substr(0, 80);
    }
}

TEST(openai_model, a_stream_that_nobody_wants_is_closed_upstream) {
    StubProvider provider(sse_head() + std::string(kWord), StubProvider::Then::hold);
    StubClient client(provider);
    const auto model = make_openai_chat(client.upstream(), nullptr, {.name = "p"}, client.clock());
    const ChatRequest request = hello();
    auto stream = run_on(client.loop(), model->start(request, client.deadline()));
    ASSERT_TRUE(stream);
    stream->reset();
    EXPECT_TRUE(provider.saw_close());
}

TEST(openai_model, nobody_listening_is_unavailable) {
    std::uint16_t port = 0;
    {
        const net::testing::RawServer gone;
        port = gone.port();
    }
    const SystemClock clock;
    AsioTimer timer(clock);
    Loop loop;
    const auto connector = net::make_tcp_connector("127.0.0.1", port, timer);
    const auto model = make_openai_chat(make_connector_upstream(*connector, timer, ""), nullptr,
                                        {.name = "p"}, clock);
    const ChatRequest request = hello();
    const auto stream = run_on(loop, model->start(request, clock.steady() + Seconds{5}));
    ASSERT_FALSE(stream);
    EXPECT_EQ(stream.error().code, ErrorCode::unavailable);
}

TEST(openai_model, embeds_in_the_order_of_the_texts) {
    StubProvider provider(http(200, "application/json", R"({"data":[
        {"index":1,"embedding":[0,2]},{"index":0,"embedding":[3,4]}],
        "usage":{"prompt_tokens":5}})"));
    StubClient client(provider);
    const auto embedder =
        make_openai_embedder(client.upstream(), nullptr, {.name = "p"}, client.clock());
    const EmbedRequest request{.model = "e", .texts = {"a", "b"}};
    const auto out = run_on(client.loop(), embedder->embed(request, client.deadline()));
    ASSERT_TRUE(out) << out.error().message;
    EXPECT_FLOAT_EQ(out->vectors[0][0], 0.6F);
    EXPECT_FLOAT_EQ(out->vectors[1][1], 1.0F);
    EXPECT_EQ(out->input_tokens, 5);
    EXPECT_EQ(embedder->dimensions(), 2U);
}

TEST(openai_model, refuses_embeddings_that_are_none) {
    for (const char* body :
         {"{}", R"({"data":[]})", R"({"data":[{"embedding":[1]},{"embedding":[1,2]}]})",
          R"({"data":[{"embedding":[]},{"embedding":[]}]})",
          R"({"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]})",
          R"({"data":[{"index":5,"embedding":[1]},{"index":0,"embedding":[1]}]})",
          R"({"data":[{"embedding":["x"]},{"embedding":[1]}]})"}) {
        StubProvider provider(http(200, "application/json", body));
        StubClient client(provider);
        const auto embedder =
            make_openai_embedder(client.upstream(), nullptr, {.name = "p"}, client.clock());
        const EmbedRequest request{.model = "e", .texts = {"a", "b"}};
        const auto out = run_on(client.loop(), embedder->embed(request, client.deadline()));
        ASSERT_FALSE(out) << body;
        EXPECT_EQ(out.error().reason, kModelFailed);
    }
}

}  // namespace
}  // namespace ac::models
