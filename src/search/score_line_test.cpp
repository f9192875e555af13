#include "search/score_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

namespace ac::search {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::IsEmpty;

std::vector<std::uint32_t> best_by_sorting(std::span<const float> scores, std::size_t count) {
    std::vector<std::uint32_t> out;
    for (std::uint32_t i = 0; i < scores.size(); ++i)
        if (scores[i] > 0) out.push_back(i);
    std::ranges::sort(out, [&](auto a, auto b) {
        return scores[a] != scores[b] ? scores[a] > scores[b] : a > b;
    });
    out.resize(std::min(count, out.size()));
    std::ranges::sort(out);
    return out;
}

TEST(ScoreLine, the_best_are_those_that_sorting_finds) {
    std::mt19937 engine(5);
    // Few different values: many are equal. Most are nothing.
    for (const std::uint32_t values : {1U, 3U, 50U, 1'000'000U}) {
        std::vector<float> scores(3001);
        for (auto& score : scores)
            if (engine() % 4 == 0) score = static_cast<float>(engine() % values + 1);
        EXPECT_EQ(largest(scores), *std::ranges::max_element(scores));
        for (const std::size_t count : {1, 5, 46, 47, 48, 500, 3000, 5000})
            EXPECT_THAT(best_places(scores, count),
                        ElementsAreArray(best_by_sorting(scores, count)))
                << values << " values, the best " << count;
    }
}

TEST(ScoreLine, nothing_is_never_among_the_best) {
    EXPECT_THAT(best_places(std::vector<float>(200), 10), IsEmpty());
    EXPECT_THAT(best_places({}, 10), IsEmpty());
    EXPECT_THAT(best_places(std::vector<float>{0, 1, 0, 2}, 10), ElementsAre(1, 3));
    EXPECT_THAT(best_places(std::vector<float>{1, 2}, 0), IsEmpty());
    EXPECT_EQ(largest({}), 0);
}

TEST(ScoreLine, joins_shares_and_leaves_out_what_is_below_a_floor) {
    const std::vector<float> words = {1, 0, 2};
    const std::vector<float> forms = {4, 1, 0};
    std::vector<float> joined(3, 7);
    ScoreLine({{words, 0.5F, 0}, {forms, 2, 3}, {}}).join(joined);
    EXPECT_THAT(joined, ElementsAre(8.5F, 0, 1));
    const ScoreLine line{{words, 1, 0}, {}, {forms, 1, 0}};
    line.join(joined);
    EXPECT_THAT(joined, ElementsAre(5, 1, 2));
    EXPECT_EQ(line.at(2), 2);
}

TEST(ScoreLine, best_and_sum_are_those_of_the_joined_line) {
    std::mt19937 engine(5);
    std::vector<float> words(300);
    std::vector<float> forms(300);
    for (auto* row : {&words, &forms})
        for (auto& score : *row) score = static_cast<float>(engine() % 8);
    const ScoreLine line{{words, 0.5F, 0}, {forms, 2, 3}};
    std::vector<float> joined(words.size());
    line.join(joined);
    for (const std::size_t first : {0U, 1U, 7U, 100U})
        for (std::size_t count = 0; count < 40; ++count) {
            const auto run = std::span(joined).subspan(first, count);
            const auto [best, sum] = line.extent(first, count);
            EXPECT_EQ(best, largest(run));
            EXPECT_EQ(sum, std::accumulate(run.begin(), run.end(), 0.0F));
        }
}

}  // namespace
}  // namespace ac::search
