#pragma once
// A second fence around the file system: no writes outside the folders that are writable by design,
// whatever the mounts say; no abstract Unix sockets and no signals to processes outside.

#include <string>
#include <vector>

#include "base/result.h"

namespace ac::sandbox {

// 0: the kernel has no Landlock.
int landlock_abi();

// For this process and its children, for good. Needs no_new_privs.
Result<> restrict_writes_to(const std::vector<std::string>& folders);

}  // namespace ac::sandbox
