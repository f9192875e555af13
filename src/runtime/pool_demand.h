#pragma once
// How many guests of a version are to wait for sessions, from when sessions were started: the
// count of starts, halved as time goes by. Each start asks for one more guest, and without starts
// the last one goes after `idle`.

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "base/clock.h"

namespace ac::runtime {

class PoolDemand final {
  public:
    PoolDemand(Seconds idle, std::size_t most)
        : half_life_(std::max<double>(1.0, static_cast<double>(idle.count())) / kHalvings),
          most_(static_cast<double>(most)) {}

    void started(SteadyTime now) {
        level_ = std::min(level_at(now) + 1, most_);
        at_ = now;
    }
    std::size_t wanted(SteadyTime now) const {
        const double level = level_at(now) - kSpent;
        return level <= 0 ? 0 : static_cast<std::size_t>(std::ceil(level));
    }

  private:
    // One start has been halved to kSpent after so many half-lives.
    static constexpr double kHalvings = 4;
    static constexpr double kSpent = 1.0 / 16;

    double level_at(SteadyTime now) const {
        const double passed = std::chrono::duration<double>(now - at_).count();
        return level_ * std::exp2(-std::max(passed, 0.0) / half_life_);
    }

    double half_life_;  // seconds
    double most_;
    double level_ = 0;
    SteadyTime at_{};
};

}  // namespace ac::runtime
