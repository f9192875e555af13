#include "memory/testing/service_fixture.h"

namespace ac::memory {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kNoon;
using testing::payload_of;
using ::testing::SizeIs;

class MemoryServiceTest : public testing::ServiceFixture {};

TEST_F(MemoryServiceTest, a_memory_has_the_name_in_its_id_and_one_name_is_taken_once) {
    const auto memory = create("notes");
    EXPECT_TRUE(memory.id.text().starts_with("notes-"));
    EXPECT_EQ(memory.id.text().size(), 16);
    const auto again =
        await(service_->memories().create(scope_, {.name = "notes", .expiry_days = 7}));
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, ErrorCode::invalid_argument);
    EXPECT_THAT(again.error().message, HasSubstr("already exists"));
}

TEST_F(MemoryServiceTest, create_is_idempotent_on_its_token) {
    const NewMemory wanted{.name = "notes", .expiry_days = 7, .once = {"token", "digest"}};
    const auto first = await(service_->memories().create(scope_, wanted));
    const auto second = await(service_->memories().create(scope_, wanted));
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->id, second->id);
    auto other = wanted;
    other.once.parameters = "other";
    const auto third = await(service_->memories().create(scope_, other));
    ASSERT_FALSE(third);
    EXPECT_EQ(third.error().reason, "IdempotentParameterMismatchException");
}

TEST_F(MemoryServiceTest, other_scopes_see_nothing) {
    const auto memory = create("notes");
    const Scope other{"111111111111", "us-west-2"};
    EXPECT_EQ(await(service_->memories().get(other, memory.id)).error().code, ErrorCode::not_found);
    EXPECT_THAT(await(service_->memories().list(other, {}))->items, IsEmpty());
    EXPECT_EQ(await(service_->events().list(other, session_of(memory))).error().code,
              ErrorCode::not_found);
}

TEST_F(MemoryServiceTest, memories_are_listed_in_pages) {
    for (const char* name : {"alpha", "beta", "gamma"}) create(name);
    const auto first = await(service_->memories().list(scope_, {.items_max = 2}));
    ASSERT_THAT(first->items, SizeIs(2));
    const auto second =
        await(service_->memories().list(scope_, {.items_max = 2, .token = first->next_token}));
    EXPECT_THAT(second->items, SizeIs(1));
    EXPECT_THAT(second->next_token, IsEmpty());
    EXPECT_EQ(await(service_->memories().list(scope_, {.token = "bm9uc2Vuc2U"})).error().code,
              ErrorCode::invalid_argument);
}

TEST_F(MemoryServiceTest, strategies_are_added_changed_and_removed) {
    auto memory = create("notes", {strategy("facts", StrategyKind::semantic)});
    const auto id = memory.strategies[0].id;
    const auto updated = await(service_->memories().update(
        scope_, {.id = memory.id,
                 .expiry_days = 30,
                 .added = {strategy("likes", StrategyKind::user_preference)},
                 .changed = {{.id = id, .description = "changed"}}}));
    ASSERT_TRUE(updated) << updated.error().message;
    EXPECT_EQ(updated->expiry_days, 30);
    ASSERT_THAT(updated->strategies, SizeIs(2));
    EXPECT_EQ(updated->strategies[0].description, "changed");
    const auto removed =
        await(service_->memories().update(scope_, {.id = memory.id, .removed = {id}}));
    EXPECT_THAT(removed->strategies, SizeIs(1));
    const auto unknown =
        await(service_->memories().update(scope_, {.id = memory.id, .removed = {id}}));
    EXPECT_EQ(unknown.error().code, ErrorCode::not_found);
}

