#include "search/evaluation.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numeric>

#include "search/score_line.h"

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

std::size_t frequency_of(std::size_t term, std::span<const Occurrences> occurrences) {
    std::size_t sum = 0;
    for (const auto& occurrence : occurrences) sum += occurrence.frequency(term);
    return sum;
}

struct Extent {
    double documents = 0;
    double length_average = 1;
};

Extent extent_of(Kind kind, std::span<const Partition* const> partitions) {
    double documents = 0;
    double length = 0;
    for (const auto* partition : partitions) {
        documents += partition->slots();
        length += static_cast<double>(partition->length_sum(kind));
    }
    return {documents, std::max(1.0, length / std::max(1.0, documents))};
}

// The cheapest first, which are the rarest and those in bitmaps, while they are within the bound;
// one term at least.
void plan(std::span<const Partition* const> partitions, std::span<const Occurrences> occurrences,
          std::size_t postings_max, Weights& out) {
    std::vector<std::size_t> costs(out.of_term.size());
    for (std::size_t i = 0; i < costs.size(); ++i)
        if (out.of_term[i] > 0) costs[i] = cost_of(i, partitions, occurrences);
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

}  // namespace

TermValue::TermValue(Saturation saturation, double length_average)
    : k1_(static_cast<float>(saturation.k1)),
      flat_(static_cast<float>(saturation.k1 * (1 - saturation.b))),
      slope_(static_cast<float>(saturation.k1 * saturation.b / length_average)) {}

Weights weigh(const QueryTerms& terms, std::size_t unknown,
              std::span<const Partition* const> partitions,
              std::span<const Occurrences> occurrences, const Tuning& tuning) {
    const auto [documents, length_average] = extent_of(Kind::word, partitions);
    Weights out;
    out.length_average = length_average;
    out.of_term.resize(terms.size());
    double sum = 0;
    std::size_t known = 0;
    for (std::size_t i = 0; i < terms.size(); ++i) {
        const auto frequency = frequency_of(i, occurrences);
        if (frequency == 0) {
            unknown += terms.count(i);
            continue;
        }
        const double rare = rarity(documents, static_cast<double>(frequency));
        const double weight = rare * terms.count(i);
        out.of_term[i] = static_cast<float>(terms.is_asked(i) ? weight : rare * terms.share(i));
        if (!terms.is_asked(i)) continue;
        sum += weight;
        ++known;
    }
    plan(partitions, occurrences, tuning.postings_max, out);
    const double mean = known == 0 ? 0 : sum / static_cast<double>(known);
    out.ideal =
        (sum + static_cast<double>(unknown) * mean * kUnknownTermShare) * (tuning.word_k1 + 1);
    return out;
}

Weights weigh_forms(const QueryTerms& forms, std::span<const AskedForm> asked,
                    std::span<const Partition* const> partitions,
                    std::span<const Occurrences> occurrences, const Tuning& tuning) {
    const auto [documents, length_average] = extent_of(Kind::form, partitions);
    Weights out;
    out.length_average = length_average;
    out.of_term.resize(forms.size());
    std::vector<double> frequencies(forms.size());
    for (std::size_t i = 0; i < forms.size(); ++i)
        frequencies[i] = static_cast<double>(frequency_of(i, occurrences));
    double sum = 0;
    double sizes = 0;
    double unknown = 0;
    for (const auto& word : asked) {
        const auto size = static_cast<double>(word.count * word.grams);
        double frequency = 0;
        for (const auto& [form, share] : word.alike)
            frequency += share * frequencies[*forms.find(form)];
        if (frequency == 0) {
            unknown += size;
            continue;
        }
        const double weight = rarity(documents, std::min(documents, frequency)) * size;
        for (const auto& [form, share] : word.alike)
            out.of_term[*forms.find(form)] += static_cast<float>(weight * share);
        sum += weight;
        sizes += size;
    }
    plan(partitions, occurrences, tuning.postings_max, out);
    const double mean = sizes == 0 ? 0 : sum / sizes;
    out.ideal = (sum + unknown * mean * kUnknownTermShare) * (tuning.form_k1 + 1);
    return out;
}

float score_now(const Partition& partition, Kind kind, const Occurrences& occurrences,
                const Weights& weights, const TermValue& value, std::span<float> out) {
    const auto lengths = partition.lengths(kind);
    auto readings = readings_of(occurrences, weights);
    float best = 0;
    std::array<float, kStretch> single;  // of a term that a document has once
    for (std::size_t first = 0; first < out.size(); first += kStretch) {
        const auto size = std::min(kStretch, out.size() - first);
        const auto scores = out.subspan(first, size);
        std::ranges::fill(scores, 0.0F);
        if (readings.empty()) continue;
        const auto* length = lengths.data() + first;
        for (std::size_t i = 0; i < size; ++i) single[i] = value(1U, length[i]);
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
        best = std::max(best, largest(scores));
    }
    for (const auto term : weights.now) {
        if (occurrences.list(term) != nullptr) continue;
        occurrences.for_each(term, [&](std::uint32_t slot, std::uint32_t count) {
            out[slot] += weights.of_term[term] * value(count, lengths[slot]);
            best = std::max(best, out[slot]);
        });
    }
    return best;
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

std::vector<float> score_episodes(const Partition& partition, const QueryTerms& terms,
                                  const Occurrences& words, const Weights& weights,
                                  Saturation saturation) {
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
        const auto weight = terms.share(term) *
                            static_cast<float>(rarity(groups, static_cast<double>(touched.size())));
        for (const auto group : touched) {
            out[group] += weight * value(counts[group], lengths[group]);
            counts[group] = 0;
        }
    }
    return out;
}

}  // namespace ac::search
