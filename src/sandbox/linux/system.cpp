#include "sandbox/linux/system.h"

#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace ac::sandbox {

Result<Cloned> clone_process(const CloneOptions& options) {
    int pidfd = -1;
    clone_args args{};
    args.flags = options.flags | CLONE_PIDFD;
    args.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
    args.exit_signal = SIGCHLD;
    if (options.into_cgroup >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = static_cast<std::uint64_t>(options.into_cgroup);
    }
    const long pid = ::syscall(SYS_clone3, &args, sizeof args);
    if (pid < 0) return fail(errno_error("clone3", errno));
    if (pid == 0) return Cloned{0, {}};
    return Cloned{static_cast<pid_t>(pid), UniqueFd(pidfd)};
}

UniqueFd open_pidfd(pid_t pid) {
    return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

void kill_pidfd(int pidfd, int signal) {
    ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0);
}

void make_undumpable() {
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void make_dumpable() {
    ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

}  // namespace ac::sandbox
