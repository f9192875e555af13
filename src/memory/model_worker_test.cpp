// The model engine, with a model that says what it was told to.
#include "memory/model_worker.h"

#include <fmt/format.h>

#include "memory/testing/scripted_language_model.h"
#include "memory/testing/service_fixture.h"

namespace ac::memory {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kNoon;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class ModelEngine : public testing::ServiceFixture {
  protected:
    ModelEngine() { use({.model = "big"}); }

    void use(EngineConfig engine) {
        engine_ = std::move(engine);
        model_ = &scripted_;
        open();
    }
    void answer(std::string text) { scripted_.answers.emplace_back(std::move(text)); }
    void say(const Memory& memory, std::string text, std::int64_t when = kNoon,
             std::string session = "s1") {
        auto wanted = event(memory, when, std::move(text));
        wanted.address.session = SessionId(std::move(session));
        ASSERT_TRUE(await(service_->events().create(scope_, std::move(wanted))));
        extract();
    }
    std::size_t run() {
        const auto done = await(service_->model_worker().run_once());
        EXPECT_TRUE(done) << done.error().message;
        return done.value_or(0);
    }
    std::vector<Record> all(const Memory& memory) {
        auto page =
            await(service_->records().list(scope_, {.memory = memory.id, .spaces = {"/", true}}));
        return page ? page->items : std::vector<Record>();
    }
    std::vector<std::string> all_texts(const Memory& memory) {
        std::vector<std::string> out;
        for (const auto& record : all(memory)) out.push_back(record.text);
        return out;
    }
    std::vector<FailedJob> failed(const Memory& memory, std::string strategy = {}) {
        auto page = await(service_->events().failed_jobs(scope_, memory.id,
                                                         {.strategy = std::move(strategy)}, {}));
        return page ? page->items : std::vector<FailedJob>();
    }

    Task<> until(std::function<bool()> condition) {
        while (!condition()) {
            auto nothing = [](storage::Transaction&) { return Result<>{}; };
            AC_CO_CHECK(co_await database_->read(std::move(nothing)));
        }
        co_return Result<>{};
    }

    testing::ScriptedLanguageModel scripted_;
};

TEST_F(ModelEngine, statements_become_records) {
    const auto memory = create("notes", {strategy("facts", StrategyKind::semantic)});
    answer(R"({"statements":[{"text":"Kim lives in Busan."},{"text":"Kim has two cats."}]})");
    say(memory, "I'm in Busan with my two cats");
    EXPECT_EQ(run(), 1u);
    EXPECT_THAT(all_texts(memory),
                UnorderedElementsAre("Kim lives in Busan.", "Kim has two cats."));
    EXPECT_THAT(find(memory, "/facts/kim", "Busan"), Not(IsEmpty()));
    EXPECT_THAT(all(memory)[0].sources, SizeIs(1));
    ASSERT_THAT(scripted_.asked, SizeIs(1));
    EXPECT_EQ(scripted_.asked[0].model, "big");
    EXPECT_THAT(scripted_.asked[0].data, HasSubstr("two cats"));
    EXPECT_THAT(scripted_.asked[0].system, Not(HasSubstr("two cats")));
    EXPECT_EQ(run(), 0u);
}

TEST_F(ModelEngine, decisions_add_replace_and_keep) {
    const auto memory = create("notes", {strategy("facts", StrategyKind::semantic)});
    answer(R"({"statements":[{"text":"Kim lives in Seoul."},{"text":"Kim likes tea."}]})");
    say(memory, "I live in Seoul and like tea");
    run();
    const auto before = all(memory);
    answer(R"({"statements":[{"text":"Kim lives in Busan now."},{"text":"Kim likes tea."},
               {"text":"Kim sails."}]})");
    say(memory, "Moved to Busan, still tea, and I sail", kNoon + 1000);
    // The number that the model was given for each known record.
    const auto known = await(database_->read([&](storage::Transaction& tx) {
        const std::vector<std::int64_t> keys{before[0].key, before[1].key};
        return store::records_by_key(tx, memory.number, keys);
    }));
    const std::size_t seoul = known->at(0).text == "Kim lives in Seoul." ? 0 : 1;
    answer(fmt::format(R"({{"decisions":[
        {{"statement":0,"action":"UPDATE","record":{},"text":"Kim moved from Seoul to Busan."}},
        {{"statement":1,"action":"NO-OP","record":{}}},{{"statement":2,"action":"ADD"}}]}})",
                       seoul, 1 - seoul));
    EXPECT_EQ(run(), 1u);
    EXPECT_THAT(all_texts(memory), UnorderedElementsAre("Kim moved from Seoul to Busan.",
                                                        "Kim likes tea.", "Kim sails."));
    for (const auto& record : all(memory)) {
        EXPECT_EQ(record.sources.size(), record.text == "Kim sails." ? 1u : 2u) << record.text;
    }
    const auto superseded = await(database_->read([&](storage::Transaction& tx) {
        return tx.query("SELECT body, replaced_by FROM memory_records WHERE status = 'SUPERSEDED'");
    }));
    ASSERT_EQ(superseded->size(), 1u);
    EXPECT_EQ(superseded->front().text(0), "Kim lives in Seoul.");
    EXPECT_NE(superseded->front().text(1), "");
}

