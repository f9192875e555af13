#pragma once
// System calls that glibc 2.36 has no function for, or none that suits.

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/file.h"
#include "base/result.h"

namespace ac::sandbox {

struct CloneOptions {
    std::uint64_t flags = 0;  // CLONE_NEW*
    int into_cgroup = -1;     // a v2 group's folder
};

struct Cloned {
    pid_t pid = -1;  // 0 in the child
    UniqueFd pidfd;
};

// As fork(2), by clone3(2). The caller must be single-threaded.
Result<Cloned> clone_process(const CloneOptions& options);

UniqueFd open_pidfd(pid_t pid);
void kill_pidfd(int pidfd, int signal);

// No core dump, no ptrace, no /proc/pid/mem by the same user (prctl(2), PR_SET_DUMPABLE).
void make_undumpable();
void make_dumpable();

}  // namespace ac::sandbox
