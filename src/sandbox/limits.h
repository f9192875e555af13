#pragma once
// How much a guest may use. Each field has its unit; what happens at the limit stands beside it.

#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace ac::sandbox {

struct Limits {
    // Memory of all processes together, page cache and tmpfs (/work, /tmp, /dev/shm) included. Over
    // it the whole guest is killed; Outcome says out_of_memory.
    std::uint64_t memory_bytes_max = 2ULL << 30;
    // Processes and threads together. fork fails with EAGAIN.
    std::uint32_t processes_max = 512;
    // Share of the machine: 1.5 is one and a half processors. Guests are slowed, not ended.
    double processors_max = 2.0;
    // Size of /work (the guest's home and working folder, a tmpfs of its own), of /tmp and of
    // /dev/shm, each. Writes fail with ENOSPC.
    std::uint64_t work_bytes_max = 1ULL << 30;
    // Files on each of the three. Creation fails with ENOSPC.
    std::uint64_t work_files_max = 200'000;
    // Open files per process. EMFILE.
    std::uint32_t open_files_max = 4096;
    // From start; then killed, Outcome says timed_out. nullopt: the owner decides.
    std::optional<Seconds> wall_time_max;
};

}  // namespace ac::sandbox
