#pragma once
// One space of an Index: postings, vectors and the order in time of its documents. A removed
// document leaves a dead slot behind until a quarter of the slots is dead. Not synchronized.

#include <cstdint>
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

class Partition final {
  public:
    explicit Partition(std::size_t dimensions) : vectors_(dimensions) {}

    struct Added {
        Key key = 0;
        std::int64_t time_ms = 0;
        std::span<const TermId> terms;  // with repetitions
        std::span<const float> vector;  // empty when the index has none
    };
    std::uint32_t add(const Added& document);
    void remove(std::uint32_t slot);
    // Renumbers the slots when too many are dead: true when it did; `moved` is then called with
    // every living key and its slot.
    bool compact_when_sparse(const std::function<void(Key, std::uint32_t)>& moved);

    std::size_t live() const { return live_; }
    std::size_t slots() const { return entries_.size(); }
    std::uint64_t length_sum() const { return length_sum_; }
    // Documents that contain it.
    std::size_t frequency(TermId term) const;
    Key key(std::uint32_t slot) const { return entries_[slot].key; }
    bool is_live(std::uint32_t slot) const { return entries_[slot].live; }
    std::size_t bytes() const;

    // Adds BM25 scores to `scores` (one a slot).
    void score_terms(std::span<const WeightedTerm> terms, const Tuning& tuning,
                     double length_average, std::span<float> scores) const;
    void score_vectors(std::span<const float> query, std::span<float> scores) const {
        vectors_.scan(query, scores);
    }
    // Spreads scores to neighbours and to the episode. Needs order() to be current.
    std::vector<float> spread(const Tuning& tuning, std::span<const float> scores) const;

    // Sorts what came out of order. Call after changes, before spread().
    void order();
    bool is_ordered() const { return ordered_; }

  private:
    struct Entry {
        Key key = 0;
        std::int64_t time_ms = 0;
        std::uint32_t length = 0;
        bool live = true;
        std::vector<TermId> terms;  // without repetitions
    };
    struct Posting {
        std::uint32_t slot = 0;
        std::uint32_t count = 0;
    };
    struct Postings {
        std::vector<Posting> list;
        std::size_t live = 0;
    };

    void drop_dead_postings(const std::vector<std::uint32_t>& new_slot);

    std::vector<Entry> entries_;
    std::unordered_map<TermId, Postings> postings_;
    Vectors vectors_;
    std::vector<std::uint32_t> by_time_;
    bool ordered_ = true;
    std::size_t live_ = 0;
    std::uint64_t length_sum_ = 0;
};

}  // namespace ac::search
