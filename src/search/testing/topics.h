#pragma once
// For tests: vectors of length 1 around some centres, as texts are around topics.

#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

namespace ac::search::testing {

inline constexpr std::size_t kDimensions = 32;

class Topics {
  public:
    std::vector<float> draw() {
        std::vector<float> out(kDimensions);
        const auto& centre = centres_[engine_() % centres_.size()];
        float sum = 0;
        for (std::size_t i = 0; i < kDimensions; ++i) {
            out[i] = centre[i] + normal_(engine_);
            sum += out[i] * out[i];
        }
        for (auto& x : out) x /= std::sqrt(sum);
        return out;
    }

  private:
    static std::vector<std::vector<float>> centres(std::mt19937& engine) {
        std::normal_distribution<float> wide(0, 2);
        std::vector<std::vector<float>> out(40, std::vector<float>(kDimensions));
        for (auto& centre : out)
            for (auto& x : centre) x = wide(engine);
        return out;
    }

    std::mt19937 engine_{5};
    std::normal_distribution<float> normal_;
    std::vector<std::vector<float>> centres_ = centres(engine_);
};

}  // namespace ac::search::testing
