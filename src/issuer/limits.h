#pragma once
// Bounds and lifetimes of the development issuer.

#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace ac::issuer {

struct IssuerLimits {
    Seconds access_life{3600};            // the guide's hour; clients may set another
    Seconds refresh_life{30LL * 86'400};  // Cognito's default
    Seconds code_life{60};                // RFC 6749 4.1.2 wants at most ten minutes
    Seconds login_life{600};              // from the login page to its answer
    Seconds key_life{30LL * 86'400};      // then a new one is made
    Seconds key_ahead{600};               // a new key is published that long before it signs
    Seconds key_behind{86'400};           // and stays published that long after it did
    Seconds key_cache{15};                // how long other nodes' rotations stay unseen
    Seconds client_cache{5};              // the same for changed and deleted clients
    std::size_t clients_cached_max = 10'000;
    std::int64_t pools_max = 1000;        // an account and region
    std::int64_t clients_max = 1000;      // a pool
    std::int64_t users_max = 10'000;      // a pool
    std::size_t login_failures_max = 20;  // of one user within login_pause
    Seconds login_pause{300};
};

}  // namespace ac::issuer
