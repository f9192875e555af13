#pragma once
// Bounds of code interpreters. "guide": docs of the product that is implemented; "AWS": its quotas.

#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace ac::interpreter {

struct InterpreterLimits {
    std::size_t interpreters_max = 1000;          // an account and region (AWS)
    std::size_t sessions_max = 1000;              // live ones of an account (AWS)
    Seconds session_default{900};                 // sessionTimeoutSeconds (API model)
    Seconds execution_max{300};                   // one executeCode or executeCommand (guide)
    Seconds task_max{8 * 3600};                   // one startCommandExecution (AWS)
    std::uint64_t memory_bytes_max = 2ULL << 30;  // a session, files included (guide)
    std::uint32_t processes_max = 256;            // processes and threads of a session
    double processors_max = 1.0;                  // a session's share
    std::uint64_t work_bytes_max = 1ULL << 30;    // the session's files
    std::uint64_t work_files_max = 100'000;
    std::size_t output_bytes_max = 8 << 20;  // passed on of one execution; more is cut off
    Seconds answer_grace{15};  // past the time allowed, an agent that is silent is given up
    Milliseconds stop_grace{0};
    // Guests kept ready once there was a session: as many as sessions were started in the busiest
    // pool_burst of the last pool_memory, at least `pool` and at most `pool_max`. Thawed from a
    // template, each has a few MB; without one there are only `pool`.
    std::size_t pool = 8;
    std::size_t pool_max = 128;
    Seconds pool_burst{5};
    Seconds pool_memory{600};
    // Of files and memory that a fork of a session copies; the copy is counted as the session's.
    std::uint64_t fork_bytes_max = 512ULL << 20;
    Seconds pool_idle{600};         // without a new session the pool is emptied
    Seconds retention{30 * 86400};  // rows of ended sessions (AWS)
    int page_default = 10;          // sessions a page (API model)
    int list_default = 100;         // interpreters a page
};

// A frame of an agent. A file is at most 100 MB (guide), a call's files twice that.
inline constexpr std::size_t kFrameHeaderBytesMax = 4 << 20;
inline constexpr std::size_t kFrameBodyBytesMax = std::size_t{1} << 28;
inline constexpr std::size_t kFileBytesMax = 100'000'000;
// What a client that does not read may leave unread of one call before its agent has to wait.
inline constexpr std::size_t kQueuedBytesMax = std::size_t{64} << 20;

}  // namespace ac::interpreter
