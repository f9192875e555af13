#pragma once
// Terminals of a guest's own devpts, opened by its init under the guest's confinement.

#include "base/file.h"
#include "base/result.h"
#include "sandbox/command.h"

namespace ac::sandbox {

struct OpenedTerminal {
    UniqueFd owner;  // the pty's master
    UniqueFd guest;
};

// In the guest. unavailable: its devpts is full, or is not there.
Result<OpenedTerminal> open_terminal(TerminalSize size);

// Whether this is a pty's master, which is all that a guest may hand out as one.
bool is_terminal_owner(int fd);

}  // namespace ac::sandbox
