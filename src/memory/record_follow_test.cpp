#include <atomic>

#include "memory/testing/service_fixture.h"
#include "storage/testing/observed_database.h"

namespace ac::memory {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A second daemon on the database of the fixture's service.
class RecordFollowTest : public testing::ServiceFixture {
  protected:
    std::unique_ptr<MemoryService> another(bool is_shared) {
        return std::make_unique<MemoryService>(MemoryService::Dependencies{.database = observed_,
                                                                           .pool = pool_,
                                                                           .timer = timer_,
                                                                           .random = random_,
                                                                           .is_shared = is_shared});
    }
    // The next query that has `part` in it fails.
    void fail_once(std::string part) {
        auto is_armed = std::make_shared<std::atomic<bool>>(true);
        observed_.observe([part = std::move(part), is_armed](std::string_view sql) -> Result<> {
            if (sql.find(part) == sql.npos || !is_armed->exchange(false)) return {};
            return fail(ErrorCode::unavailable, "the server is away");
        });
    }
    Result<std::vector<std::string>> ask(MemoryService& service, const Memory& memory,
                                         std::string text) {
        AC_TRY(const auto page,
               await(service.records().retrieve(
                   scope_, {.memory = memory.id, .spaces = {"/a"}, .text = std::move(text)})));
        std::vector<std::string> out;
        for (const auto& item : page.items)
            if (item.score > 0) out.push_back(item.record.text);
        return out;
    }
    RecordId store(const Memory& memory, std::string text) {
        return put(memory, {{.request_id = "r",
                             .space = "/a",
                             .text = std::move(text),
                             .time = from_epoch_ms(testing::kNoon)}})
            .front()
            .id;
    }

    storage::testing::ObservedDatabase observed_{*database_};
};

TEST_F(RecordFollowTest, a_change_that_could_not_be_read_is_read_by_the_next_search) {
    const auto memory = create("notes");
    const auto id = store(memory, "Anna plays the violin");
    const auto other = another(true);
    EXPECT_THAT(*ask(*other, memory, "violin"), ElementsAre("Anna plays the violin"));
    ASSERT_TRUE(await(service_->records().update(
        scope_, memory.id,
        {{.id = id, .time = from_epoch_ms(testing::kNoon), .text = "Boris likes chess"}}, {})));
    timer_.advance(Seconds(1));
    fail_once("number IN (");
    EXPECT_FALSE(ask(*other, memory, "chess"));
    timer_.advance(Seconds(1));
    EXPECT_THAT(*ask(*other, memory, "chess"), ElementsAre("Boris likes chess"));
    EXPECT_THAT(*ask(*other, memory, "violin"), IsEmpty());
}

TEST_F(RecordFollowTest, new_records_are_looked_for_from_where_the_last_look_succeeded) {
    const auto memory = create("notes");
    store(memory, "Anna plays the violin");
    const auto other = another(true);
    EXPECT_THAT(*ask(*other, memory, "violin"), ElementsAre("Anna plays the violin"));
    store(memory, "Boris likes chess");
    timer_.advance(Seconds(60));
    fail_once("SELECT number, created_at, updated_at");
    EXPECT_FALSE(ask(*other, memory, "chess"));
    timer_.advance(Seconds(60));
    EXPECT_EQ(ask(*other, memory, "chess")->at(0), "Boris likes chess");
}

TEST_F(RecordFollowTest, an_index_that_could_not_be_read_is_read_by_the_next_search) {
    const auto memory = create("notes");
    store(memory, "Anna plays the violin");
    const auto other = another(true);
    fail_once("number > $2");
    EXPECT_FALSE(ask(*other, memory, "violin"));
    EXPECT_FALSE(other->index().is_complete(memory.number));
    EXPECT_THAT(*ask(*other, memory, "violin"), ElementsAre("Anna plays the violin"));
    EXPECT_TRUE(other->index().is_complete(memory.number));
}

TEST_F(RecordFollowTest, a_question_that_matches_nothing_reads_the_records_once) {
    const auto memory = create("notes");
    store(memory, "Anna plays the violin");
    const auto other = another(false);
    std::atomic<int> pages = 0;
    const auto count = [&](std::string_view sql) -> Result<> {
        if (sql.find("AND number > $2") != sql.npos) ++pages;
        return {};
    };
    observed_.observe(count);
    EXPECT_THAT(*ask(*other, memory, "violin"), ElementsAre("Anna plays the violin"));
    const int once = pages.exchange(0);
    EXPECT_GT(once, 0);
    EXPECT_THAT(*ask(*other, memory, "quantum"), IsEmpty());
    EXPECT_EQ(pages, once);
}

TEST_F(RecordFollowTest, an_answer_knows_what_it_has_not_looked_at) {
    const auto memory = create("notes");
    const auto key_of = [&](const RecordId& id) {
        return await(service_->records().get(scope_, memory.id, id))->key;
    };
    const auto first = key_of(store(memory, "Anna plays the violin"));
    const auto second_id = store(memory, "Chloe drinks tea");
    const auto second = key_of(second_id);
    const auto other = another(false);  // answers from an index of its own for each search
    const RecordQuery query{.memory = memory.id, .spaces = {"/a"}, .text = "chess", .topk = 10};
    const auto live = await(service_->index().search(memory.number, query));
    const auto own = await(other->index().search(memory.number, query));
    ASSERT_TRUE(live && own);
    const auto third = key_of(store(memory, "Boris likes chess"));
    ASSERT_TRUE(await(service_->records().update(
        scope_, memory.id,
        {{.id = second_id, .time = from_epoch_ms(testing::kNoon), .text = "Chloe likes chess"}},
        {})));
    EXPECT_TRUE(live->saw(first));
    EXPECT_FALSE(live->saw(second));
    EXPECT_FALSE(live->saw(third));
    EXPECT_TRUE(own->saw(first));
    EXPECT_FALSE(own->saw(third));
}

}  // namespace
}  // namespace ac::memory
