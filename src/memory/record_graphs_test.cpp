#include <fmt/format.h>

#include <fstream>
#include <random>

#include "base/file.h"
#include "memory/graph_file.h"
#include "memory/testing/service_fixture.h"

namespace ac::memory {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class RecordGraphsTest : public testing::ServiceFixture {
  protected:
    static constexpr int kRecords = 150;

    RecordGraphsTest() {
        embedder_ = {hashed_.get(), "hashed"};
        limits_.graph_from = 100;
        graphs_folder_ = folder_.path() / "graphs";
        std::filesystem::create_directory(graphs_folder_);
        open();
        memory_ = create("notes");
        store(0, kRecords);
    }
    void store(int first, int count) {
        std::vector<NewRecord> records;
        for (int i = first; i < first + count; ++i)
            records.push_back(
                {.request_id = std::to_string(i),
                 .space = "/a",
                 .text = fmt::format("Note {} is about topic{} and item{}", i, i * 7919 % 1000, i),
                 .time = from_epoch_ms(testing::kNoon)});
        put(memory_, std::move(records));
        ASSERT_TRUE(await(service_->vectors().run_once()));
    }
    // Rounds until nothing waits to be linked.
    void run() {
        for (bool is_more = true; is_more;) {
            const auto done = await(service_->graphs().run_once());
            ASSERT_TRUE(done) << done.error().message;
            is_more = *done;
        }
    }
    // As after a kill: nothing is written at the end.
    void restart() {
        open();
        ASSERT_TRUE(await(service_->index().load(memory_.number)));
        run();
    }
    std::vector<std::filesystem::path> files() const {
        std::vector<std::filesystem::path> out;
        for (const auto& one : std::filesystem::directory_iterator(graphs_folder_))
            out.push_back(one.path());
        return out;
    }
    search::Index::GraphState state() {
        return service_->index().index_of(memory_.number)->graphs().at(0);
    }
    void expect_all_found() {
        for (int i = 0; i < kRecords; i += 37)
            EXPECT_EQ(find(memory_, "/a", fmt::format("topic{} item{}", i * 7919 % 1000, i)).at(0),
                      fmt::format("Note {} is about topic{} and item{}", i, i * 7919 % 1000, i));
    }
    RecordGraphs::Statistics statistics() { return service_->graphs().statistics(); }

