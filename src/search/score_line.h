#pragma once
// Scores of many documents in a row: the weighted sum of rows of evidence, which is made where it
// is looked at.

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace ac::search {

// A view: the rows outlive it.
class ScoreLine final {
  public:
    // A row of evidence, empty or as long as the line.
    struct Part {
        std::span<const float> scores;
        float weight = 0;
        float floor = 0;  // scores below count as nothing

        bool is_something() const { return weight != 0 && !scores.empty(); }
        float at(std::size_t place) const {
            return weight * (scores[place] < floor ? 0.0F : scores[place]);
        }
    };
    ScoreLine(std::initializer_list<Part> parts);
    // One more; there may be three.
    ScoreLine with(const Part& part) const;

    float at(std::size_t place) const {
        float sum = 0;
        for (std::size_t i = 0; i < count_; ++i) sum += parts_[i].at(place);
        return sum;
    }
    struct Extent {
        float best = 0;
        float sum = 0;
    };
    // Of a run of places.
    Extent extent(std::size_t first, std::size_t count) const;
    void join(std::span<float> to) const;

  private:
    static constexpr std::size_t kParts = 3;

    std::array<Part, kParts> parts_;  // those that are something come first
    std::size_t count_ = 0;
};

float largest(std::span<const float> scores);

// The places of the `count` best of the positive scores, ascending by place; among equals the last
// ones. The best of every 64 is looked at first, so that of a million few are looked at twice.
std::vector<std::uint32_t> best_places(std::span<const float> scores, std::size_t count);

}  // namespace ac::search
