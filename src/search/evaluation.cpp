#include "search/evaluation.h"

#include <algorithm>
#include <array>
#include <bit>
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

// One term's postings, read a stretch of slots at a time.
struct Reading {
    float weight;
    const Bitmap* bitmap;  // nullptr: all postings are packed
    PackedCursor packed;
};

std::vector<Reading> readings_of(const Occurrences& occurrences, const Weights& weights) {
    std::vector<Reading> out;
    for (const auto term : weights.now)
        if (const auto* list = occurrences.list(term))
            out.push_back({weights.of_term[term], list->bitmap(), list->packed()});
    return out;
}

// Slots whose scores are looked at together, a multiple of the bits of a bitmap's word.
constexpr std::size_t kStretch = 8192;

// Positions in time of the chosen slots and of those around them, each once, ascending.
std::vector<std::uint32_t> around(const Partition& partition, std::span<const std::uint32_t> chosen,
                                  std::size_t reach) {
    constexpr std::uint32_t kBits = 64;
    const auto count = partition.by_time().size();
    std::vector<std::uint64_t> seen(count / kBits + 1);
    for (const auto slot : chosen) {
        const std::size_t at = partition.position(slot);
        for (auto i = at - std::min(at, reach); i <= at + reach && i < count; ++i)
            seen[i / kBits] |= std::uint64_t{1} << i % kBits;
    }
    std::vector<std::uint32_t> out;
    for (std::size_t i = 0; i < seen.size(); ++i)
        for (auto bits = seen[i]; bits != 0; bits &= bits - 1)
            out.push_back(static_cast<std::uint32_t>(i * kBits) +
                          static_cast<std::uint32_t>(std::countr_zero(bits)));
    return out;
}

// A document among its neighbours in time.
struct Moment {
    std::uint32_t slot;
    std::uint32_t episode;
    std::int64_t time_ms;
    float score;
};

struct Run {
    std::size_t first;  // positions in time
    std::size_t end;
};

void spread_run(const Partition& partition, std::span<const double> weights,
                std::span<const float> scores, Run run, std::vector<Moment>& moments,
                std::vector<Scored>& out) {
    const auto by_time = partition.by_time();
    const auto reach = weights.size();
    const auto first = run.first - std::min(run.first, reach);
    moments.clear();
    for (auto i = first; i < std::min(run.end + reach, by_time.size()); ++i) {
        const auto slot = by_time[i];
        moments.push_back({slot, partition.episode(slot), partition.time_ms(slot), scores[slot]});
    }
    for (auto i = run.first - first; i < run.end - first; ++i) {
        const auto& own = moments[i];
        float sum = own.score;
        const auto take = [&](const Moment& from, double weight) {
            if (from.episode == own.episode && from.time_ms != own.time_ms)
                sum += static_cast<float>(weight) * from.score;
        };
        for (std::size_t d = 1; d <= reach; ++d) {
            if (i >= d) take(moments[i - d], weights[d - 1]);
            if (i + d < moments.size()) take(moments[i + d], weights[d - 1]);
        }
        out.push_back({own.slot, sum});
    }
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

void score_now(const Partition& partition, Kind kind, const Occurrences& occurrences,
               const Weights& weights, const TermValue& value, std::span<float> out) {
    const auto lengths = partition.lengths(kind);
    auto readings = readings_of(occurrences, weights);
    std::array<float, kStretch> single;  // of a term that a document has once
    for (std::size_t first = 0; first < out.size(); first += kStretch) {
        const auto size = std::min(kStretch, out.size() - first);
        const auto scores = out.subspan(first, size);
        std::ranges::fill(scores, 0.0F);
        if (readings.empty()) continue;
        const auto* length = lengths.data() + first;
        for (std::size_t i = 0; i < size; ++i) single[i] = value(1, length[i]);
        const auto end = static_cast<std::uint32_t>(first + size);
        for (auto& [weight, bitmap, packed] : readings) {
            if (bitmap == nullptr) {
                packed.until(end, [&, weight = weight](std::uint32_t slot, std::uint32_t count) {
                    const auto i = slot - first;
                    scores[i] += weight * (count == 1 ? single[i] : value(count, length[i]));
                });
                continue;
            }
            bitmap->add(weight, std::span(single).first(size), first, scores);
            packed.until(end, [&, weight = weight](std::uint32_t slot, std::uint32_t count) {
                const auto i = slot - first;
                scores[i] += weight * (value(count, length[i]) - single[i]);
            });
        }
    }
    for (const auto term : weights.now) {
        if (occurrences.list(term) != nullptr) continue;
        occurrences.for_each(term, [&](std::uint32_t slot, std::uint32_t count) {
            out[slot] += weights.of_term[term] * value(count, lengths[slot]);
        });
    }
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

std::vector<Scored> spread(const Partition& partition, const Tuning& tuning,
                           std::span<const float> scores, std::span<const std::uint32_t> chosen) {
    const std::span<const double> weights = tuning.neighbour_weights;
    const auto positions = around(partition, chosen, weights.size());
    std::vector<Scored> out;
    out.reserve(positions.size());
    std::vector<Moment> moments;
    for (std::size_t i = 0; i < positions.size();) {
        auto end = i + 1;
        while (end < positions.size() && positions[end] == positions[end - 1] + 1) ++end;
        spread_run(partition, weights, scores, {positions[i], positions[end - 1] + 1}, moments,
                   out);
        i = end;
    }
    return out;
}

}  // namespace ac::search
