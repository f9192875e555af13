#include "search/association.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace ac::search {

namespace {

// How much of a word's being in a document its neighbours have of it, at either side.
constexpr std::array<float, 3> kNear = {1, 0.5F, 0.25F};
constexpr float kReach = 1 + 2 * (0.5F + 0.25F);
constexpr std::size_t kFrequencyMin = 3;  // what was said twice goes together with anything
constexpr float kNearMin = 1.5F;          // a candidate was near the question's words so often
constexpr std::size_t kComparedMax = 15;

// Where a word is, and a part of it around: by positions in a partition's order of time.
struct Spread {
    struct Place {
        std::size_t at = 0;
        float weight = 0;
    };
    std::vector<std::vector<Place>> parts;  // ascending
    double sum = 0;
    double squares = 0;
};

std::size_t position_of(const Partition& partition, std::uint32_t slot) {
    if (partition.is_sequential()) return slot;
    const auto episode = partition.episode(slot);
    const auto begin = partition.episode_starts()[episode];
    const auto own = partition.by_time().subspan(begin, partition.episode_end(episode) - begin);
    return begin + static_cast<std::size_t>(std::ranges::find(own, slot) - own.begin());
}

void merge(std::vector<Spread::Place>& places) {
    std::ranges::sort(places, {}, &Spread::Place::at);
    std::size_t kept = 0;
    for (const auto& place : places) {
        if (kept > 0 && places[kept - 1].at == place.at)
            places[kept - 1].weight += place.weight;
        else
            places[kept++] = place;
    }
    places.resize(kept);
}

std::vector<Spread::Place> spread(const Partition& partition, const Occurrences& occurrences,
                                  std::size_t term) {
    std::vector<Spread::Place> out;
    const auto by_time = partition.by_time();
    occurrences.for_each(term, [&](std::uint32_t slot, std::uint32_t) {
        const auto at = position_of(partition, slot);
        const auto episode = partition.episode(slot);
        const auto begin = partition.episode_starts()[episode];
        const auto end = partition.episode_end(episode);
        const auto take = [&](std::size_t other, float weight) {
            // Documents of one moment have no order and are no neighbours.
            if (other == at || partition.time_ms(by_time[other]) != partition.time_ms(slot))
                out.push_back({other, weight});
        };
        take(at, kNear[0]);
        for (std::size_t d = 1; d < kNear.size(); ++d) {
            if (at >= begin + d) take(at - d, kNear[d]);
            if (at + d < end) take(at + d, kNear[d]);
        }
    });
    merge(out);
    return out;
}

Spread spread(std::span<const Partition* const> partitions, std::span<const Occurrences> all,
              std::size_t term) {
    Spread out;
    for (std::size_t i = 0; i < partitions.size(); ++i) {
        out.parts.push_back(spread(*partitions[i], all[i], term));
        for (const auto& place : out.parts.back()) {
            out.sum += place.weight;
            out.squares += static_cast<double>(place.weight) * place.weight;
        }
    }
    return out;
}

// The correlation of two words' places.
double likeness(const Spread& one, const Spread& other, double documents) {
    double both = 0;
    for (std::size_t i = 0; i < one.parts.size(); ++i) {
        auto b = other.parts[i].begin();
        for (const auto& a : one.parts[i]) {
            while (b != other.parts[i].end() && b->at < a.at) ++b;
            if (b == other.parts[i].end()) break;
            if (b->at == a.at) both += static_cast<double>(a.weight) * b->weight;
        }
    }
    const auto deviation = [&](const Spread& word) {
        return std::sqrt(std::max(0.0, word.squares - word.sum * word.sum / documents));
    };
    const double scale = deviation(one) * deviation(other);
    return scale > 0 ? std::max(0.0, (both - one.sum * other.sum / documents) / scale) : 0;
}

class Association final {
  public:
    Association(const QueryTerms& words, std::span<const Partition* const> partitions,
                std::size_t terms, const Tuning& tuning);
    std::vector<Associate> best();

  private:
    struct Asked {
        TermId term = 0;
        double rarity = 0;
        double frequency = 0;
        Spread spread;
    };
    struct Meeting {
        TermId term = 0;
        std::size_t asked = 0;
        float near = 0;
    };

    std::vector<Occurrences> find(const QueryTerms& terms) const;
    static std::size_t frequency(std::span<const Occurrences> all, std::size_t term);
    void choose_asked();
    void meet(std::size_t asked);
    std::vector<TermId> candidates() const;
    double rarity(double frequency) const {
        return std::log(1 + (documents_ - frequency + 0.5) / (frequency + 0.5));
    }

