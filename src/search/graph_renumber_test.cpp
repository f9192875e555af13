#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "search/graph.h"
#include "search/testing/topics.h"
#include "search/vector_rows.h"

namespace ac::search {
namespace {

using testing::kDimensions;
using testing::Topics;

constexpr std::uint32_t kVectors = 2000;

struct Linked {
    Linked() {
        for (std::uint32_t i = 0; i < kVectors; ++i) {
            vectors.append(topics.draw());
            graph.link_next(vectors);
        }
    }
    Topics topics;
    Vectors vectors{kDimensions};
    Graph graph;
};

class GraphRenumberTest : public ::testing::Test {
  protected:
    // Linked once for all tests.
    static const Linked& linked() {
        static const Linked out;
        return out;
    }
    // Of a hundred, which do not come in order, so that whole neighbourhoods lose some.
    void remove(std::uint32_t percent) {
        std::vector<bool> keep(kVectors);
        std::vector<std::uint32_t> new_slot(kVectors, Graph::kGone);
        std::uint32_t kept = 0;
        for (std::uint32_t slot = 0; slot < kVectors; ++slot) {
            if (slot * 2'654'435'761U / 1000 % 100 < percent) continue;
            keep[slot] = true;
            new_slot[slot] = kept++;
        }
        graph_.renumber(new_slot, kept);
        vectors_.compact(keep);
    }
    void mend() {
        while (graph_.link_unlinked(vectors_) || graph_.mend_next(vectors_)) {
        }
        EXPECT_FALSE(graph_.needs_mending());
    }
    // Share of the ten nearest by a scan that the walk finds.
    double recall() {
        Topics asked;
        double found = 0;
        const auto all = [](std::uint32_t) { return true; };
        for (int q = 0; q < 50; ++q) {
            const auto query = asked.draw();
            std::set<std::uint32_t> exact;
            for (const auto& one : vectors_.nearest(query, 10)) exact.insert(one.slot);
            const auto walked = graph_.nearest(vectors_, vectors_.rounded(query), 10, 100, all);
            for (const auto& one : walked) {
                EXPECT_LT(one.slot, vectors_.size());
                found += exact.contains(one.slot) ? 1 : 0;
            }
        }
        return found / 500;
    }

    Topics topics_ = linked().topics;
    Vectors vectors_ = linked().vectors;
    Graph graph_ = linked().graph;
};

TEST_F(GraphRenumberTest, finds_as_much_when_slots_have_gone) {
    const auto whole = recall();
    EXPECT_GE(whole, 0.97);
    for (const std::uint32_t percent : {10, 25, 50}) {
        vectors_ = linked().vectors;
        graph_ = linked().graph;
        remove(percent);
        const auto before = recall();
        mend();
        const auto after = recall();
        RecordProperty("recall_without_" + std::to_string(percent), std::to_string(before));
        RecordProperty("recall_mended_" + std::to_string(percent), std::to_string(after));
        EXPECT_GE(before, 0.9) << percent;
        EXPECT_GE(after, 0.97) << percent;
    }
}

TEST_F(GraphRenumberTest, goes_on_when_the_entry_and_its_neighbourhood_are_gone) {
    // All but every hundredth: most are left with no neighbour at all.
    std::vector<bool> keep(kVectors);
    std::vector<std::uint32_t> new_slot(kVectors, Graph::kGone);
    for (std::uint32_t slot = 50; slot < kVectors; slot += 100) {
        keep[slot] = true;
        new_slot[slot] = slot / 100;
    }
    graph_.renumber(new_slot, kVectors / 100);
    vectors_.compact(keep);
    mend();
    EXPECT_GE(recall(), 0.97);  // the scan compares more exactly
}

TEST_F(GraphRenumberTest, is_empty_when_all_are_gone) {
    graph_.renumber(std::vector<std::uint32_t>(kVectors, Graph::kGone), 0);
    EXPECT_EQ(graph_.size(), 0);
    EXPECT_FALSE(graph_.needs_mending());
}

TEST_F(GraphRenumberTest, slots_that_nothing_becomes_are_unlinked_and_then_linked) {
    // The first half goes on behind a hundred new ones, in turned order.
    std::vector<std::uint32_t> new_slot(kVectors, Graph::kGone);
    Vectors turned(kDimensions);
    for (int i = 0; i < 100; ++i) turned.append(topics_.draw());
    for (std::uint32_t slot = 0; slot < 1000; ++slot) new_slot[slot] = 1099 - slot;
    Topics again;
    std::vector<std::vector<float>> drawn;
    for (int i = 0; i < 1000; ++i) drawn.push_back(again.draw());
    for (int i = 999; i >= 0; --i) turned.append(drawn[static_cast<std::size_t>(i)]);
    graph_.renumber(new_slot, 1100);
    vectors_ = std::move(turned);
    EXPECT_EQ(graph_.size(), 1100);
    EXPECT_GE(graph_.unlinked().size(), 100);
    const auto all = [](std::uint32_t) { return true; };
    const std::set<std::uint32_t> unlinked(graph_.unlinked().begin(), graph_.unlinked().end());
    for (const auto& one :
         graph_.nearest(vectors_, vectors_.rounded(topics_.draw()), 1100, 1100, all))
        EXPECT_FALSE(unlinked.contains(one.slot));
    mend();
    EXPECT_GE(recall(), 0.97);
}

}  // namespace
}  // namespace ac::search
