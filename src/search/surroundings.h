#pragma once
// Candidates of a query with what surrounds them: a part of their neighbours' scores, of the
// episode's own score and of the episode's best document, and more for the person whom the question
// names. Episodes are looked at in order of the best that any of their documents can reach, so that
// of thousands of candidates few are, and the answer is that of all.

#include <optional>
#include <span>
#include <vector>

#include "search/index.h"
#include "search/partition.h"
#include "search/query_terms.h"

namespace ac::search {

// A partition in the row of all that a query reads.
struct Part {
    const Partition* partition = nullptr;
    std::size_t first = 0;        // place of its slot 0 in the row
    std::vector<float> episodes;  // the episodes' own scores
};

struct Candidate {
    float score = 0;
    Key key = 0;
    // Newest first among equals: keys grow.
    bool operator<(const Candidate& other) const {
        return score != other.score ? score < other.score : key < other.key;
    }
};

class Surroundings final {
  public:
    // All outlive it.
    struct Given {
        std::span<const Part> parts;
        std::span<const float> scores;  // of the row
        double best_episode = 0;        // of the parts' episodes
        const QueryTerms& words;        // of the question
        const Tuning& tuning;
    };
    // `places`: those of the row that are looked at, with their neighbours; ascending.
    Surroundings(const Given& given, std::span<const std::uint32_t> places);

    // The best candidate that was not answered yet.
    std::optional<Candidate> next();

  private:
    struct Chosen {
        std::uint32_t episode = 0;
        std::uint32_t slot = 0;
        auto operator<=>(const Chosen&) const = default;
    };
    // The chosen documents of one episode.
    struct Group {
        const Part* part = nullptr;
        std::uint32_t first = 0;  // in chosen_
        std::uint32_t end = 0;
        float best = 0;  // of their own scores
        float sum = 0;
        float bound = 0;                                      // no document around scores more
        std::vector<std::pair<std::uint32_t, float>> scored;  // slot and score with neighbours
    };
    struct ByBound {
        bool operator()(const Group* a, const Group* b) const { return a->bound < b->bound; }
    };

    void group(const Part& part, std::span<const std::uint32_t> places);
    std::uint32_t episode_of(const Group& group) const { return chosen_[group.first].episode; }
    float own(const Part& part, std::uint32_t slot) const {
        return given_.scores[part.first + slot];
    }
    bool is_named(const Partition& partition, std::uint32_t slot) const;
    float spread_bound(const Group& group) const;
    // Fills group.scored; the best of it.
    float spread(Group& group) const;
    float with_neighbours(const Part& part, std::uint32_t position) const;
    // Sets the share of every kind of evidence, which needs the best score with neighbours.
    void weigh();
    float rest(const Group& group) const;
    void add_candidates(Group& group);

    const Given given_;
    std::vector<Chosen> chosen_;
    std::vector<Group> groups_;
    std::vector<Group*> open_;           // a heap
    std::vector<Candidate> candidates_;  // a heap
    float floor_ = 0;  // of the chosen documents' own scores: none that is not chosen has more
    float best_own_ = 0;
    float nearest_weight_ = 0;
    float all_weights_ = 0;
    bool names_somebody_ = false;
    float scale_ = 1;
    float episode_share_ = 0;
    float highlight_share_ = 0;
};

}  // namespace ac::search
