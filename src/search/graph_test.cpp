#include "search/graph.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "search/testing/topics.h"
#include "search/vector_rows.h"

namespace ac::search {
namespace {

using testing::kDimensions;
using testing::Topics;

std::set<std::uint32_t> slots_of(const std::vector<Vectors::Neighbour>& found) {
    std::set<std::uint32_t> out;
    for (const auto& neighbour : found) out.insert(neighbour.slot);
    return out;
}

TEST(Graph, finds_what_a_scan_finds) {
    Topics topics;
    Vectors vectors(kDimensions);
    Graph graph;
    for (int i = 0; i < 3000; ++i) {
        vectors.append(topics.draw());
        graph.link_next(vectors);
    }
    int found = 0;
    for (int q = 0; q < 50; ++q) {
        const auto query = topics.draw();
        const auto exact = slots_of(vectors.nearest(query, 10));
        const auto all = [](std::uint32_t) { return true; };
        for (const auto slot :
             slots_of(graph.nearest(vectors, vectors.rounded(query), 10, 100, all)))
            found += exact.contains(slot) ? 1 : 0;
    }
    EXPECT_GE(found, 485);  // of 500; the high plane alone swaps some
}

TEST(Graph, answers_only_what_is_accepted_and_nothing_when_empty) {
    Topics topics;
    Vectors vectors(kDimensions);
    Graph graph;
    const auto odd = [](std::uint32_t slot) { return slot % 2 == 1; };
    const auto query = topics.draw();
    EXPECT_TRUE(graph.nearest(vectors, vectors.rounded(query), 10, 50, odd).empty());
    for (int i = 0; i < 300; ++i) {
        vectors.append(topics.draw());
        graph.link_next(vectors);
    }
    const auto found = graph.nearest(vectors, vectors.rounded(query), 10, 50, odd);
    EXPECT_EQ(found.size(), 10);
    for (const auto& neighbour : found) EXPECT_EQ(neighbour.slot % 2, 1);
}

TEST(VectorRows, rows_follow_their_slots_through_compaction) {
    Topics topics;
    VectorRows rows(kDimensions);
    std::vector<std::vector<float>> drawn;
    for (std::uint32_t i = 0; i < 100; ++i) {
        drawn.push_back(topics.draw());
        rows.append(99 - i, drawn.back());
    }
    std::vector<std::uint32_t> new_slot(100, VectorRows::kGone);
    for (std::uint32_t slot = 0; slot < 100; slot += 2) new_slot[slot] = slot / 2;
    rows.renumber(new_slot);
    EXPECT_EQ(rows.size(), 50);
    auto [noise, found, is_all] = rows.nearest(Vectors::rounded(drawn[1]), 10, {});
    EXPECT_TRUE(is_all);
    EXPECT_EQ(found.size(), 50);
    std::ranges::sort(found, std::ranges::greater(), &VectorRows::Found::similarity);
    EXPECT_EQ(found.front().slot, 49);  // its slot was 98
    EXPECT_NEAR(found.front().similarity, 1, 0.02);
    EXPECT_LT(noise, 0.9);
}

TEST(VectorRows, what_is_not_linked_yet_is_found_all_the_same) {
    Topics topics;
    VectorRows rows(kDimensions);
    std::vector<std::vector<float>> drawn;
    for (std::uint32_t i = 0; i < 300; ++i) {
        drawn.push_back(topics.draw());
        rows.append(i, drawn.back());
    }
    EXPECT_TRUE(rows.link(100));
    for (const std::uint32_t slot : {5, 99, 100, 299}) {
        const auto near = rows.nearest(Vectors::rounded(drawn[slot]), 10, {});
        EXPECT_FALSE(near.is_all);
        EXPECT_EQ(std::ranges::max_element(near.found, {}, &VectorRows::Found::similarity)->slot,
                  slot);
    }
    EXPECT_FALSE(rows.link(1000));
    EXPECT_FALSE(rows.link(1));
    const auto question = Vectors::rounded(drawn[7]);
    EXPECT_LE(rows.nearest(question, 10, {}).found.size(), 10);
    std::vector<VectorRows::Found> compared;
    rows.compare(question, std::vector<std::uint32_t>{3, 7, 1000},
                 [&](VectorRows::Found one) { compared.push_back(one); });
    ASSERT_EQ(compared.size(), 2);
    EXPECT_GT(compared[1].similarity, compared[0].similarity);
}

}  // namespace
}  // namespace ac::search
