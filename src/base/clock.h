#pragma once
// Time as a value passed in. WallTime is what users see (millisecond resolution, UTC); SteadyTime
// is for measuring and waiting and never jumps.

#include <atomic>
#include <chrono>
#include <cstdint>

namespace ac {

using Milliseconds = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;
using WallTime = std::chrono::time_point<std::chrono::system_clock, Milliseconds>;
using SteadyTime = std::chrono::steady_clock::time_point;

inline std::int64_t to_epoch_ms(WallTime time) {
    return time.time_since_epoch().count();
}
inline WallTime from_epoch_ms(std::int64_t ms) {
    return WallTime{Milliseconds{ms}};
}

// Thread-safe.
class Clock {
  public:
    virtual ~Clock() = default;
    virtual WallTime wall() const = 0;
    virtual SteadyTime steady() const = 0;
};

class SystemClock final : public Clock {
  public:
    WallTime wall() const override;
    SteadyTime steady() const override;
};

// Stands still until told. Starts at 2026-01-01T00:00:00Z.
class ManualClock final : public Clock {
  public:
    WallTime wall() const override { return from_epoch_ms(kStart + offset_ms_.load()); }
    SteadyTime steady() const override {
        return SteadyTime{Milliseconds{kStart + offset_ms_.load()}};
    }
    void advance(Milliseconds by) { offset_ms_ += by.count(); }

  private:
    static constexpr std::int64_t kStart = 1'767'225'600'000;
    std::atomic<std::int64_t> offset_ms_{0};
};

}  // namespace ac
