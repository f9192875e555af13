#pragma once
// Every document of a query with what surrounds it: a part of its neighbours' scores, of the
// episode's own score and of the episode's best document, and more for the person whom the question
// names. Of each episode only the best and the sum of its documents' own scores are looked at
// first; they bound what any of its documents can reach. Episodes are opened in the order of that
// bound, until what was found is better than what can come, so the answer is that of all documents
// though few are looked at. Vectors that the search for the nearest left out are compared in the
// episodes with the largest bounds, and as an episode is opened; what they add to others is missed.

#include <optional>
#include <span>
#include <unordered_set>
#include <vector>

#include "search/index.h"
#include "search/nearness.h"
#include "search/partition.h"
#include "search/query_terms.h"
#include "search/score_line.h"

namespace ac::search {

struct Candidate {
    float score = 0;
    Key key = 0;
    std::size_t episode = 0;  // in all parts' order
    // Newest first among equals: keys grow.
    bool operator<(const Candidate& other) const {
        return score != other.score ? score < other.score : key < other.key;
    }
};

// A number an episode of all parts, in their order: kept from query to query.
struct EpisodeRows {
    std::vector<float> best;   // of the documents' own scores
    std::vector<float> sum;    // of them
    std::vector<float> bound;  // no document of the episode reaches more; opened: 0
};

class Surroundings final {
  public:
    // All outlive it.
    struct Given {
        std::span<const Part> parts;
        ScoreLine texts;  // the documents' own scores without nearness
        Nearness& nearness;
        double best_episode = 0;  // of the parts' episodes
        const QueryTerms& words;  // of the question
        const Tuning& tuning;
        EpisodeRows& rows;
    };
    explicit Surroundings(const Given& given);

    // The best candidate that was not answered yet.
    std::optional<Candidate> next();
    // The best score of all that were answered.
    float best() const { return best_; }

  private:
    struct Episode {
        const Part* part = nullptr;
        std::uint32_t number = 0;  // in the part
        float bound = 0;
        std::size_t place = 0;  // in the rows
    };

    ScoreLine with_nearness() const;
    void sum_up();
    void sum_up_near();
    void sum_up(const Episode& episode);
    void compare_best();
    ScoreLine::Extent extent_of(const ScoreLine& line, const Part& part, std::size_t episode) const;
    void bound_spread();
    void bound_all();
    bool names_somebody() const;
    bool is_named(const Partition& partition, std::uint32_t slot) const;
    // The next episodes by bound are in queue_, and no other has a larger one than floor_.
    void refill();
    Episode episode_at(std::size_t place) const;
    Episode episode_of(std::size_t document) const;
    static std::span<const std::uint32_t> slots_of(const Episode& episode);
    void look_at(const Episode& episode);
    template <class Visit>  // void(std::uint32_t slot, float score with neighbours)
    void spread(const Episode& episode, Visit visit);
    float best_spread();
    float rest(const Episode& episode) const;
    void add_candidates(const Episode& episode);

    const Given given_;
    ScoreLine line_;
    std::vector<std::size_t> first_episode_;  // of each part, and the end
    std::vector<Episode> queue_;              // the largest bound last
    float floor_ = 0;
    std::size_t refilled_ = 0;
    std::vector<Candidate> candidates_;          // a heap
    std::unordered_set<std::size_t> looked_at_;  // places of episodes
    std::vector<float> own_;  // of one episode in order of time; kept for its memory
    float best_ = 0;
    float scale_ = 1;
    float episode_share_ = 0;
    float highlight_share_ = 0;
};

}  // namespace ac::search
