#include "memory/record_vectors.h"

#include "memory/testing/service_fixture.h"

namespace ac::memory {
namespace {

// Knows that two words mean the same, which no letters tell.
class Meaning final : public search::Embedder {
  public:
    std::size_t dimensions() const override { return 2; }
    std::vector<float> embed(std::string_view text) const override {
        const bool is_vehicle =
            text.find("automobile") != text.npos || text.find("car") != text.npos;
        return is_vehicle ? std::vector<float>{1, 0} : std::vector<float>{0, 1};
    }
};

class RecordVectorsTest : public testing::ServiceFixture {
  protected:
    RecordVectorsTest() {
        embedder_ = {&meaning_, "meaning"};
        open();
    }

    Memory filled() {
        const auto memory = create("notes");
        std::vector<NewRecord> records;
        for (const std::string text : {"Tea is drunk at noon", "Kim sold the automobile",
                                       "Bread is baked on Sunday", "Rain fell in the night"})
            records.push_back({.request_id = text,
                               .space = "/a",
                               .text = text,
                               .time = from_epoch_ms(testing::kNoon)});
        put(memory, std::move(records));
        return memory;
    }

    Meaning meaning_;
};

TEST_F(RecordVectorsTest, a_record_is_found_by_its_meaning_once_its_vector_is_made) {
    const auto memory = filled();
    ASSERT_TRUE(await(service_->vectors().run_once()));
    EXPECT_EQ(find(memory, "/a", "Which car?").front(), "Kim sold the automobile");
}

TEST_F(RecordVectorsTest, vectors_outlive_a_restart_and_go_with_their_records) {
    const auto memory = filled();
    ASSERT_TRUE(await(service_->vectors().run_once()));
    open();
    EXPECT_EQ(find(memory, "/a", "Which car?").front(), "Kim sold the automobile");
    const auto listed =
        await(service_->records().list(scope_, {.memory = memory.id, .spaces = {"/a"}}));
    ASSERT_TRUE(await(service_->records().remove(scope_, memory.id, {listed->items[0].id})));
    auto count = [](storage::Transaction& tx) {
        return tx.query("SELECT COUNT(*) FROM memory_vectors");
    };
    EXPECT_EQ(await(database_->read(count))->front().integer(0), 3);
}

}  // namespace
}  // namespace ac::memory
