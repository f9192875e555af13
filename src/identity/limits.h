#pragma once
// Every bound of the Identity service, with its unit and where the number comes from. The defaults
// are profile `guide`; where the guide gives no number they are AWS's, or ours.

#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace ac::identity {

struct IdentityLimits {
    std::size_t credential_bytes_max = 4096;  // an API key or client secret; guide (AWS: 65 536)
    std::int64_t credentials_max = 100;       // providers an account and region; guide
    std::int64_t workloads_max = 11'000;      // an account and region; AWS quota
    int providers_page_default = 20;          // ours; the API model has none
    Seconds workload_token_life{3600};        // ours; AWS does not document it
    Seconds consent_life{600};                // authorization URL and session; AWS
    std::size_t consents_max = 1000;          // under way, an account; ours
    std::size_t token_answer_bytes_max = 256 * 1024;  // of a token endpoint; ours
    std::size_t metadata_bytes_max = 256 * 1024;      // of a discovery document; ours
    Seconds metadata_life{3600};                      // until it is fetched again; ours
    std::size_t metadata_entries_max = 1024;          // discovery documents kept; ours
    Seconds provider_timeout{10};            // one request to an authorization server; ours
    Seconds token_margin{60};                // a token is not given out this shortly before its end
    Seconds token_life_default{3600};        // where the provider does not say; guide
    Seconds lease_life{30};                  // of whoever refreshes; over provider_timeout
    Milliseconds lease_poll{100};            // how often others look whether it is done
    std::size_t cache_entries_max = 20'000;  // sealed providers and workloads in memory; ours
    Milliseconds cache_life{2000};           // of one, where other nodes share the database; ours

    // Background work; ours.
    Milliseconds sweep_interval{30'000};
    Milliseconds key_interval{1000};  // how soon records follow a change of keys
    int sweep_batch = 500;
    int rewrap_batch = 200;

    // The audit log; ours.
    std::uint64_t audit_segment_bytes = 64 << 20;
    std::size_t audit_queue_max = 65'536;  // entries waiting for the disk
    std::size_t audit_read_max = 10'000;   // entries answered at once
};

}  // namespace ac::identity
