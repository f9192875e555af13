#include "search/score_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
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
    const std::vector<float> grams = {4, 1, 0};
    ScoreLine line;
    line.join({words, 0.5F, 0}, {grams, 2, 3}, {}, 3);
    EXPECT_THAT(line.scores(), ElementsAre(8.5F, 0, 1));
    line.join({words, 1, 0}, {}, {grams, 1, 0}, 3);  // once more, in the same memory
    EXPECT_THAT(line.scores(), ElementsAre(5, 1, 2));
}

}  // namespace
}  // namespace ac::search
