// What a strategy's and a memory's declarations do to records: expiry, metadata, namespaces, tags.
#include "memory/namespace_rules.h"
#include "memory/testing/service_fixture.h"
#include "memory/value_pattern.h"

namespace ac::memory {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::kNoon;
using ::testing::Not;
using ::testing::SizeIs;

class RecordRules : public testing::ServiceFixture {
  protected:
    std::vector<Record> all(const Memory& memory, std::vector<RecordFilter> filters = {}) {
        auto page = await(service_->records().list(
            scope_, {.memory = memory.id, .spaces = {"/", true}, .filters = std::move(filters)}));
        EXPECT_TRUE(page);
        return page ? std::move(page->items) : std::vector<Record>();
    }
    NewRecord note(std::string text) {
        return {.request_id = "r",
                .space = "/a",
                .text = std::move(text),
                .time = from_epoch_ms(kNoon)};
    }
    RecordId store(const Memory& memory, RecordExpiry expiry, std::string text = "likes tea") {
        auto made = await(service_->records().create(scope_, memory.id, {note(text)}, expiry, {}));
        EXPECT_TRUE(made);
        return made->front().id;
    }
    Result<std::vector<BatchOutcome>> touch(const Memory& memory, RecordId id,
                                            RecordExpiry expiry) {
        return await(service_->records().update(
            scope_, memory.id, {{.id = std::move(id), .time = from_epoch_ms(kNoon)}}, expiry));
    }
    void say(NewEvent wanted) {
        EXPECT_TRUE(await(service_->events().create(scope_, std::move(wanted))));
        extract();
    }
    void pass_days(int days) { timer_.advance(std::chrono::days(days)); }
};

TEST_F(RecordRules, records_go_when_their_time_is_over) {
    const auto memory = create("notes");
    store(memory, {.days = 31});
    store(memory, {}, "stays for ever");
    EXPECT_THAT(all(memory), SizeIs(2));
    pass_days(31);
    ASSERT_THAT(all(memory), SizeIs(1));
    EXPECT_THAT(find(memory, "/a", "tea"), Not(Contains("likes tea")));
    while (*await(service_->sweep()) > 0) {
    }
    EXPECT_EQ(service_->index().statistics().records, 1);
}

TEST_F(RecordRules, a_change_begins_the_time_anew_and_may_end_it) {
    const auto memory = create("notes");
    const auto id = store(memory, {.days = 31});
    pass_days(30);
    ASSERT_TRUE(touch(memory, id, {}));
    pass_days(30);
    EXPECT_THAT(all(memory), SizeIs(1));
    ASSERT_TRUE(touch(memory, id, {.is_removed = true}));
    pass_days(1000);
    EXPECT_THAT(all(memory), SizeIs(1));
    ASSERT_TRUE(touch(memory, id, {.days = 40}));
    pass_days(40);
    EXPECT_TRUE(touch(memory, id, {})->front().error) << "it is gone";
}

TEST_F(RecordRules, extracted_records_live_as_long_as_their_strategy_says) {
    auto facts = strategy("facts", StrategyKind::semantic);
    facts.record_expiry_days = 31;
    const auto memory = create("notes", {facts});
    say(event(memory, kNoon, "I live in Busan."));
    ASSERT_THAT(all(memory), SizeIs(1));
    pass_days(31);
    EXPECT_THAT(all(memory), IsEmpty());
}

TEST_F(RecordRules, metadata_of_the_schema_comes_from_the_event) {
    auto facts = strategy("facts", StrategyKind::semantic);
    facts.schema = json::parse(R"({"metadataSchema":[{"key":"team","type":"STRING"},
        {"key":"rank","type":"NUMBER"},{"key":"tags","type":"STRINGLIST"},{"key":"none"}]})")
                       .as_object();
    const auto memory = create("notes", {facts});
    auto wanted = event(memory, kNoon, "I live in Busan.");
    wanted.metadata.entries = {{"team", "red"}, {"rank", "2.5"}, {"tags", "x"}, {"other", "y"}};
    say(std::move(wanted));
    const auto records = all(memory);
    ASSERT_THAT(records, SizeIs(1));
    const RecordMetadata expected = {
        {"team", "red"}, {"rank", 2.5}, {"tags", std::vector<std::string>{"x"}}};
    EXPECT_EQ(records[0].metadata, expected);
}

