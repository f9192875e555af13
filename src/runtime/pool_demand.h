#pragma once
// How many guests of a version are to wait for sessions, from when sessions were started: the
// count of starts, halved as time goes by. Each start asks for one more guest, and without starts
// the last one goes after `idle`. Beside that, as many wait for `idle` as were started within one
// second: who came with a hundred sessions at once comes with a hundred again.

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "base/clock.h"

namespace ac::runtime {

class PoolDemand final {
  public:
    PoolDemand(Seconds idle, std::size_t most, std::size_t burst_most = 0)
        : idle_(idle),
          half_life_(std::max<double>(1.0, static_cast<double>(idle.count())) / kHalvings),
          most_(static_cast<double>(most)),
          burst_most_(burst_most) {}

    void started(SteadyTime now) {
        level_ = std::min(level_at(now) + 1, most_);
        at_ = now;
        if (now - window_ > kWindow) {
            window_ = now;
            in_window_ = 0;
        }
        ++in_window_;
        if (in_window_ < burst(now) || static_cast<double>(in_window_) <= most_) return;
        burst_ = std::min(in_window_, burst_most_);
        burst_at_ = now;
    }
    std::size_t wanted(SteadyTime now) const {
        const double level = level_at(now) - kSpent;
        return std::max(burst(now), level <= 0 ? 0 : static_cast<std::size_t>(std::ceil(level)));
    }

  private:
    // One start has been halved to kSpent after so many half-lives.
    static constexpr double kHalvings = 4;
    static constexpr double kSpent = 1.0 / 16;
    static constexpr Seconds kWindow{1};

    std::size_t burst(SteadyTime now) const { return now - burst_at_ < idle_ ? burst_ : 0; }

    double level_at(SteadyTime now) const {
        const double passed = std::chrono::duration<double>(now - at_).count();
        return level_ * std::exp2(-std::max(passed, 0.0) / half_life_);
    }

    Seconds idle_;
    double half_life_;  // seconds
    double most_;
    std::size_t burst_most_;
    double level_ = 0;
    SteadyTime at_{};
    SteadyTime window_{};  // when the second began in which starts are counted
    std::size_t in_window_ = 0;
    std::size_t burst_ = 0;  // the most of a second, and when that was
    SteadyTime burst_at_{};
};

}  // namespace ac::runtime
