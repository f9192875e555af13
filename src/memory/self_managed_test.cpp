// Self-managed strategies, and records made anew from events.
#include "memory/self_managed.h"

#include <boost/json/value_to.hpp>

#include "memory/testing/service_fixture.h"

namespace ac::memory {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kNoon;
using ::testing::SizeIs;

class RecordingTarget final : public DeliveryTarget {
  public:
    Task<> put_object(Scope, std::string bucket, std::string key, std::string body) override {
        if (fails) co_return fail(ErrorCode::unavailable, "down");
        objects.emplace_back(bucket + "/" + key, json::parse(body));
        co_return Result<>{};
    }
    Task<> notify(std::string topic, std::string, std::string message) override {
        messages.emplace_back(topic, json::parse(message));
        co_return Result<>{};
    }

    bool has_stream(const std::string&) const override { return false; }
    Task<> tell(Scope, std::string, std::vector<StreamedChange>) override {
        co_return fail(ErrorCode::not_found, "no stream");
    }

    bool fails = false;
    std::vector<std::pair<std::string, json::value>> objects;
    std::vector<std::pair<std::string, json::value>> messages;
};

class SelfManagedStrategies : public testing::ServiceFixture {
  protected:
    SelfManagedStrategies() {
        target_ = &recording_;
        open();
    }
    Memory make(std::string_view triggers) {
        auto own = strategy("own", StrategyKind::self_managed);
        own.type = "CUSTOM";
        own.configuration = json::parse(std::string(R"({"selfManagedConfiguration":{
            "historicalContextWindowSize":1,"invocationConfiguration":{"topicArn":"arn:topic",
            "payloadDeliveryBucketName":"bucket"},"triggerConditions":)") +
                                        std::string(triggers) + "}}")
                                .as_object();
        return create("notes", {own});
    }
    void say(const Memory& memory, std::string text) {
        ASSERT_TRUE(await(service_->events().create(scope_, event(memory, kNoon, text))));
        extract();
    }
    void run() { EXPECT_TRUE(await(service_->model_worker().run_once())); }
    static std::vector<std::string> texts_in(const json::value& payload, std::string_view member) {
        std::vector<std::string> out;
        for (const auto& item : payload.at(member).as_array())
            out.push_back(json::value_to<std::string>(item.at("content").at("text")));
        return out;
    }

    RecordingTarget recording_;
};

TEST_F(SelfManagedStrategies, deliver_when_the_messages_are_enough_with_what_was_before) {
    const auto memory = make(R"([{"messageBasedTrigger":{"messageCount":2}}])");
    say(memory, "one");
    run();
    EXPECT_THAT(recording_.objects, IsEmpty());
    say(memory, "two");
    say(memory, "three");
    run();
    ASSERT_THAT(recording_.objects, SizeIs(1));
    const auto& [place, payload] = recording_.objects[0];
    EXPECT_THAT(place, HasSubstr("bucket/memory/" + memory.id.text()));
    EXPECT_THAT(texts_in(payload, "currentContext"), ElementsAre("one", "two"));
    EXPECT_THAT(texts_in(payload, "historicalContext"), IsEmpty());
    EXPECT_EQ(payload.at("actorId").as_string(), "kim");
    ASSERT_THAT(recording_.messages, SizeIs(1));
    EXPECT_EQ(recording_.messages[0].first, "arn:topic");
    EXPECT_EQ(recording_.messages[0].second.at("s3PayloadLocation").as_string(), "s3://" + place);
    say(memory, "four");
    run();
    ASSERT_THAT(recording_.objects, SizeIs(2));
    EXPECT_THAT(texts_in(recording_.objects[1].second, "currentContext"),
                ElementsAre("three", "four"));
    EXPECT_THAT(texts_in(recording_.objects[1].second, "historicalContext"), ElementsAre("two"));
}

TEST_F(SelfManagedStrategies, deliver_after_enough_tokens_or_a_while_of_silence) {
    const auto tokens = make(R"([{"tokenBasedTrigger":{"tokenCount":100}}])");
    say(tokens, std::string(500, 'x'));
    run();
    EXPECT_THAT(recording_.objects, SizeIs(1));

    auto own = strategy("idle", StrategyKind::self_managed);
    own.configuration = json::parse(R"({"selfManagedConfiguration":{"triggerConditions":
        [{"timeBasedTrigger":{"idleSessionTimeout":10}}]}})")
                            .as_object();
    const auto idle = create("idle", {own});
    say(idle, "hello");
    EXPECT_EQ(*await(service_->check_idle()), 0u);
    timer_.advance(std::chrono::seconds(10));
    EXPECT_EQ(*await(service_->check_idle()), 1u);
    EXPECT_EQ(*await(service_->check_idle()), 0u);
    run();
    EXPECT_THAT(recording_.objects, SizeIs(2));
}

TEST_F(SelfManagedStrategies, deliveries_are_tried_again_then_fail_and_can_be_restarted) {
    const auto memory = make(R"([{"messageBasedTrigger":{"messageCount":1}}])");
    recording_.fails = true;
    say(memory, "one");
    open();  // a restart of the daemon loses nothing
    const auto failed = [&] {
        return await(service_->events().failed_jobs(scope_, memory.id, {}, {}))->items;
    };
    for (int attempt = 0; attempt < limits_.delivery_attempts_max; ++attempt) {
        EXPECT_THAT(failed(), IsEmpty());
        run();
        timer_.advance(std::chrono::minutes(5));
    }
    ASSERT_THAT(failed(), SizeIs(1));
    EXPECT_EQ(failed()[0].reason, "down");
    recording_.fails = false;
    ASSERT_TRUE(await(service_->events().restart_job(scope_, memory.id, failed()[0].id)));
    run();
    EXPECT_THAT(recording_.objects, SizeIs(1));
    EXPECT_THAT(failed(), IsEmpty());
}

TEST_F(SelfManagedStrategies, records_are_made_anew_from_the_events_that_are_there) {
    const auto memory = create("facts", {strategy("facts", StrategyKind::semantic)});
    const auto add = [&](std::string text, bool extract = true) {
        auto one = event(memory, kNoon, std::move(text));
        one.extract = extract;
        ASSERT_TRUE(await(service_->events().create(scope_, std::move(one))));
    };
    add("I keep bees on the roof.");
    add("I never told this to anybody.", false);
    extract();
    ASSERT_TRUE(await(service_->events().ingest(
        scope_, event(memory, kNoon, "I sail a small boat every summer."))));
    extract();
    put(memory, {{.request_id = "r", .space = "/facts/kim", .text = "the agent's own note"}});
    MemoryChange more{.id = memory.id, .added = {strategy("more", StrategyKind::semantic)}};
    ASSERT_TRUE(await(service_->memories().update(scope_, more)));

    const auto done = await(service_->rebuild(scope_, memory.id));
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(done->events, 1u);
    EXPECT_EQ(done->records, 1u);
    extract();
    EXPECT_THAT(find(memory, "/more/kim", "bees"), SizeIs(1)) << "a strategy added later";
    const auto all =
        await(service_->records().list(scope_, {.memory = memory.id, .spaces = {"/facts/kim"}}));
    EXPECT_THAT(all->items, SizeIs(3)) << "bees once, the ingested boat, the note";
}

}  // namespace
}  // namespace ac::memory
