#include "models/model_service.h"

#include <gtest/gtest.h>

#include "async/manual_timer.h"
#include "async/run.h"
#include "models/providers.h"
#include "models/scripted_model.h"
#include "storage/testing/temporary_folder.h"

namespace ac::models {
namespace {

Provider scripted(const std::string& name, const char* rules, Timer& timer,
                  ProviderLimits limits = {}) {
    auto script = parse_script(rules);
    EXPECT_TRUE(script) << script.error().message;
    Provider provider;
    provider.name = name;
    provider.limits = limits;
    provider.chat = make_scripted_model(*std::move(script), timer);
    provider.embedder = make_scripted_embedder(name, 8);
    return provider;
}

ChatRequest ask(std::string text, std::string model = "m") {
    ChatRequest request;
    request.model = std::move(model);
    request.messages.push_back({Role::user, {TextBlock{std::move(text)}}});
    return request;
}

std::string text_of(const ChatAnswer& answer) {
    return std::get<TextBlock>(answer.message.content.at(0)).text;
}

class ModelServiceTest : public ::testing::Test {
  protected:
    void open(std::vector<Provider> providers, ModelsConfig config) {
        service_ = make_model_service({.providers = std::move(providers),
                                       .config = std::move(config),
                                       .timer = timer_,
                                       .random = random_,
                                       .usage = book_});
    }
    Result<ChatAnswer> run(ChatRequest request) {
        return run_on(loop_, answer(*service_, std::move(request), caller_));
    }
    UsageSum total() const {
        UsageSum sum;
        for (const auto& [key, one] : book_.totals()) sum += one;
        return sum;
    }

    Loop loop_;
    const SystemClock clock_;
    AsioTimer timer_{clock_};
    SeededRandom random_{1};
    storage::testing::TemporaryFolder folder_;
    std::unique_ptr<storage::Database> database_ =
        storage::open_sqlite({.path = (folder_.path() / "db").string()}).value();
    UsageBook book_{*database_, timer_};
    const Caller caller_{.account = "1", .runtime = "r", .session = "s"};
    std::unique_ptr<ModelService> service_;
};

TEST_F(ModelServiceTest, unknown_ids_go_to_the_default) {
    std::vector<Provider> providers;
    providers.push_back(scripted("a", "rules: [{answer: 'hi {{model}}'}]", timer_));
    open(std::move(providers), {.default_chat = {{"a", "tiny"}}});
    const auto answer = run(ask("hello", "us.anthropic.claude-3-7-sonnet-20250219-v1:0"));
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(text_of(*answer), "hi tiny");
    EXPECT_EQ(total().requests, 1);
    EXPECT_GT(total().usage.input_tokens, 0);
}

TEST_F(ModelServiceTest, without_any_provider_the_error_names_the_key) {
    open({}, {});
    const auto answer = run(ask("hello"));
    ASSERT_FALSE(answer);
    EXPECT_NE(answer.error().message.find("models.default"), std::string::npos);
}

TEST_F(ModelServiceTest, a_failed_provider_is_retried_and_then_its_fallback_answers) {
    std::vector<Provider> providers;
    providers.push_back(scripted("bad", "rules: [{fail: {error: access_denied}}]", timer_));
    providers.push_back(scripted("flaky", R"(
rules:
  - {fail: {error: unavailable}, times: 1}
  - {answer: fine})",
                                 timer_));
    open(std::move(providers), {.default_chat = {{"bad", "x"}, {"flaky", "y"}}});
    const auto answer = run(ask("hello"));
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(text_of(*answer), "fine");
}

TEST_F(ModelServiceTest, the_callers_own_fault_goes_to_no_fallback) {
    std::vector<Provider> providers;
    providers.push_back(scripted("a", "rules: [{fail: {error: validation}}]", timer_));
    providers.push_back(scripted("b", "rules: [{answer: wrong}]", timer_));
    open(std::move(providers), {.default_chat = {{"a", "x"}, {"b", "y"}}});
    const auto answer = run(ask("hello"));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(total().errors, 1);
}

TEST_F(ModelServiceTest, half_a_stream_is_not_tried_again) {
    std::vector<Provider> providers;
    providers.push_back(scripted("a", "rules: [{answer: one two three, breaks: half}]", timer_));
    providers.push_back(scripted("b", "rules: [{answer: whole}]", timer_));
    open(std::move(providers), {.default_chat = {{"a", "x"}, {"b", "y"}}});
    const auto answer = run(ask("hello"));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().reason, kModelFailed);
    EXPECT_EQ(total().errors, 1);
}

TEST_F(ModelServiceTest, a_provider_that_keeps_failing_is_left_alone) {
    std::vector<Provider> providers;
    providers.push_back(scripted("a", "rules: [{fail: {error: unavailable}}]", timer_,
                                 {.attempts_max = 1, .breaker_failures = 2}));
    open(std::move(providers), {.default_chat = {{"a", "x"}}});
    EXPECT_FALSE(run(ask("1")));
    EXPECT_FALSE(run(ask("2")));
    const auto third = run(ask("3"));
    ASSERT_FALSE(third);
    EXPECT_NE(third.error().message.find("left alone"), std::string::npos);
}

TEST_F(ModelServiceTest, embeds_one_vector_a_text) {
    std::vector<Provider> providers;
    providers.push_back(scripted("a", "rules: []", timer_));
    open(std::move(providers), {.default_embedding = {{"a", "e"}}});
    EmbedRequest request{.model = "amazon.titan-embed-text-v2:0", .texts = {"one", "two", "one"}};
    const auto out = run_on(loop_, service_->embed(std::move(request), caller_));
    ASSERT_TRUE(out) << out.error().message;
    ASSERT_EQ(out->vectors.size(), 3U);
    EXPECT_EQ(out->vectors[0], out->vectors[2]);
    EXPECT_NE(out->vectors[0], out->vectors[1]);
}

TEST_F(ModelServiceTest, usage_is_reported_by_label_and_survives_in_the_store) {
    std::vector<Provider> providers;
    providers.push_back(
        scripted("a", "rules: [{answer: hi, usage: {input: 10, output: 5}}]", timer_));
    open(std::move(providers),
         {.default_chat = {{"a", "x"}},
          .prices = {{.match = "a/*", .input_per_million = 3, .output_per_million = 15}}});
    ASSERT_TRUE(run_on(loop_, database_->migrate(UsageBook::migrations())));
    ASSERT_TRUE(run(ask("1")));
    ASSERT_TRUE(run(ask("2")));
    UsageQuery query{.account = "1", .by_session = true};
    auto rows = run_on(loop_, book_.report(query));
    ASSERT_TRUE(rows) << rows.error().message;
    ASSERT_EQ(rows->size(), 1U);
    EXPECT_EQ(rows->front().first.session, "s");
    EXPECT_EQ(rows->front().second.requests, 2);
    EXPECT_EQ(rows->front().second.usage.output_tokens, 10);
    EXPECT_EQ(rows->front().second.nano_dollars, 2 * (10 * 3 + 5 * 15) * 1000);
    UsageBook reopened(*database_, timer_);
    rows = run_on(loop_, reopened.report({.account = "1"}));
    ASSERT_TRUE(rows);
    EXPECT_EQ(rows->front().second.requests, 2);
    rows = run_on(loop_, reopened.report({.account = "2"}));
    ASSERT_TRUE(rows);
    EXPECT_TRUE(rows->empty());
}

}  // namespace
}  // namespace ac::models
