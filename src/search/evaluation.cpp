#include "search/evaluation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace ac::search {

namespace {

constexpr double kUnknownTermShare = 0.5;  // of the mean weight, for words that no document has

double rarity(double documents, double frequency) {
    return std::log(1 + (documents - frequency + 0.5) / (frequency + 0.5));
}

// What reading a term's postings takes, in postings of a packed list.
std::size_t cost_of(std::size_t term, std::span<const Partition* const> partitions,
                    std::span<const Occurrences> occurrences) {
    constexpr std::size_t kSlotsAtOnce = 32;  // of a bitmap, in the time of one packed posting
    std::size_t sum = 0;
    for (std::size_t i = 0; i < occurrences.size(); ++i) {
        const auto* list = occurrences[i].list(term);
        const bool is_bitmap = list != nullptr && list->bitmap() != nullptr;
        sum += is_bitmap ? partitions[i]->slots() / kSlotsAtOnce : occurrences[i].frequency(term);
    }
    return sum;
}

// The cheapest first, which are the rarest and those in bitmaps, while they are within the bound;
// one term at least.
void plan(std::span<const std::size_t> costs, std::size_t postings_max, Weights& out) {
    std::vector<std::size_t> order(costs.size());
    std::iota(order.begin(), order.end(), 0);
    std::ranges::sort(
        order, [&](auto a, auto b) { return std::pair(costs[a], a) < std::pair(costs[b], b); });
    std::size_t sum = 0;
    for (const auto term : order) {
        if (out.of_term[term] == 0) continue;
        sum += costs[term];
        const bool fits = sum <= postings_max || out.now.empty();
        (fits ? out.now : out.later).push_back(term);
    }
}

void add_packed(const Occurrences& occurrences, std::size_t term, float weight,
                const TermValue& value, std::span<const std::uint32_t> lengths,
                std::span<const float> single, std::span<float> scores) {
    occurrences.for_each(term, [&](std::uint32_t slot, std::uint32_t count) {
        scores[slot] += weight * (count == 1 ? single[slot] : value(count, lengths[slot]));
    });
}

}  // namespace

TermValue::TermValue(Saturation saturation, double length_average)
    : k1_(static_cast<float>(saturation.k1)),
      flat_(static_cast<float>(saturation.k1 * (1 - saturation.b))),
      slope_(static_cast<float>(saturation.k1 * saturation.b / length_average)) {}

Weights weigh(Kind kind, const QueryTerms& terms, std::size_t unknown,
              std::span<const Partition* const> partitions,
              std::span<const Occurrences> occurrences, const Tuning& tuning) {
    Weights out;
    double documents = 0;
    double length = 0;
    for (const auto* partition : partitions) {
        documents += partition->slots();
        length += static_cast<double>(partition->length_sum(kind));
    }
    out.length_average = std::max(1.0, length / std::max(1.0, documents));
    std::vector<std::size_t> costs(terms.size());
    out.of_term.resize(terms.size());
    double sum = 0;
    std::size_t known = 0;
    for (std::size_t i = 0; i < terms.size(); ++i) {
        std::size_t frequency = 0;
        for (const auto& occurrence : occurrences) frequency += occurrence.frequency(i);
        if (frequency == 0) {
            unknown += terms.count(i);
            continue;
        }
        costs[i] = cost_of(i, partitions, occurrences);
        const double weight = rarity(documents, static_cast<double>(frequency)) * terms.count(i);
        out.of_term[i] = static_cast<float>(weight);
        sum += weight;
        ++known;
    }
    plan(costs, tuning.postings_max, out);
    const double mean = known == 0 ? 0 : sum / static_cast<double>(known);
    const double k1 = kind == Kind::word ? tuning.word_k1 : tuning.gram_k1;
    out.ideal = (sum + static_cast<double>(unknown) * mean * kUnknownTermShare) * (k1 + 1);
    return out;
}

