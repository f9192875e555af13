#pragma once
// What every part of the service works with, and the numbers that it gives out.

#include <algorithm>
#include <array>
#include <atomic>

#include "async/thread_pool.h"
#include "async/timer.h"
#include "base/random.h"
#include "memory/limits.h"
#include "memory/types.h"
#include "storage/database.h"

namespace ac::memory {

// Numbers that grow with time: the order in which things came. They never repeat in this process;
// the lowest bits are random, so that two processes, or one before and after its clock was set
// back, do not meet either.
class Arrivals final {
  public:
    explicit Arrivals(Random& random) : random_(random) {}

    std::int64_t next(WallTime now) {
        const auto wanted = to_epoch_ms(now) * 1000;
        auto last = last_.load();
        while (!last_.compare_exchange_weak(last, std::max(last + 1, wanted))) {
        }
        std::array<std::byte, 2> bytes{};
        random_.fill(bytes);
        const auto low =
            std::to_integer<std::int64_t>(bytes[0]) | std::to_integer<std::int64_t>(bytes[1]) << 8;
        // Microseconds of today take 51 of 63 bits.
        return std::max(last + 1, wanted) << kRandomBits | (low & ((1 << kRandomBits) - 1));
    }
    // No number given out from then on is lower, in any process whose clock is right.
    static std::int64_t lowest_at(WallTime time) { return to_epoch_ms(time) * 1000 << kRandomBits; }

  private:
    static constexpr int kRandomBits = 11;

    Random& random_;
    std::atomic<std::int64_t> last_{0};
};

// All outlive the service.
struct Context {
    storage::Database& database;
    ThreadPool& pool;
    Timer& timer;
    Random& random;
    MemoryLimits limits;
    Arrivals& arrivals;
    bool is_shared = false;  // other processes write to the database too

    WallTime now() const { return timer.clock().wall(); }
};

std::int64_t random_number(Random& random);  // positive

}  // namespace ac::memory