TEST_F(ModelEngine, an_answer_that_is_none_fails_after_its_attempts_and_can_be_restarted) {
    const auto memory = create("notes", {strategy("facts", StrategyKind::semantic)});
    say(memory, "I live in Busan");
    for (int attempt = 0; attempt < limits_.job_attempts_max; ++attempt) {
        EXPECT_THAT(failed(memory), IsEmpty());
        answer("I would rather not.");
        EXPECT_EQ(run(), 1u);
        EXPECT_EQ(run(), 0u) << "it waits a while";
        timer_.advance(std::chrono::seconds(10));
    }
    const auto& strategy_id = memory.strategies[0].id;
    ASSERT_THAT(failed(memory, strategy_id), SizeIs(1));
    EXPECT_THAT(failed(memory, "other-0123456789"), IsEmpty());
    const auto job = failed(memory)[0];
    EXPECT_EQ(job.strategy, strategy_id);
    EXPECT_THAT(job.reason, HasSubstr("no JSON object"));
    ASSERT_TRUE(await(service_->events().restart_job(scope_, memory.id, job.id)));
    answer("```json\n{\"statements\":[{\"text\":\"Kim lives in Busan.\"}]}\n```");
    EXPECT_EQ(run(), 1u);
    EXPECT_THAT(failed(memory), IsEmpty());
    EXPECT_THAT(all_texts(memory), ElementsAre("Kim lives in Busan."));
}

TEST_F(ModelEngine, a_model_that_is_not_there_fails_at_once) {
    const auto memory = create("notes", {strategy("facts", StrategyKind::semantic)});
    say(memory, "I live in Busan");
    scripted_.answers.emplace_back(fail(ErrorCode::not_found, "no model big"));
    run();
    EXPECT_THAT(failed(memory), SizeIs(1));
}

TEST_F(ModelEngine, jobs_of_a_session_are_done_together_and_in_order) {
    const auto memory = create("notes", {strategy("facts", StrategyKind::semantic)});
    say(memory, "first thing said");
    say(memory, "second thing said", kNoon + 1);
    answer(R"({"statements":[{"text":"Kim said two things."}]})");
    EXPECT_EQ(run(), 2u);
    const auto& data = scripted_.asked[0].data;
    EXPECT_LT(data.find("first thing"), data.find("second thing"));
    EXPECT_THAT(all(memory)[0].sources, SizeIs(2));
}

TEST_F(ModelEngine, summaries_and_episodes_are_rewritten) {
    auto episodes = strategy("episodes", StrategyKind::episodic);
    episodes.namespace_template = "/episodes/{actorId}/{sessionId}";
    episodes.configuration = json::parse(R"({"reflection":{"episodicReflectionConfiguration":
        {"namespaceTemplates":["/episodes/{actorId}"]}}})")
                                 .as_object();
    auto summaries = strategy("summaries", StrategyKind::summary);
    const auto memory = create("notes", {summaries});
    answer(R"({"summary":"They greeted."})");
    say(memory, "hello there");
    run();
    answer(R"({"summary":"They greeted and parted."})");
    say(memory, "bye now", kNoon + 1);
    run();
    EXPECT_THAT(scripted_.asked[1].data, HasSubstr("They greeted."));
    EXPECT_THAT(all_texts(memory), ElementsAre("They greeted and parted."));

    const auto other = create("others", {episodes});
    const auto* episode = R"({"situation":"s","intent":"fly","actions":"a","outcome":"booked"})";
    answer(episode);
    say(other, "book a flight", kNoon, "one");
    run();
    answer(episode);
    answer(R"({"reflections":[{"text":"Kim books flights early."}]})");
    say(other, "book a flight again", kNoon + 1, "two");
    run();
    EXPECT_THAT(find(other, "/episodes/kim", "flights"), ElementsAre("Kim books flights early."));
    EXPECT_THAT(all(other), SizeIs(3));
}

