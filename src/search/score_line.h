#pragma once
// Scores of many documents in a row. Memory is kept from one use to the next.

#include <cstdint>
#include <span>
#include <vector>

namespace ac::search {

class ScoreLine final {
  public:
    // What the scores are made of; each part as long as the line, or empty.
    struct Part {
        std::span<const float> scores;
        float weight = 0;
        float floor = 0;  // scores below count as nothing
    };
    // The weighted sum of the parts.
    void join(const Part& first, const Part& second, const Part& third, std::size_t count);

    std::span<const float> scores() const { return scores_; }

  private:
    std::vector<float> scores_;
};

float largest(std::span<const float> scores);

// The places of the `count` best of the positive scores, ascending by place; among equals the last
// ones. The best of every 64 is looked at first, so that of a million few are looked at twice.
std::vector<std::uint32_t> best_places(std::span<const float> scores, std::size_t count);

}  // namespace ac::search
