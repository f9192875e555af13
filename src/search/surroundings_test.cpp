#include "search/surroundings.h"

#include <gtest/gtest.h>

#include <random>

namespace ac::search {
namespace {

// The definition, without bounds and without order.
std::vector<Candidate> all_of(const Part& part, std::span<const float> scores,
                              const Tuning& tuning) {
    const auto& partition = *part.partition;
    const auto by_time = partition.by_time();
    std::vector<double> spread(by_time.size());
    std::vector<double> best_of(partition.episodes());
    double best = 0;
    double best_own = 0;
    for (std::size_t at = 0; at < by_time.size(); ++at) {
        const auto slot = by_time[at];
        spread[at] = scores[slot];
        for (std::size_t other = 0; other < by_time.size(); ++other) {
            const auto distance = at < other ? other - at : at - other;
            const auto from = by_time[other];
            if (distance == 0 || distance > tuning.neighbour_weights.size()) continue;
            if (partition.episode(from) != partition.episode(slot)) continue;
            if (partition.time_ms(from) == partition.time_ms(slot)) continue;
            spread[at] += tuning.neighbour_weights[distance - 1] * scores[from];
        }
        auto& highlight = best_of[partition.episode(slot)];
        highlight = std::max<double>(highlight, scores[slot]);
        best = std::max(best, spread[at]);
        best_own = std::max<double>(best_own, scores[slot]);
    }
    const double best_episode = *std::ranges::max_element(part.episodes);
    std::vector<Candidate> out;
    for (std::size_t at = 0; at < by_time.size(); ++at) {
        const auto episode = partition.episode(by_time[at]);
        const double score = spread[at] / best +
                             tuning.episode_weight * part.episodes[episode] / best_episode +
                             tuning.highlight_weight * best_of[episode] / best_own;
        out.push_back({static_cast<float>(score), partition.key(by_time[at])});
    }
    std::ranges::sort(out, [](const auto& a, const auto& b) { return b < a; });
    return out;
}

TEST(Surroundings, the_best_come_first_whatever_was_left_out) {
    std::mt19937 engine(5);
    Tuning tuning;
    EpisodeRows rows;
    for (int round = 0; round < 50; ++round) {
        Partition partition;
        std::int64_t time = 0;
        const auto count = static_cast<Key>(20 + engine() % 200);
        for (Key key = 0; key < count; ++key) {
            time += engine() % 12 == 0 ? 3'600'000 : static_cast<std::int64_t>(engine() % 3) * 1000;
            // In every other round some come late.
            const std::int64_t late = round % 2 == 1 && engine() % 5 == 0 ? 10'000'000 : 0;
            partition.add({.key = key, .time_ms = time - late, .words = {}, .forms = {}});
        }
        partition.order(tuning);
        EXPECT_EQ(partition.is_sequential(), round % 2 == 0);
        std::vector<float> scores(static_cast<std::size_t>(count));
        for (auto& score : scores)
            if (engine() % 3 == 0) score = static_cast<float>(engine() % 1000) / 1000 + 0.01F;
        Part part{.partition = &partition, .episodes = std::vector<float>(partition.episodes())};
        for (auto& score : part.episodes) score = static_cast<float>(engine() % 100) + 1;
        const std::vector<std::uint32_t> nobody;
        const QueryTerms words(nobody);
        const auto wanted = all_of(part, scores, tuning);
        std::vector<float> row;
        Nearness nearness(std::span(&part, 1), row);
        Surroundings surroundings({.parts = std::span(&part, 1),
                                   .texts = {{scores, 1, 0}},
                                   .nearness = nearness,
                                   .best_episode = *std::ranges::max_element(part.episodes),
                                   .words = words,
                                   .tuning = tuning,
                                   .rows = rows});
        for (const auto& candidate : wanted) {
            const auto found = surroundings.next();
            ASSERT_TRUE(found);
            EXPECT_NEAR(found->score, candidate.score, 1e-5);
        }
        EXPECT_FALSE(surroundings.next());
    }
}

TEST(Surroundings, nothing_chosen_is_nothing_found) {
    Partition partition;
    const Part part{.partition = &partition, .episodes = {}};
    const std::vector<std::uint32_t> nobody;
    const QueryTerms words(nobody);
    const Tuning tuning;
    EpisodeRows rows;
    std::vector<float> row;
    Nearness nearness(std::span(&part, 1), row);
    Surroundings surroundings({.parts = std::span(&part, 1),
                               .texts = {},
                               .nearness = nearness,
                               .words = words,
                               .tuning = tuning,
                               .rows = rows});
    EXPECT_FALSE(surroundings.next());
}

}  // namespace
}  // namespace ac::search
