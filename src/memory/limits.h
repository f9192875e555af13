#pragma once
// Every bound of the Memory service, with its unit and where the number comes from. The defaults
// are profile `guide`; where the guide gives no number they are AWS's.

#include <cstdint>

#include "base/clock.h"

namespace ac::memory {

struct MemoryLimits {
    std::int64_t memories_max = 150;               // per account and region; AWS quota
    std::size_t strategies_max = 5;                // per memory; guide
    std::size_t indexed_keys_max = 10;             // per memory; API model
    std::size_t tags_max = 50;                     // per memory; API model
    std::int64_t session_bytes_max = 100'000'000;  // payload of one session; guide
    std::size_t event_bytes_max = 10'000'000;      // one event; AWS quota
    std::size_t messages_max = 100;                // per event; API model
    std::size_t ingest_bytes_max = 100'000;        // one IngestData; AWS quota
    std::size_t branch_depth_max = 20;             // parents walked for a listing; ours
    int memories_page_default = 10;                // API model
    int page_default = 20;                         // API model
    std::size_t topk_default = 10;                 // API model
    Seconds token_memory{24 * 3600};               // how long a clientToken is known; ours
    Seconds empty_session_life{24 * 3600};         // API model

    // Background work; ours.
    int sweep_batch = 100;                   // rows deleted in one transaction, so that writes pass
    Milliseconds sweep_pause{2};             // between two such transactions
    Milliseconds sweep_interval{30'000};     // pause when there was nothing to delete
    int purge_batch = 100;                   // rows of a deleted memory in one transaction
    int job_batch = 32;                      // extraction jobs taken up at once
    int job_attempts_max = 3;                // then the job is FAILED and waits for a restart
    int delivery_attempts_max = 8;           // the same of a self-managed strategy's delivery
    Seconds stream_retention{24 * 3600};     // what a stream's receiver did not take; Kinesis'
    Milliseconds idle_check{1'000};          // how often idle sessions are looked for
    int index_page = 1000;                   // records read at once when an index is rebuilt
    int times_page = 20'000;                 // the same of their times only, for filters on those
    std::size_t graph_from = 75'000;         // vectors of a namespace; search_vectors_bench
    std::size_t summary_messages_max = 400;  // of a session that a summary is made from
};

}  // namespace ac::memory
