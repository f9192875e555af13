#include "memory/testing/service_fixture.h"

namespace ac::memory {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kNoon;
using ::testing::SizeIs;

class LongTermTest : public testing::ServiceFixture {};

TEST_F(LongTermTest, facts_are_found_with_the_events_that_they_came_from) {
    const auto memory = create("notes", {strategy("facts", StrategyKind::semantic)});
    const auto made = add(event(memory, kNoon, "I live in Busan. My sister plays the clarinet."));
    extract();
    EXPECT_THAT(find(memory, "/facts/kim", "Where does the user live?"),
                ::testing::Contains("User: I live in Busan."));
    const auto listed =
        await(service_->records().list(scope_, {.memory = memory.id, .spaces = {"/facts/kim"}}));
    ASSERT_THAT(listed->items, ::testing::Not(IsEmpty()));
    for (const auto& record : listed->items)
        EXPECT_THAT(record.sources, ElementsAre(made.id.text()));
}

TEST_F(LongTermTest, the_same_fact_twice_is_one_record_with_two_sources) {
    const auto memory = create("notes", {strategy("facts", StrategyKind::semantic)});
    add(event(memory, kNoon, "Anna plays violin and piano."));
    add(event(memory, kNoon + 1000, "Anna plays piano and violin!"));
    extract();
    const auto listed =
        await(service_->records().list(scope_, {.memory = memory.id, .spaces = {"/facts/kim"}}));
    ASSERT_THAT(listed->items, SizeIs(1));
    EXPECT_THAT(listed->items[0].sources, SizeIs(2));
}

TEST_F(LongTermTest, a_newer_fact_takes_the_place_of_an_older_one_even_out_of_order) {
    const auto memory = create("notes", {strategy("facts", StrategyKind::semantic)});
    add(event(memory, kNoon + 1000, "I moved to Busan."));
    extract();
    add(event(memory, kNoon + 9000, "I live in Seoul now."));
    extract();
    add(event(memory, kNoon, "I live in Daegu for now."));
    extract();
    EXPECT_THAT(find(memory, "/facts/kim", "Which city does the user live in?"),
                ElementsAre("User: I live in Seoul now."));
    auto kept = [](storage::Transaction& tx) {
        return tx.query("SELECT COUNT(*) FROM memory_records WHERE status = 'SUPERSEDED'");
    };
    EXPECT_EQ(await(database_->read(kept))->at(0).integer(0), 2);
}

TEST_F(LongTermTest, a_session_has_one_summary_that_follows_it) {
    const auto memory = create("notes", {strategy("sum", StrategyKind::summary)});
    add(event(memory, kNoon, "We plan a trip to Jeju island."));
    extract();
    add(event(memory, kNoon + 1, "The trip to Jeju needs a rental car."));
    extract();
    const auto found = find(memory, "/sum/kim", "Jeju trip");
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_THAT(found[0], HasSubstr("rental car"));
}

TEST_F(LongTermTest, skipped_events_make_no_records_and_ingested_ones_no_events) {
    const auto memory = create("notes", {strategy("facts", StrategyKind::semantic)});
    auto skipped = event(memory, kNoon, "I live in Busan near the beach.");
    skipped.extract = false;
    add(skipped);
    extract();
    EXPECT_THAT(find(memory, "/facts/kim", "Busan"), IsEmpty());
    const auto session =
        await(service_->events().ingest(scope_, event(memory, kNoon, "I own a sailing boat.", "")));
    ASSERT_TRUE(session) << session.error().message;
    EXPECT_FALSE(session->empty());
    extract();
    EXPECT_THAT(find(memory, "/facts/kim", "boat"), SizeIs(1));
    EXPECT_THAT(texts(session_of(memory, session->text())), IsEmpty());
}

TEST_F(LongTermTest, records_are_written_found_changed_and_deleted) {
    const auto memory = create("notes");
    const auto made = put(memory, {{.request_id = "r1",
                                    .space = "/a",
                                    .text = "likes green tea",
                                    .time = from_epoch_ms(kNoon)},
                                   {.request_id = "r2",
                                    .space = "/a/b",
                                    .text = "likes coffee",
                                    .time = from_epoch_ms(kNoon)}});
    ASSERT_THAT(made, SizeIs(2));
    EXPECT_EQ(made[0].id.text().size(), 40);
    EXPECT_THAT(find(memory, "/a", "tea"), ElementsAre("likes green tea"));
    const auto below = await(service_->records().list(
        scope_, {.memory = memory.id, .spaces = {.space = "/a/", .below = true}}));
    EXPECT_THAT(below->items, SizeIs(2));

    const RecordId unknown("mem-00000000-0000-4000-8000-000000000000");
    const auto changed = await(service_->records().update(
        scope_, memory.id,
        {{.id = made[0].id, .time = from_epoch_ms(kNoon), .text = "likes water"},
         {.id = unknown, .time = from_epoch_ms(kNoon)}},
        {}));
    ASSERT_THAT(*changed, SizeIs(2));
    EXPECT_FALSE((*changed)[0].error);
    EXPECT_TRUE((*changed)[1].error);
    EXPECT_THAT(find(memory, "/a", "tea"), IsEmpty());
    EXPECT_THAT(find(memory, "/a", "water"), SizeIs(1));
    ASSERT_TRUE(await(service_->records().remove(scope_, memory.id, {made[0].id})));
    EXPECT_THAT(find(memory, "/a", "water"), IsEmpty());
    EXPECT_EQ(await(service_->records().get(scope_, memory.id, made[0].id)).error().code,
              ErrorCode::not_found);
}

TEST_F(LongTermTest, a_batch_of_one_token_is_written_once) {
    const auto memory = create("notes");
    const std::vector<NewRecord> records{{.request_id = "r1", .space = "/a", .text = "likes tea"}};
    const auto first = put(memory, records, {"token", "digest"});
    const auto second = put(memory, records, {"token", "digest"});
    EXPECT_EQ(first[0].id, second[0].id);
    EXPECT_THAT(find(memory, "/a", "tea"), SizeIs(1));
}

TEST_F(LongTermTest, filters_are_inside_the_search) {
    const auto memory = create("notes");
    MemoryChange declare{.id = memory.id};
    declare.indexed_keys = json::parse(R"([{"key":"rank","type":"NUMBER"}])").as_array();
    ASSERT_TRUE(await(service_->memories().update(scope_, std::move(declare))));
    std::vector<NewRecord> records;
    for (int i = 0; i < 40; ++i)
        records.push_back({.request_id = std::to_string(i),
                           .space = "/a",
                           .text = "likes tea",
                           .metadata = {{"rank", static_cast<double>(i)}},
                           .time = from_epoch_ms(kNoon)});
    put(memory, records);
    RecordQuery query{.memory = memory.id,
                      .spaces = {"/a"},
                      .filters = {{"rank", Operator::greater_than_or_equals, MetadataValue(38.0)}},
                      .text = "tea"};
    EXPECT_THAT(await(service_->records().retrieve(scope_, query))->items, SizeIs(2));
    EXPECT_THAT(await(service_->records().list(scope_, query))->items, SizeIs(2));
    query.filters = {{"colour", Operator::exists, std::nullopt}};
    EXPECT_FALSE(await(service_->records().retrieve(scope_, query))) << "no indexed key";
    query.filters.clear();
    query.strategy = "other";
    EXPECT_THAT(await(service_->records().retrieve(scope_, query))->items, IsEmpty());
}

TEST_F(LongTermTest, when_nothing_matches_the_newest_are_answered_with_score_zero) {
    const auto memory = create("notes");
    put(memory, {{.request_id = "1", .space = "/a", .text = "likes tea"},
                 {.request_id = "2", .space = "/a", .text = "owns a boat"}});
    const RecordQuery query{.memory = memory.id, .spaces = {"/a"}, .text = "xyzzy", .topk = 1};
    const auto page = await(service_->records().retrieve(scope_, query));
    ASSERT_THAT(page->items, SizeIs(1));
    EXPECT_EQ(page->items[0].record.text, "owns a boat");
    EXPECT_EQ(page->items[0].score, 0);
}

TEST_F(LongTermTest, retrieval_pages_cut_one_answer) {
    const auto memory = create("notes");
    std::vector<NewRecord> records;
    for (int i = 0; i < 8; ++i)
        records.push_back({.request_id = std::to_string(i),
                           .space = "/a",
                           .text = "likes tea",
                           .time = from_epoch_ms(kNoon)});
    put(memory, records);
    RecordQuery query{
        .memory = memory.id, .spaces = {"/a"}, .page = {.items_max = 4}, .text = "tea", .topk = 6};
    const auto first = await(service_->records().retrieve(scope_, query));
    ASSERT_THAT(first->items, SizeIs(4));
    query.page.token = first->next_token;
    const auto second = await(service_->records().retrieve(scope_, query));
    EXPECT_THAT(second->items, SizeIs(2));
    EXPECT_THAT(second->next_token, IsEmpty());
}

TEST_F(LongTermTest, after_a_restart_answers_are_right_before_and_after_the_index_is_built) {
    const auto memory = create("notes", {strategy("facts", StrategyKind::semantic)});
    put(memory, {{.request_id = "r", .space = "/a", .text = "likes tea"}});
    add(event(memory, kNoon, "I live in Busan."));  // its job was not done yet
    open();
    EXPECT_FALSE(service_->index().is_complete(memory.number));
    EXPECT_THAT(find(memory, "/a", "tea"), SizeIs(1));
    const auto made = put(memory, {{.request_id = "r", .space = "/a", .text = "likes tea too"}});
    EXPECT_THAT(find(memory, "/a", "tea"), SizeIs(2));
    ASSERT_TRUE(await(service_->records().remove(scope_, memory.id, {made[0].id})));
    ASSERT_TRUE(await(service_->index().load(memory.number)));
    EXPECT_TRUE(service_->index().is_complete(memory.number));
    EXPECT_THAT(find(memory, "/a", "tea"), ElementsAre("likes tea"));
    extract();
    EXPECT_THAT(find(memory, "/facts/kim", "Busan"), SizeIs(1));
}

TEST_F(LongTermTest, the_background_work_starts_and_stops) {
    const auto memory = create("notes", {strategy("facts", StrategyKind::semantic)});
    service_->start(loop_.executor());
    add(event(memory, kNoon, "I live in Busan."));
    EXPECT_TRUE(await(service_->stop()));
}

}  // namespace
}  // namespace ac::memory
