#pragma once
// The first process of a guest's pid namespace, forked from the launcher and never exec'ed: it
// prepares, waits for the order, contains itself, forks the command and reaps. It runs under the
// guest's own confinement, so it has nothing that the guest could take. Its end is the guest's end.
//
// On its control channel, each a packet:
//   launcher -> init:  'M', without privilege only: your ids are mapped.
//                      A spawn message with its descriptors: the order.
//                      'T': ask the command to end.
//                      An execute message with its descriptors: a further command.
//                      A stop message that names it: kill it.
//   init -> launcher:  'R': the command has been exec'ed.
//                      'F', code, message: it could not be.
//                      'E', status: it ended with this wait status.
//                      'r', 'f' and 'e', with an id behind: the same of a further command.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/error.h"
#include "sandbox/linux/contain.h"

namespace ac::sandbox {

[[noreturn]] void run_guest_init(const Berth& berth, int control);

inline constexpr std::string_view kIdsAreMapped = "M";
inline constexpr std::string_view kAskToEnd = "T";

struct CommandRuns {};
struct CommandFailed {
    ErrorCode code = ErrorCode::unavailable;
    std::string message;
};
struct CommandEnded {
    int status = 0;  // as of wait(2)
};
struct ExecutionNotice {
    std::uint64_t id = 0;
    std::variant<CommandRuns, CommandFailed, CommandEnded> what;
};
using InitNotice = std::variant<CommandRuns, CommandFailed, CommandEnded, ExecutionNotice>;
std::string encode(const InitNotice& notice);
std::optional<InitNotice> decode_init_notice(std::string_view bytes);

}  // namespace ac::sandbox
