#pragma once
// Every bound of the Runtime service, with its unit and where the number comes from. The defaults
// are profile `guide` (the numbers of the guide this project implements, AWS's API model and its
// documented quotas where the guide gives none).

#include <cstdint>

#include "base/clock.h"

namespace ac::runtime {

struct RuntimeLimits {
    // Catalog, per account and region. AWS quotas, 2026-09.
    std::int64_t runtimes_max = 1000;
    std::int64_t versions_max = 1000;  // per runtime
    std::int64_t endpoints_max = 10;   // per runtime, DEFAULT included
    std::int64_t tags_max = 50;        // per resource; API model
    Seconds token_memory{24 * 3600};   // how long a clientToken is remembered; ours
    int page_default = 100;            // items; API model's maximum

    // Sessions.
    std::size_t sessions_max = 1000;       // concurrent, per account; guide
    Seconds idle_timeout{900};             // API model default
    Seconds idle_max{28'800};              // whatever a runtime says; API model's maximum
    Seconds lifetime_max{28'800};          // API model default
    Seconds invocation_max{15 * 60};       // one invocation; guide
    Seconds web_socket_max{60 * 60};       // one WebSocket; AWS quota
    Seconds web_socket_idle_max{15 * 60};  // without a frame either way; ours
    Seconds stream_drain{5};  // what a streamed answer has left when the server is stopped; ours
    std::uint64_t web_socket_frame_max = 64 * 1024;  // payload of a frame; AWS quota
    Seconds init_max{120};                           // from start to listening; AWS
    Milliseconds stop_grace{3000};                   // between SIGTERM and SIGKILL; ours
    Seconds busy_recheck{60};                        // how often a HealthyBusy guest is asked again
    std::uint64_t request_bytes_max = 100'000'000;   // API model: payload
    Seconds command_default{300};                    // one command in a session; API model
    Seconds command_max{3600};                       // API model
    std::size_t commands_max = 16;                   // at once in a session; ours
    std::size_t shells_max = 10;                     // at once, of a runtime; AWS quota
    std::size_t shell_replay_bytes_max = 256 * 1024;  // to who attaches; AWS quota
    std::size_t error_body_bytes_max = 4096;  // of a guest's error body quoted to the caller
    std::size_t guest_memory_bytes_max = 2ULL << 30;  // the sandbox's default
    double guest_processors_max = 2.0;                // AWS quota: 2 vCPU a session

    // Session storage, a session. At either the session is ended.
    std::uint64_t storage_bytes_max = 1ULL << 30;  // AWS quota
    std::uint64_t storage_files_max = 200'000;     // ours
    Seconds storage_look{5};                       // how often it is measured; ours
    Seconds storage_kept{14 * 24 * 3600};          // without use; AWS

    // Names and values that a runtime gives its agents, together: the API model's 50 variables in
    // ASCII. What the platform adds comes on top, and a sandbox's start message carries it all.
    std::size_t environment_bytes_max = 256'000;

    // Guest output, per session; ours.
    std::uint64_t log_bytes_max = 4ULL << 20;         // a file; at it the file is turned over
    std::uint64_t log_bytes_per_second = 4ULL << 20;  // a flooding guest is slowed down to this
    std::size_t log_line_bytes_max = 16 * 1024;       // longer lines are split
    std::size_t log_files_max = 200;                  // sessions kept, per runtime and endpoint

    // Artifacts. AWS quotas for direct code deployment.
    std::uint64_t archive_bytes_max = 250ULL << 20;   // compressed
    std::uint64_t unpacked_bytes_max = 750ULL << 20;  // unpacked
    std::size_t unpacked_files_max = 60'000;          // ours: inodes
    std::size_t path_bytes_max = 512;                 // ours: below PATH_MAX with our prefix
    std::size_t path_depth_max = 64;                  // ours

    // Builds; ours.
    Seconds build_max{10 * 60};
    std::uint64_t build_log_bytes_max = 1ULL << 20;
    std::size_t build_log_tail_bytes = 2000;  // quoted in failureReason
    std::size_t builds_at_once = 2;
    std::uint64_t build_memory_bytes_max = 4ULL << 30;
};

}  // namespace ac::runtime
