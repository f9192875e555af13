#pragma once
// The arithmetic of a search: BM25 over occurrences, the neighbours' and the episode's part. Pure
// functions over one partition; search/index.cpp joins them over partitions.
//
// Work is bounded by leaving the most frequent terms for the end: when the postings of a query's
// terms are more than Tuning::postings_max, the terms that most documents have, which tell least,
// are looked up only in the documents that score best without them.

#include <span>
#include <vector>

#include "search/partition.h"
#include "search/question.h"

namespace ac::search {

// BM25's constants.
struct Saturation {
    double k1 = 0;
    double b = 0;
};

// What `count` occurrences in a document of `length` terms are worth, times the term's weight.
class TermValue final {
  public:
    TermValue(Saturation saturation, double length_average);

    float operator()(std::uint32_t count, std::uint32_t length) const {
        const auto c = static_cast<float>(count);
        return c * (k1_ + 1) / (c + flat_ + slope_ * static_cast<float>(length));
    }

  private:
    float k1_;
    float flat_;
    float slope_;
};

// The weights of a query's terms of one kind.
struct Weights {
    std::vector<float> of_term;      // inverse document frequency times the count in the query
    std::vector<std::size_t> now;    // terms whose postings are read, the cheapest first
    std::vector<std::size_t> later;  // terms that are looked up in the best documents only
    double ideal = 0;                // the score of a document with all of them
    double length_average = 1;
};

// Terms of the query that no document has count in `ideal` with part of the mean weight.
Weights weigh(const QueryTerms& terms, std::size_t unknown,
              std::span<const Partition* const> partitions,
              std::span<const Occurrences> occurrences, const Tuning& tuning);

// The same of forms: one counts with the part that it has of each word of the question, and that
// word's weight is by how few documents have any form like it.
Weights weigh_forms(const QueryTerms& forms, std::span<const AskedForm> asked,
                    std::span<const Partition* const> partitions,
                    std::span<const Occurrences> occurrences, const Tuning& tuning);

// Scores of all slots by the terms of `now`, and the best of them; `out` has one entry a slot and
// is written over. A stretch of slots at a time, whose scores stay in the processor's nearest
// cache.
float score_now(const Partition& partition, Kind kind, const Occurrences& occurrences,
                const Weights& weights, const TermValue& value, std::span<float> out);

// Adds to the scores of `slots` what the terms of `later` give.
void score_later(const Partition& partition, Kind kind, const QueryTerms& terms,
                 const Weights& weights, const TermValue& value,
                 std::span<const std::uint32_t> slots, std::span<float> scores);

// Episodes taken as one document each; by how few of them have a word.
std::vector<float> score_episodes(const Partition& partition, const QueryTerms& terms,
                                  const Occurrences& words, const Weights& weights,
                                  Saturation saturation);

}  // namespace ac::search
