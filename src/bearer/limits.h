#pragma once
// Bounds of the cache of issuers' keys.

#include <cstddef>

#include "base/clock.h"

namespace ac::bearer {

struct KeyCacheLimits {
    std::size_t issuers_max = 1000;  // the one that was used longest ago goes first
    Seconds age_default{600};        // when the issuer says nothing
    Seconds age_min{60};             // and if it says less
    Seconds age_max{86'400};         // and if it says more
    // How long keys are used when their issuer cannot be reached any more.
    Seconds stale_max{86'400};
    // An unknown key id makes us ask the issuer again, but not more often than that: anybody can
    // send tokens with key ids that nobody knows.
    Seconds refresh_pause{10};
    // After a failure without keys at hand; callers meanwhile get the same failure.
    Seconds failure_pause{2};
};

}  // namespace ac::bearer