TEST_F(MemoryServiceTest, a_deleted_memory_is_gone_at_once_and_its_rows_soon) {
    const auto memory = create("notes", {strategy("facts", StrategyKind::semantic)});
    add(event(memory, kNoon, "I live in Busan with my dog."));
    extract();
    ASSERT_TRUE(await(service_->memories().remove(scope_, memory.id, {})));
    EXPECT_EQ(await(service_->memories().get(scope_, memory.id)).error().code,
              ErrorCode::not_found);
    while (*await(service_->sweep()) > 0) {
    }
    auto count = [](storage::Transaction& tx) {
        return tx.query(
            "SELECT (SELECT COUNT(*) FROM memory_events) + (SELECT COUNT(*) FROM "
            "memory_records) + (SELECT COUNT(*) FROM memory_memories) + (SELECT "
            "COUNT(*) FROM memory_sessions)");
    };
    EXPECT_EQ(await(database_->read(count))->at(0).integer(0), 0);
    create("notes");  // the name is free again
}

TEST_F(MemoryServiceTest, events_are_newest_first_and_arrival_breaks_ties) {
    const auto memory = create("notes");
    add(event(memory, kNoon, "one"));
    add(event(memory, kNoon + 1000, "three"));
    add(event(memory, kNoon, "two"));
    EXPECT_THAT(texts(session_of(memory)), ElementsAre("three", "two", "one"));
}

TEST_F(MemoryServiceTest, an_event_id_is_its_time_and_eight_digits) {
    const auto memory = create("notes");
    const auto made = add(event(memory, kNoon, "one"));
    EXPECT_THAT(made.id.text(), ::testing::MatchesRegex("0000001700000000000#[0-9a-f]{8}"));
    const auto found = await(service_->events().get(scope_, made.address, made.id));
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(text_of(*found), "one");
    ASSERT_TRUE(await(service_->events().remove(scope_, made.address, made.id)));
    EXPECT_EQ(await(service_->events().get(scope_, made.address, made.id)).error().code,
              ErrorCode::not_found);
}

TEST_F(MemoryServiceTest, an_event_is_stored_once_for_one_token) {
    const auto memory = create("notes");
    auto wanted = event(memory, kNoon, "one");
    wanted.once = {"token", "digest"};
    EXPECT_EQ(add(wanted).id, add(wanted).id);
    EXPECT_THAT(texts(session_of(memory)), SizeIs(1));
    wanted.once.parameters = "other";
    EXPECT_EQ(await(service_->events().create(scope_, wanted)).error().reason,
              "IdempotentParameterMismatchException");
}

TEST_F(MemoryServiceTest, pages_go_on_where_they_ended_while_events_arrive) {
    const auto memory = create("notes");
    for (int i = 0; i < 5; ++i) add(event(memory, kNoon + i, std::to_string(i)));
    auto query = session_of(memory);
    query.page.items_max = 2;
    auto page = await(service_->events().list(scope_, query));
    add(event(memory, kNoon + 100, "late"));
    std::vector<std::string> seen;
    while (true) {
        for (const auto& item : page->items) seen.push_back(text_of(item));
        if (page->next_token.empty()) break;
        query.page.token = page->next_token;
        page = await(service_->events().list(scope_, query));
    }
    EXPECT_THAT(seen, ElementsAre("4", "3", "2", "1", "0"));
}

TEST_F(MemoryServiceTest, metadata_filters_are_exact) {
    const auto memory = create("notes");
    auto red = event(memory, kNoon, "red");
    red.metadata.entries = {{"colour", "red"}, {"kind", "state"}};
    add(red);
    auto blue = event(memory, kNoon + 1, "blue");
    blue.metadata.entries = {{"colour", "blue"}};
    add(blue);
    add(event(memory, kNoon + 2, "none"));
    auto query = session_of(memory);
    query.filters = {{"colour", Operator::equals_to, "red"}};
    EXPECT_THAT(texts(query), ElementsAre("red"));
    query.filters = {{"colour", Operator::exists, ""}};
    EXPECT_THAT(texts(query), ElementsAre("blue", "red"));
    query.filters = {{"colour", Operator::not_exists, ""}};
    EXPECT_THAT(texts(query), ElementsAre("none"));
    query.filters = {{"colour", Operator::equals_to, "red"}, {"kind", Operator::not_exists, ""}};
    EXPECT_THAT(texts(query), IsEmpty());
}

