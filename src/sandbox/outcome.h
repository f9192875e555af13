#pragma once
// What happened to a guest. The first reason wins: a guest that was killed for memory and is then
// stopped by its owner ran out of memory.

#include <string>
#include <string_view>

namespace ac::sandbox {

enum class Reason {
    exited,         // by itself; `code` is its exit status
    signaled,       // by itself or from inside; `code` is the signal
    out_of_memory,  // Limits::memory_bytes_max
    timed_out,      // Limits::wall_time_max
    stopped,        // the owner asked
    failed_to_start,
};

struct Outcome {
    Reason reason = Reason::exited;
    int code = 0;
    std::string detail;  // a sentence for people: "killed by SIGSEGV"
};

std::string_view to_string(Reason reason);

}  // namespace ac::sandbox
