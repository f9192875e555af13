#pragma once
// Scores of many documents in a row, with the best of every 64 beside them: the best few of a
// million are found without reading all. Memory is kept from one use to the next.

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
    float best() const;
    // The `count` best of the positive ones, ascending by place; among equals the last ones.
    std::vector<std::uint32_t> top(std::size_t count) const;

  private:
    static constexpr std::size_t kBlock = 64;

    std::vector<float> scores_;
    std::vector<float> block_best_;
};

float largest(std::span<const float> scores);

}  // namespace ac::search
