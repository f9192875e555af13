#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "search/index.h"
#include "search/testing/topics.h"
#include "search/vector_rows.h"

namespace ac::search {
namespace {

using testing::kDimensions;
using testing::Topics;

class VectorImageTest : public ::testing::Test {
  protected:
    static constexpr std::uint32_t kRows = 200;

    VectorImageTest() {
        for (std::uint32_t i = 0; i < kRows; ++i) drawn_.push_back(topics_.draw());
        for (std::uint32_t i = 0; i < kRows; ++i) rows_.append(i, drawn_[i]);
        while (rows_.link(100)) {
        }
        // The key of slot i is i + 1000.
        image_ = rows_.image([](std::uint32_t slot) { return std::int64_t{slot} + 1000; });
    }
    static std::uint32_t slot_of(std::int64_t key) {
        return key >= 1000 && key < 1000 + kRows ? static_cast<std::uint32_t>(key - 1000)
                                                 : VectorRows::kGone;
    }
    static std::uint32_t best(const VectorRows& rows, const std::vector<float>& query) {
        const auto found = rows.nearest(Vectors::rounded(query), 10, {}).found;
        return std::ranges::max_element(found, {}, &VectorRows::Found::similarity)->slot;
    }

    Topics topics_;
    std::vector<std::vector<float>> drawn_;
    VectorRows rows_{kDimensions};
    std::string image_;
};

TEST_F(VectorImageTest, the_same_rows_get_the_same_graph) {
    auto made = rows_.restored(image_, slot_of);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(made->rows, kRows);
    EXPECT_FALSE(made->graph.needs_mending());
    std::string before;
    std::string after;
    made->graph.write(after);
    rows_.take(std::move(made->graph));
    EXPECT_EQ(rows_.image([](std::uint32_t slot) { return std::int64_t{slot} + 1000; }), image_);
    EXPECT_EQ(rows_.linked().linked, kRows);
}

TEST_F(VectorImageTest, rows_that_moved_changed_went_and_came_are_told_apart) {
    // Turned around; every tenth has gone, every seventh changed, and there are new ones.
    VectorRows other(kDimensions);
    std::vector<std::pair<std::uint32_t, std::vector<float>>> wanted;
    std::size_t same = 0;
    for (std::uint32_t slot = kRows; slot-- > 0;) {
        if (slot % 10 == 0) continue;
        wanted.emplace_back(slot, slot % 7 == 0 ? topics_.draw() : drawn_[slot]);
        same += slot % 7 == 0 ? 0 : 1;
    }
    for (std::uint32_t slot = kRows; slot < kRows + 50; ++slot)
        wanted.emplace_back(slot, topics_.draw());
    for (const auto& [slot, vector] : wanted) other.append(slot, vector);
    auto made = other.restored(image_, [&](std::int64_t key) {
        const auto slot = slot_of(key);
        return slot % 10 == 0 ? VectorRows::kGone : slot;
    });
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(made->rows, same);
    other.take(std::move(made->graph));
    EXPECT_LE(other.linked().linked, same);
    for (const auto& [slot, vector] : wanted) EXPECT_EQ(best(other, vector), slot);
    while (other.link(10)) {
    }
    EXPECT_EQ(other.linked().linked, wanted.size());
    for (const auto& [slot, vector] : wanted) EXPECT_EQ(best(other, vector), slot);
}

TEST_F(VectorImageTest, vectors_of_another_dimension_or_model_match_nothing) {
    VectorRows other(kDimensions * 2);
    other.append(0, std::vector<float>(kDimensions * 2, 0.5F));
    EXPECT_FALSE(other.restored(image_, slot_of));
    VectorRows same(kDimensions);
    for (std::uint32_t i = 0; i < kRows; ++i) same.append(i, topics_.draw());
    const auto made = same.restored(image_, slot_of);
    ASSERT_TRUE(made);
    EXPECT_EQ(made->rows, 0);
}

TEST_F(VectorImageTest, a_damaged_image_is_refused_or_harmless) {
    for (std::size_t size = 0; size < image_.size(); size += 997)
        EXPECT_FALSE(rows_.restored(std::string_view(image_).substr(0, size), slot_of)) << size;
    EXPECT_FALSE(rows_.restored(image_ + "x", slot_of));
    std::mt19937 chance(7);
    int accepted = 0;
    for (int i = 0; i < 300; ++i) {
        auto damaged = image_;
        // The first bytes, which say how many there are of what, more often than the others.
        const auto at = i % 2 == 0 ? chance() % 32 : chance() % damaged.size();
        const std::uint32_t value = chance() % 4 == 0 ? ~0U : chance();
        std::memcpy(damaged.data() + at, &value, std::min(sizeof value, damaged.size() - at));
        auto made = rows_.restored(damaged, slot_of);
        if (!made) continue;
        ++accepted;
        VectorRows other(kDimensions);
        for (std::uint32_t slot = 0; slot < kRows; ++slot) other.append(slot, drawn_[slot]);
        other.take(std::move(made->graph));
        other.link(4);
        for (const auto& found : other.nearest(Vectors::rounded(drawn_[3]), 10, {}).found)
            EXPECT_LT(found.slot, kRows);
    }
    EXPECT_GT(accepted, 0);  // a changed fingerprint, for instance
}

TEST(Index, a_graph_kept_outside_is_taken_over_where_it_fits) {
    Topics topics;
    Tuning tuning;
    tuning.graph_from = 100;
    const auto index = make_index(nullptr, tuning);
    std::vector<std::vector<float>> drawn;
    const auto fill = [&](Index& into) {
        for (std::size_t i = 0; i < drawn.size(); ++i) {
            Document document{.key = static_cast<Key>(i), .space = "/a", .text = "some words"};
            document.vector = drawn[i];
            into.put(analyse(std::move(document)), Linking::later);
        }
    };
    for (int i = 0; i < 300; ++i) drawn.push_back(topics.draw());
    fill(*index);
    EXPECT_TRUE(index->graph_image("/a").bytes.empty());
    while (index->link(10)) {
    }
    ASSERT_EQ(index->graphs().size(), 1);
    EXPECT_EQ(index->graphs()[0].linked, 300);
    const auto image = index->graph_image("/a");
    EXPECT_EQ(image.changes, index->graphs()[0].changes);

    const auto other = make_index(nullptr, tuning);
    fill(*other);
    for (Key gone = 0; gone < 30; ++gone) other->remove(gone);
    EXPECT_EQ(*other->restore_graph("/b", image.bytes), 0);
    EXPECT_FALSE(other->restore_graph("/a", "nonsense"));
    EXPECT_EQ(*other->restore_graph("/a", image.bytes), 270);
    EXPECT_EQ(other->graphs()[0].linked, 270);
    while (other->link(10)) {
    }
    const auto found =
        other->search({.text = "unheard", .vector = drawn[77], .spaces = {}, .limit = 1});
    ASSERT_EQ(found.size(), 1);
    EXPECT_EQ(found[0].key, 77);
}

TEST(Index, compaction_keeps_the_graph) {
    Topics topics;
    Tuning tuning;
    tuning.graph_from = 100;
    const auto index = make_index(nullptr, tuning);
    for (Key key = 0; key < 400; ++key) {
        Document document{.key = key, .space = "/a", .text = "some words"};
        document.vector = topics.draw();
        index->put(std::move(document));
    }
    while (index->link(10)) {
    }
    for (Key key = 0; key < 400; key += 2) index->remove(key);
    const auto states = index->graphs();
    ASSERT_EQ(states.size(), 1);
    EXPECT_LT(states[0].vectors, 400);
    EXPECT_GT(states[0].linked, states[0].vectors * 9 / 10);
    while (index->link(10)) {
    }
    EXPECT_EQ(index->graphs()[0].linked, index->graphs()[0].vectors);
}

}  // namespace
}  // namespace ac::search
