#pragma once
// Forks and executes a guest's command inside its confinement.

#include <sys/types.h>

#include <string>
#include <vector>

#include "sandbox/linux/contain.h"

namespace ac::sandbox {

// Where execvp(3) would look: the program itself when it has a slash, else each folder of PATH.
std::vector<std::string> program_candidates(const std::string& program,
                                            const std::vector<std::string>& environment);

// Returns once the command has been exec'ed. invalid_argument: no such program or folder.
Result<pid_t> start_command(const Order& order);

}  // namespace ac::sandbox