TEST_F(RecordRules, times_are_filters_in_lists_and_searches) {
    const auto memory = create("notes");
    store(memory, {});
    const RecordFilter before{.key = "x-amz-agentcore-memory-createdAt",
                              .op = Operator::before,
                              .value = from_epoch_ms(kNoon + 1)};
    const RecordFilter after{.key = "x-amz-agentcore-memory-createdAt",
                             .op = Operator::after,
                             .value = from_epoch_ms(kNoon)};
    EXPECT_THAT(all(memory, {before}), SizeIs(1));
    EXPECT_THAT(all(memory, {after}), IsEmpty());
    RecordQuery query{
        .memory = memory.id, .spaces = {"/a"}, .filters = {before}, .text = "likes tea"};
    const auto hits = await(service_->records().retrieve(scope_, query));
    ASSERT_THAT(hits->items, SizeIs(1));
    EXPECT_GT(hits->items[0].score, 0);
    query.filters = {after};
    EXPECT_THAT(await(service_->records().retrieve(scope_, query))->items, IsEmpty());
}

TEST_F(RecordRules, namespace_keys_are_declared_and_validated) {
    auto facts = strategy("facts", StrategyKind::semantic);
    facts.namespace_template = "/facts/{team}/{actorId}";
    NewMemory wanted{.name = "notes", .expiry_days = 7, .strategies = {facts}};
    EXPECT_EQ(await(service_->memories().create(scope_, wanted)).error().code,
              ErrorCode::invalid_argument);
    wanted.details["namespaceKeys"] = json::parse(
        R"([{"key":"team","validation":{"regexPattern":"[a-z]+","allowedValues":["red","r2"]}}])");
    const auto memory = *await(service_->memories().create(scope_, wanted));
    const auto say_as = [&](const char* team) {
        auto one = event(memory, kNoon, "I live in Busan.");
        one.namespace_variables["team"] = team;
        return await(service_->events().create(scope_, one));
    };
    EXPECT_TRUE(say_as("red"));
    EXPECT_EQ(say_as("blue").error().fields[0].path, "extractionConfig.namespaceVariables");
    EXPECT_FALSE(say_as("r2")) << "allowed, but not by the pattern";
    auto unknown = event(memory, kNoon, "x");
    unknown.namespace_variables["nobody"] = "x";
    EXPECT_FALSE(await(service_->events().create(scope_, unknown)));
    ASSERT_TRUE(await(service_->worker().run_once()));
    EXPECT_THAT(find(memory, "/facts/red/kim", "Busan"), SizeIs(1));
    MemoryChange none{.id = memory.id};
    none.details["namespaceKeys"] = json::array();
    EXPECT_FALSE(await(service_->memories().update(scope_, none))) << "a template needs it";
}

TEST_F(RecordRules, documents_are_told_as_text) {
    const auto memory = create("notes", {strategy("facts", StrategyKind::semantic)});
    auto one = event(memory, kNoon, "");
    one.payload =
        json::parse(R"([{"json":{"content":{"order":{"id":7,"colour":"blue"}}}}])").as_array();
    say(std::move(one));
    EXPECT_THAT(find(memory, "/facts/kim", "blue order"),
                ElementsAre("Data: order.id: 7; order.colour: blue"));
}

TEST_F(RecordRules, tags_are_added_and_removed) {
    const auto memory =
        *await(service_->memories().create(scope_, {.name = "notes", .tags = {{"a", "1"}}}));
    ASSERT_TRUE(await(service_->memories().add_tags(scope_, memory.id, {{"b", "2"}})));
    ASSERT_TRUE(await(service_->memories().remove_tags(scope_, memory.id, {"a", "c"})));
    EXPECT_EQ(*await(service_->memories().tags(scope_, memory.id)), (Tags{{"b", "2"}}));
    Tags many;
    for (int i = 0; i < 50; ++i) many[std::to_string(i)] = "";
    EXPECT_EQ(await(service_->memories().add_tags(scope_, memory.id, many)).error().code,
              ErrorCode::quota_exceeded);
}

TEST(value_pattern, is_bounded_whatever_the_pattern) {
    EXPECT_FALSE(check_pattern("(").has_value());
    EXPECT_TRUE(matches_pattern("a+b", "aab"));
    EXPECT_FALSE(matches_pattern("a+", "aab")) << "the whole value";
    EXPECT_FALSE(matches_pattern("(a+)+(a+)+(a+)+$", std::string(64, 'a') + "!"));
}

}  // namespace
}  // namespace ac::memory