TEST_F(MemoryServiceTest, a_branch_begins_at_an_event_and_sees_its_parents_up_to_there) {
    const auto memory = create("notes");
    add(event(memory, kNoon, "one"));
    const auto root = add(event(memory, kNoon + 1, "two"));
    add(event(memory, kNoon + 2, "three"));
    auto side = event(memory, kNoon + 3, "side");
    side.has_branch = true;
    side.branch = {"plan-b", root.id};
    const auto fork = add(side);
    EXPECT_EQ(fork.branch.name, "plan-b");
    side.branch.root.reset();
    side.payload = payload_of("side two");
    side.time = from_epoch_ms(kNoon + 4);
    EXPECT_EQ(add(side).branch.root, root.id);

    auto query = session_of(memory);
    query.branch = "plan-b";
    EXPECT_THAT(texts(query), ElementsAre("side two", "side"));
    query.with_parent_branches = true;
    EXPECT_THAT(texts(query), ElementsAre("side two", "side", "two", "one"));
    query.branch = "main";
    EXPECT_THAT(texts(query), ElementsAre("three", "two", "one"));
    EXPECT_THAT(texts(session_of(memory)), SizeIs(5));
}

TEST_F(MemoryServiceTest, a_branch_needs_a_root_of_its_session) {
    const auto memory = create("notes");
    const auto elsewhere = add(event(memory, kNoon, "other session", "s2"));
    auto side = event(memory, kNoon + 1, "side");
    side.has_branch = true;
    side.branch = {"plan-b", std::nullopt};
    EXPECT_EQ(await(service_->events().create(scope_, side)).error().code,
              ErrorCode::invalid_argument);
    side.branch.root = elsewhere.id;
    EXPECT_EQ(await(service_->events().create(scope_, side)).error().reason, "EventInOtherSession");
}

TEST_F(MemoryServiceTest, expired_events_are_invisible_at_once_and_deleted_in_batches) {
    limits_.sweep_batch = 2;
    open();
    const auto memory = create("notes");
    for (int i = 0; i < 5; ++i) add(event(memory, kNoon + i, std::to_string(i)));
    timer_.advance(std::chrono::days(8));
    EXPECT_THAT(texts(session_of(memory)), IsEmpty());
    EXPECT_EQ(*await(service_->sweep()), 2);
    EXPECT_EQ(*await(service_->sweep()), 2);
    EXPECT_EQ(*await(service_->sweep()), 1);
    EXPECT_EQ(*await(service_->sweep()), 1);  // the session, empty for longer than a day
    EXPECT_EQ(*await(service_->sweep()), 0);
}

TEST_F(MemoryServiceTest, sessions_and_actors_are_listed) {
    const auto memory = create("notes");
    add(event(memory, kNoon, "one", "s1"));
    const auto gone = add(event(memory, kNoon, "two", "s2"));
    EXPECT_THAT(await(service_->events().actors(scope_, memory.id, {}))->items,
                ElementsAre(ActorId("kim")));
    ASSERT_TRUE(await(service_->events().remove(scope_, gone.address, gone.id)));
    const auto list = [&](bool with_events) {
        return await(
                   service_->events().sessions(scope_, memory.id, ActorId("kim"), with_events, {}))
            ->items;
    };
    EXPECT_THAT(list(false), SizeIs(2));
    EXPECT_THAT(list(true), SizeIs(1));
}

TEST_F(MemoryServiceTest, a_full_session_takes_no_more) {
    limits_.session_bytes_max = 200;
    open();
    const auto memory = create("notes");
    add(event(memory, kNoon, std::string(80, 'x')));
    const auto refused =
        await(service_->events().create(scope_, event(memory, kNoon, std::string(80, 'x'))));
    EXPECT_EQ(refused.error().code, ErrorCode::quota_exceeded);
}

}  // namespace
}  // namespace ac::memory
