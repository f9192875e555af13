#pragma once
// One space of an Index: postings of words and of n-grams, vectors, and the order in time of its
// documents. A removed document leaves a dead slot and its postings behind until a quarter of the
// slots is dead; until then it is skipped, though still counted in document frequencies. Not
// synchronized.

#include <cstdint>
#include <functional>
#include <span>
#include <unordered_map>
#include <vector>

#include "search/index.h"
#include "search/vectors.h"

namespace ac::search {

using TermId = std::uint32_t;

// A term of a query with its weight (inverse document frequency times its count in the query).
struct WeightedTerm {
    TermId term = 0;
    double weight = 0;
};

// BM25's constants.
struct Saturation {
    double k1 = 0;
    double b = 0;
};

// An inverted list for one kind of terms.
class Postings final {
  public:
    void add(std::uint32_t slot, std::vector<TermId> terms);
    // Keeps what `new_slot` does not send to kGone.
    void renumber(const std::vector<std::uint32_t>& new_slot);

    std::size_t frequency(TermId term) const;
    std::uint64_t length_sum() const { return length_sum_; }
    // Adds BM25 scores of the terms to `scores`, one a slot.
    void score(std::span<const WeightedTerm> terms, Saturation saturation, double length_average,
               std::span<float> scores) const;
    // The same for groups of slots taken as one document each, by how few groups have a term;
    // `group_of` has one entry a slot.
    std::vector<float> score_groups(std::span<const WeightedTerm> terms, Saturation saturation,
                                    std::span<const std::uint32_t> group_of,
                                    std::size_t groups) const;
    std::size_t bytes() const;

    static constexpr std::uint32_t kGone = ~0U;

  private:
    struct Posting {
        std::uint32_t slot = 0;
        std::uint32_t count = 0;
    };
    std::unordered_map<TermId, std::vector<Posting>> lists_;
    std::vector<std::uint32_t> lengths_;  // of each slot
    std::uint64_t length_sum_ = 0;
};

class Partition final {
  public:
    explicit Partition(std::size_t dimensions) : vectors_(dimensions) {}

    struct Added {
        Key key = 0;
        std::int64_t time_ms = 0;
        std::vector<TermId> words;      // with repetitions
        std::vector<TermId> grams;      // with repetitions
        std::span<const float> vector;  // empty when the index has none
    };
    std::uint32_t add(Added document);
    void remove(std::uint32_t slot);
    // Renumbers the slots when too many are dead: true when it did; `moved` is then called with
    // every living key and its slot.
    bool compact_when_sparse(const std::function<void(Key, std::uint32_t)>& moved);

    std::size_t live() const { return live_; }
    std::size_t slots() const { return entries_.size(); }
    const Postings& words() const { return words_; }
    const Postings& grams() const { return grams_; }
    Key key(std::uint32_t slot) const { return entries_[slot].key; }
    bool is_live(std::uint32_t slot) const { return entries_[slot].live; }
    std::size_t bytes() const;

    void score_vectors(std::span<const float> query, std::span<float> scores) const {
        vectors_.scan(query, scores);
    }
    // The episode of each slot; an episode is a run of documents without a long pause. Needs
    // order().
    std::vector<std::uint32_t> episodes(const Tuning& tuning, std::size_t& count) const;
    // Gives each document a share of its neighbours' scores, within an episode. Needs order().
    std::vector<float> spread(const Tuning& tuning, std::span<const std::uint32_t> episode_of,
                              std::span<const float> scores) const;

    // Sorts what came out of order. Call after changes, before episodes() and spread().
    void order();
    bool is_ordered() const { return ordered_; }

  private:
    struct Entry {
        Key key = 0;
        std::int64_t time_ms = 0;
        bool live = true;
    };

    std::vector<Entry> entries_;
    Postings words_;
    Postings grams_;
    Vectors vectors_;
    std::vector<std::uint32_t> by_time_;
    bool ordered_ = true;
    std::size_t live_ = 0;
};

}  // namespace ac::search