    const QueryTerms& words_;
    std::span<const Partition* const> partitions_;
    const Tuning& tuning_;
    double documents_ = 0;
    std::vector<Asked> asked_;
    std::vector<Meeting> meetings_;
    std::vector<float> near_;  // of each term; zero between two calls of meet()
};

Association::Association(const QueryTerms& words, std::span<const Partition* const> partitions,
                         std::size_t terms, const Tuning& tuning)
    : words_(words), partitions_(partitions), tuning_(tuning) {
    for (const auto* partition : partitions) documents_ += partition->slots();
    if (documents_ > static_cast<double>(tuning.associated_documents_max)) return;
    near_.resize(terms);
    choose_asked();
}

std::vector<Occurrences> Association::find(const QueryTerms& terms) const {
    std::vector<Occurrences> out;
    for (const auto* partition : partitions_) out.push_back(partition->find(Kind::word, terms));
    return out;
}

std::size_t Association::frequency(std::span<const Occurrences> all, std::size_t term) {
    return std::accumulate(
        all.begin(), all.end(), std::size_t{0},
        [&](std::size_t sum, const Occurrences& one) { return sum + one.frequency(term); });
}

// The rarest, which tell most, as long as there are not too many places; who speaks goes together
// with everything that is said.
void Association::choose_asked() {
    const auto found = find(words_);
    std::vector<std::pair<std::size_t, std::size_t>> order;
    for (std::size_t i = 0; i < words_.size(); ++i) {
        const auto count = frequency(found, i);
        const bool is_speaker = std::ranges::any_of(
            partitions_, [&](const auto* one) { return one->may_speak(words_.id(i)); });
        if (count > 1 && !is_speaker) order.emplace_back(count, i);
    }
    std::ranges::sort(order);
    std::size_t places = 0;
    for (const auto& [count, i] : order) {
        places += count;
        if (places > tuning_.associated_places_max) break;
        const auto as_double = static_cast<double>(count);
        asked_.push_back(
            {words_.id(i), rarity(as_double), as_double, spread(partitions_, found, i)});
    }
}

void Association::meet(std::size_t asked) {
    std::vector<TermId> touched;
    for (std::size_t i = 0; i < partitions_.size(); ++i) {
        const auto by_time = partitions_[i]->by_time();
        for (const auto& [at, weight] : asked_[asked].spread.parts[i])
            partitions_[i]->for_each_term(Kind::word, by_time[at],
                                          [&, weight = weight](TermId term, std::uint32_t) {
                                              if (near_[term] == 0) touched.push_back(term);
                                              near_[term] += weight;
                                          });
    }
    for (const auto term : touched) {
        if (near_[term] >= kNearMin && !words_.find(term))
            meetings_.push_back({term, asked, near_[term]});
        near_[term] = 0;
    }
}

// Roughly, by how often they are near beyond what chance would have.
std::vector<TermId> Association::candidates() const {
    std::vector<TermId> met;
    for (const auto& meeting : meetings_) met.push_back(meeting.term);
    const QueryTerms terms(std::move(met));
    const auto found = find(terms);
    std::vector<double> scores(terms.size());
    for (const auto& [term, asked, near] : meetings_) {
        const auto at = *terms.find(term);
        const auto own = static_cast<double>(frequency(found, at));
        if (own < kFrequencyMin) continue;
        const auto& word = asked_[asked];
        const double by_chance = kReach * word.frequency * own / documents_;
        scores[at] +=
            word.rarity * std::max(0.0, (near - by_chance) / std::sqrt(own * word.frequency));
    }
    std::vector<std::size_t> order(scores.size());
    std::iota(order.begin(), order.end(), 0);
    const auto count = std::min(order.size(), kComparedMax);
    std::ranges::partial_sort(
        order, order.begin() + static_cast<std::ptrdiff_t>(count),
        [&](auto a, auto b) { return std::pair(-scores[a], a) < std::pair(-scores[b], b); });
    std::vector<TermId> out;
    for (std::size_t i = 0; i < count && scores[order[i]] > 0; ++i)
        out.push_back(terms.id(order[i]));
    return out;
}

std::vector<Associate> Association::best() {
    double whole = 0;
    for (std::size_t i = 0; i < asked_.size(); ++i) {
        meet(i);
        whole += asked_[i].rarity;
    }
    const QueryTerms terms(candidates());
    const auto found = find(terms);
    std::vector<Associate> out;
    for (std::size_t i = 0; i < terms.size(); ++i) {
        const auto own = spread(partitions_, found, i);
        double score = 0;
        for (const auto& word : asked_)
            score += word.rarity * likeness(word.spread, own, documents_);
        if (score > 0)
            out.push_back(
                {terms.id(i), static_cast<float>(tuning_.associate_weight * score / whole)});
    }
    std::ranges::sort(out, [](const auto& a, const auto& b) {
        return std::pair(-a.share, a.term) < std::pair(-b.share, b.term);
    });
    if (out.size() > tuning_.associates_max) out.resize(tuning_.associates_max);
    return out;
}

}  // namespace

std::vector<Associate> associates_of(const QueryTerms& words,
                                     std::span<const Partition* const> partitions,
                                     std::size_t terms, const Tuning& tuning) {
    return Association(words, partitions, terms, tuning).best();
}

}  // namespace ac::search