TEST_F(ModelEngine, a_strategys_own_prompt_and_model_are_used) {
    use({});  // no model is configured
    auto own = strategy("own", StrategyKind::semantic);
    own.configuration = json::parse(R"({"type":"SEMANTIC_OVERRIDE","extraction":{
        "customExtractionConfiguration":{"semanticExtractionOverride":{
        "appendToPrompt":"Only about boats.","modelId":"capable"}}}})")
                            .as_object();
    auto unknown = own;
    unknown.name = "unknown";
    unknown.namespace_template = "/unknown/{actorId}";
    unknown.configuration =
        json::parse(R"({"extraction":{"x":{"y":{"modelId":"tiny"}}}})").as_object();
    const auto memory = create("notes", {own, unknown});
    answer(R"({"statements":[{"text":"Kim owns a boat."}]})");
    say(memory, "I live in Busan and own a boat.");
    EXPECT_EQ(run(), 1u);
    ASSERT_THAT(scripted_.asked, SizeIs(1));
    EXPECT_EQ(scripted_.asked[0].model, "capable");
    EXPECT_THAT(scripted_.asked[0].system, HasSubstr("Only about boats."));
    EXPECT_THAT(find(memory, "/unknown/kim", "Busan"), SizeIs(1)) << "by the built-in engine";
}

TEST_F(ModelEngine, calls_keep_to_the_budget) {
    use({.model = "big", .calls_per_minute = 1});
    const auto memory = create("notes", {strategy("facts", StrategyKind::semantic)});
    answer(R"({"statements":[]})");
    answer(R"({"statements":[]})");
    say(memory, "one thing said");
    run();
    say(memory, "another thing said", kNoon + 1);
    TaskGroup tasks(loop_.executor());
    for (std::size_t lane = 0; lane < ModelWorker::kLanes; ++lane)
        tasks.spawn("lane", service_->model_worker().run(lane));
    ASSERT_TRUE(await(until([&] { return timer_.sleepers() > 0; })));
    EXPECT_THAT(scripted_.asked, SizeIs(1));
    timer_.advance(std::chrono::seconds(60));
    ASSERT_TRUE(await(until([&] { return scripted_.asked.size() == 2; })));
    service_->model_worker().stop();
    tasks.cancel();
    ASSERT_TRUE(await(tasks.join()));
}

TEST_F(ModelEngine, metadata_is_inferred_within_its_validation) {
    auto facts = strategy("facts", StrategyKind::semantic);
    facts.schema = json::parse(R"({"metadataSchema":[
        {"key":"mood","type":"STRING","extractionType":"LLM_INFERRED","extractionConfig":
          {"llmExtractionConfig":{"definition":"d","validation":
            {"stringValidation":{"allowedValues":["good","bad"]}}}}},
        {"key":"team","type":"STRING","extractionType":"STRICTLY_CONSISTENT"}]})")
                       .as_object();
    const auto memory = create("notes", {facts});
    answer(R"({"statements":[{"text":"One.","metadata":{"mood":"good","team":"x","z":"y"}},
                             {"text":"Two.","metadata":{"mood":"ugly"}}]})");
    say(memory, "things were said");
    run();
    for (const auto& record : all(memory)) {
        const RecordMetadata good = {{"mood", "good"}};
        EXPECT_EQ(record.metadata, record.text == "One." ? good : RecordMetadata());
    }
    EXPECT_THAT(scripted_.asked[0].data, HasSubstr("metadataFields"));
}

}  // namespace
}  // namespace ac::memory