    std::unique_ptr<search::Embedder> hashed_ = search::make_hashed_embedder();
    Memory memory_;
};

TEST_F(RecordGraphsTest, a_restart_takes_the_graph_from_its_file) {
    run();
    ASSERT_THAT(files(), SizeIs(1));
    restart();
    EXPECT_EQ(statistics().restored, kRecords);
    EXPECT_EQ(statistics().written, 0);
    EXPECT_EQ(state().linked, kRecords);
    EXPECT_EQ(state().changes, 0);
    expect_all_found();
}

TEST_F(RecordGraphsTest, records_that_went_changed_and_came_since_are_linked) {
    run();
    const auto page = await(service_->records().list(
        scope_, {.memory = memory_.id, .spaces = {"/a"}, .page = {.items_max = 50}}));
    std::vector<RecordId> removed;
    std::vector<RecordChange> changed;
    for (const auto& record : page->items) {
        if (removed.size() < 20)
            removed.push_back(record.id);
        else
            changed.push_back({.id = record.id,
                               .time = from_epoch_ms(testing::kNoon),
                               .text = "Quite another matter " + record.id.text()});
    }
    ASSERT_TRUE(await(service_->records().remove(scope_, memory_.id, removed)));
    ASSERT_TRUE(await(service_->records().update(scope_, memory_.id, changed, {})));
    store(kRecords, 40);
    restart();
    EXPECT_EQ(statistics().restored, kRecords - 50);
    EXPECT_EQ(state().vectors, kRecords - 20 + 40);
    EXPECT_EQ(state().linked, state().vectors);
    EXPECT_EQ(statistics().written, 1);  // much has changed
    EXPECT_THAT(find(memory_, "/a", "another matter " + changed[3].id.text()).at(0),
                ::testing::HasSubstr(changed[3].id.text()));
}

TEST_F(RecordGraphsTest, a_damaged_file_is_as_good_as_none) {
    run();
    const auto file = files().at(0);
    const auto whole = *read_file(file, 1 << 30);
    std::mt19937 chance(11);
    for (int i = 0; i < 4; ++i) {
        auto text = whole.substr(0, i % 2 == 0 ? chance() % whole.size() : whole.size());
        if (i % 2 == 1) text[chance() % text.size()] ^= static_cast<char>(1 << chance() % 8);
        ASSERT_TRUE(write_file(file, text));
        restart();
        EXPECT_EQ(statistics().restored, 0);
        EXPECT_EQ(statistics().refused, 1);
        EXPECT_EQ(state().linked, kRecords);
        expect_all_found();
        EXPECT_EQ(read_file(file, 1 << 30)->size(), whole.size());  // written anew
    }
}

TEST_F(RecordGraphsTest, another_embedders_file_is_not_used) {
    run();
    const auto file = files().at(0);
    const auto whole = *read_file(file, 1 << 30);
    const auto image = image_of_graph_file(whole, "hashed");
    ASSERT_TRUE(image);
    EXPECT_FALSE(image_of_graph_file(whole, "other"));
    ASSERT_TRUE(write_file(file, graph_file_text("other", *image)));
    restart();
    EXPECT_EQ(statistics().refused, 1);
    EXPECT_EQ(state().linked, kRecords);
}

TEST_F(RecordGraphsTest, a_write_that_fails_is_tried_again_much_later) {
    std::filesystem::remove(graphs_folder_);
    run();
    expect_all_found();
    std::filesystem::create_directory(graphs_folder_);
    timer_.advance(Seconds(300));
    run();
    EXPECT_THAT(files(), IsEmpty());
    timer_.advance(Seconds(301));
    run();
    EXPECT_THAT(files(), SizeIs(1));
}

TEST_F(RecordGraphsTest, an_orderly_end_writes_what_changed) {
    run();
    EXPECT_EQ(statistics().written, 1);
    ASSERT_TRUE(await(service_->graphs().keep_all()));
    EXPECT_EQ(statistics().written, 1);
    store(kRecords, 1);
    run();
    EXPECT_EQ(statistics().written, 1);
    ASSERT_TRUE(await(service_->graphs().keep_all()));
    EXPECT_EQ(statistics().written, 2);
    restart();
    EXPECT_EQ(statistics().restored, kRecords + 1);
}

TEST_F(RecordGraphsTest, files_go_with_their_memories_and_namespaces) {
    run();
    ASSERT_THAT(files(), SizeIs(1));
    // Of a memory that is gone, left by an interrupted write, and somebody else's.
    const auto stale = graph_file_name(memory_.number + 1, "/a");
    for (const auto& name :
         {stale, files().at(0).filename().string() + ".77.tmp", std::string("README")})
        ASSERT_TRUE(write_file(graphs_folder_ / name, "x"));
    ASSERT_TRUE(await(service_->graphs().tidy({memory_.number})));
    EXPECT_THAT(files(), SizeIs(2));
    EXPECT_TRUE(std::filesystem::exists(graphs_folder_ / "README"));
    ASSERT_TRUE(await(service_->memories().remove(scope_, memory_.id, {})));
    auto nothing = []() -> Result<> { return {}; };
    ASSERT_TRUE(await(pool_.run(nothing)));  // behind the removal
    EXPECT_THAT(files(), SizeIs(1));
}

TEST(graph_file, names_tell_their_memory) {
    const auto name = graph_file_name(17, "/users/kim");
    EXPECT_EQ(memory_of_graph_file(name), 17);
    EXPECT_NE(name, graph_file_name(17, "/users/lee"));
    for (const auto* other : {"", "17", "17-.graph", "x-0123456789abcdef0123456789abcdef.graph",
                              "17-0123456789abcdef0123456789abcdeF.graph", "README"})
        EXPECT_FALSE(memory_of_graph_file(other)) << other;
}

}  // namespace
}  // namespace ac::memory
