#include "base/clock.h"

namespace ac {

WallTime SystemClock::wall() const {
    return std::chrono::time_point_cast<Milliseconds>(std::chrono::system_clock::now());
}

SteadyTime SystemClock::steady() const {
    return std::chrono::steady_clock::now();
}

}  // namespace ac
