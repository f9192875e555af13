#pragma once
// The user's end of an interactive shell: keyboard and screen on one side, the daemon's WebSocket
// on the other. Blocks until it is over.

#include <string>

#include "base/random.h"
#include "cli/console.h"
#include "cli/failure.h"
#include "cli/net/http_link.h"

namespace ac::cli {

enum class ShellEnding { exited, detached, taken_over, session_ended, broke_off };

struct ShellRun {
    ShellEnding ending = ShellEnding::broke_off;
    int exit_code = 0;  // of exited
    std::string session_id;
    std::string shell_id;
};

// Ends the connection, not the shell: what a terminal sends for Ctrl-].
inline constexpr char kDetachKey = '\x1d';

// `head` is signed and asks for the upgrade. `input` is a descriptor: a terminal is switched to raw
// mode meanwhile, its size told and kept told; of anything else the end is told as Ctrl-D.
// The service's refusals as Failures.
Expected<ShellRun> attach_shell(const Url& url, const Clock& clock, Random& random,
                                net::RequestHead head, int input, Console& console);

}  // namespace ac::cli
