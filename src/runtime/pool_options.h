#pragma once
// What the operator decides about guests that wait for sessions, and what became of them.

#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace ac::runtime {

struct PoolOptions {
    std::size_t guests_max = 0;             // of all versions together; 0: none wait
    std::size_t version_guests_max = 4;     // of one version
    std::size_t burst_guests_max = 0;       // the same, when as many sessions came within a second
    std::size_t templates_max = 0;          // of Python agents; 0: none
    std::uint64_t templates_bytes_max = 0;  // all together
    Seconds idle{300};  // without a new session the last guest of a version goes
};

struct PoolStatistics {
    std::size_t templates = 0;    // now
    std::size_t waiting = 0;      // now
    std::uint64_t taken = 0;      // new sessions that took a waiting guest
    std::uint64_t missed = 0;     // new sessions of versions that may wait, for which none did
    std::uint64_t discarded = 0;  // guests that left without a session: too many, stale, failed
    std::uint64_t failed = 0;     // of these: that ended or did not answer
};

}  // namespace ac::runtime
