#pragma once
// What to run in a sandbox.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"

namespace ac::sandbox {

inline constexpr std::size_t kFurtherDescriptorsMax = 16;
struct TerminalSize {
    std::uint16_t columns = 80;
    std::uint16_t rows = 24;
    bool operator==(const TerminalSize&) const = default;
};

struct Command {
    std::vector<std::string> argv;         // argv[0] is looked up in PATH of `environment`
    std::vector<std::string> environment;  // "NAME=value", complete: nothing is inherited
    std::string folder = "/work";
    // Where its output goes (a pipe or a file of the owner's); /dev/null where empty. stdin is
    // /dev/null.
    UniqueFd standard_output;
    UniqueFd standard_error;
    // Open in the command as 3, 4 and so on; at most kFurtherDescriptorsMax.
    std::vector<UniqueFd> descriptors;
    // Of Monitor::execute only, and then without outputs: the command's three streams are a
    // terminal of the guest's own, which it controls; Execution::take_terminal() is the other end.
    std::optional<TerminalSize> terminal = {};
};

}  // namespace ac::sandbox
