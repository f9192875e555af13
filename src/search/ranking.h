#pragma once
// Answers one query from the partitions that it reads: scores of every document by words, forms and
// vector, and what neighbours, episodes and speakers add to them. The documents of all partitions
// stand in one row, so that a thousand small ones are ranked like one large.

#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "search/evaluation.h"
#include "search/index.h"
#include "search/partition.h"
#include "search/score_line.h"
#include "search/surroundings.h"

namespace ac::search {

// A query's text in the index's terms.
struct Question {
    QueryTerms words;
    std::size_t unknown_words = 0;  // that no document has
    QueryTerms forms;               // all that are like a word of the question
    std::vector<AskedForm> asked_forms;
    std::vector<float> vector;
};

// A number a document and kind of evidence: too much to ask the system for at every query.
struct Scratch {
    std::vector<float> words;
    std::vector<float> forms;
    std::vector<float> vectors;
    ScoreLine line;
    EpisodeRows episodes;
};

// Thread-safe.
class ScratchPool final {
  public:
    std::unique_ptr<Scratch> take();
    void give_back(std::unique_ptr<Scratch> scratch);

  private:
    static constexpr std::size_t kKept = 2;

    std::mutex mutex_;
    std::vector<std::unique_ptr<Scratch>> kept_;
};

// The partitions are in order.
std::vector<Hit> rank(const Query& query, const Question& question,
                      std::span<const Partition* const> partitions, const Tuning& tuning,
                      const Post& post, Scratch& scratch);

}  // namespace ac::search