std::vector<float> score_now(const Partition& partition, Kind kind, const Occurrences& occurrences,
                             const Weights& weights, const TermValue& value) {
    constexpr std::size_t kWindow = 8192;  // slots whose scores stay in the processor's cache
    std::vector<float> out(partition.slots());
    const auto lengths = partition.lengths(kind);
    std::vector<float> single(out.size());  // of a term that a document has once
    for (std::size_t slot = 0; slot < single.size(); ++slot) single[slot] = value(1, lengths[slot]);
    std::vector<std::size_t> bitmaps;
    for (const auto term : weights.now) {
        const float weight = weights.of_term[term];
        const auto* list = occurrences.list(term);
        if (list == nullptr || list->bitmap() == nullptr) {
            add_packed(occurrences, term, weight, value, lengths, single, out);
            continue;
        }
        bitmaps.push_back(term);
        list->for_each_repeated([&](std::uint32_t slot, std::uint32_t count) {
            out[slot] += weight * (value(count, lengths[slot]) - single[slot]);
        });
    }
    for (std::size_t first = 0; !bitmaps.empty() && first < out.size(); first += kWindow)
        for (const auto term : bitmaps)
            occurrences.list(term)->bitmap()->add(weights.of_term[term], single, first,
                                                  std::min(first + kWindow, out.size()), out);
    return out;
}

void score_later(const Partition& partition, Kind kind, const QueryTerms& terms,
                 const Weights& weights, const TermValue& value,
                 std::span<const std::uint32_t> slots, std::span<float> scores) {
    std::vector<float> open(terms.size());
    for (const auto term : weights.later) open[term] = weights.of_term[term];
    const auto lengths = partition.lengths(kind);
    for (const auto slot : slots)
        partition.for_each_match(kind, terms, slot, [&](std::size_t term, std::uint32_t count) {
            scores[slot] += open[term] * value(count, lengths[slot]);
        });
}

std::vector<float> score_episodes(const Partition& partition, const Occurrences& words,
                                  const Weights& weights, Saturation saturation) {
    const auto lengths = partition.episode_lengths();
    const auto groups = static_cast<double>(lengths.size());
    const double average = std::max(
        1.0, static_cast<double>(partition.length_sum(Kind::word)) / std::max(1.0, groups));
    const TermValue value(saturation, average);
    std::vector<float> out(lengths.size());
    std::vector<std::uint32_t> counts(lengths.size());
    std::vector<std::uint32_t> touched;
    for (const auto term : weights.now) {
        touched.clear();
        words.for_each(term, [&](std::uint32_t slot, std::uint32_t count) {
            const auto group = partition.episode(slot);
            if (counts[group] == 0) touched.push_back(group);
            counts[group] += count;
        });
        const auto weight = static_cast<float>(rarity(groups, static_cast<double>(touched.size())));
        for (const auto group : touched) {
            out[group] += weight * value(counts[group], lengths[group]);
            counts[group] = 0;
        }
    }
    return out;
}

std::vector<float> spread(const Partition& partition, const Tuning& tuning,
                          std::span<const float> scores, float floor) {
    std::vector<float> out(scores.begin(), scores.end());
    const auto& weights = tuning.neighbour_weights;
    const auto by_time = partition.by_time();
    const auto give = [&](std::uint32_t from, std::uint32_t to, double weight) {
        if (partition.episode(from) == partition.episode(to) &&
            partition.time_ms(from) != partition.time_ms(to))
            out[to] += static_cast<float>(weight) * scores[from];
    };
    for (std::uint32_t slot = 0; slot < partition.slots(); ++slot) {
        if (scores[slot] <= 0 || scores[slot] < floor) continue;
        const auto i = partition.position(slot);
        for (std::size_t d = 1; d <= weights.size(); ++d) {
            if (i >= d) give(slot, by_time[i - d], weights[d - 1]);
            if (i + d < by_time.size()) give(slot, by_time[i + d], weights[d - 1]);
        }
    }
    return out;
}

float score_reached_by(std::span<const float> scores, std::size_t count) {
    if (scores.size() <= count) return 0;
    constexpr std::size_t kSteps = 1024;
    float best = 0;
    for (const float score : scores) best = std::max(best, score);
    if (best <= 0) return 0;
    std::array<std::uint32_t, kSteps> reached{};
    const float scale = (kSteps - 1) / best;
    for (const float score : scores)
        if (score > 0) ++reached[static_cast<std::size_t>(score * scale)];
    std::size_t sum = 0;
    for (std::size_t step = kSteps; step-- > 0;) {
        sum += reached[step];
        if (sum >= count) return static_cast<float>(step) / scale;
    }
    return 0;
}

}  // namespace ac::search
