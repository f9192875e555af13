#pragma once
// Answers one query from the partitions that it reads: scores of every document by words, forms and
// vector, and what neighbours, episodes and speakers add to them. The documents of all partitions
// stand in one row, so that a thousand small ones are ranked like one large.

#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "search/index.h"
#include "search/partition.h"
#include "search/surroundings.h"
#include "search/vocabulary.h"

namespace ac::search {

// Where a query is answered from.
struct Searched {
    const Vocabulary& vocabulary;
    std::span<const Partition* const> partitions;  // in order
    const Embedder* embedder;  // makes the vector of a query without; nullptr: words only
    const Tuning& tuning;
    const Post& post;
};

// A number a document and kind of evidence: too much to ask the system for at every query.
struct Scratch {
    std::vector<float> words;
    std::vector<float> forms;
    std::vector<float> vectors;  // all zero between queries
    std::vector<float> joined;
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

std::vector<Hit> rank(const Query& query, const Searched& searched, Scratch& scratch);

}  // namespace ac::search
