#pragma once
// Starting other programs: detached (the daemon), in a group (an agent in development), and to the
// end with their output (checks).

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "cli/failure.h"

namespace ac::cli {

// The file that would run: as given when it holds a slash, else the first match in PATH.
std::optional<std::filesystem::path> find_program(const std::string& name, const std::string& path);

struct Detached {
    std::vector<std::string> arguments;  // [0] is the program's file
    std::map<std::string, std::string> environment;
    std::filesystem::path folder;
    std::filesystem::path log;  // stdout and stderr are appended to it
};
// In a session of its own, with none of our descriptors: it outlives us and our terminal.
Expected<pid_t> spawn_detached(const Detached& program);

struct Grouped {
    std::vector<std::string> arguments;  // [0] is the program's file
    std::map<std::string, std::string> environment;
    std::filesystem::path folder;
    int standard_input;
};
// Leads a process group of its own; its output is ours.
Expected<pid_t> spawn_group(const Grouped& program);

struct Captured {
    int exit_status = 0;  // 128 + signal when it was killed
    std::string output;   // stdout and stderr, the first 1 MiB
};
// Killed after `timeout` (timed_out).
Expected<Captured> run_captured(const std::vector<std::string>& arguments,
                                const std::map<std::string, std::string>& environment,
                                const Clock& clock, Milliseconds timeout);

}  // namespace ac::cli
