#include "sandbox/linux/syscall_filter.h"

#include <sstream>

namespace ac::sandbox {
namespace {

// Files, memory, time, signals, processes and sockets of a guest's own. What it would need a
// capability for is either absent or fails in the kernel. Calls newer than libseccomp 2.5.4 are
// refused with ENOSYS, and C libraries then take an older one.
constexpr const char* kAllowed =
    // Files and folders.
    "access chdir chmod chown close close_range copy_file_range creat dup dup2 dup3 "
    "faccessat faccessat2 fadvise64 fallocate fchdir fchmod fchmodat fchown fchownat "
    "fcntl fdatasync fgetxattr flistxattr flock fremovexattr fsetxattr fstat fstatfs "
    "fsync ftruncate futimesat getcwd getdents getdents64 getxattr inotify_add_watch "
    "inotify_init inotify_init1 inotify_rm_watch ioctl lchown lgetxattr link linkat "
    "listxattr llistxattr lremovexattr lseek lsetxattr lstat memfd_create mkdir mkdirat "
    "mknod mknodat newfstatat open openat openat2 pipe pipe2 pread64 preadv preadv2 "
    "pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv removexattr "
    "rename renameat renameat2 rmdir sendfile setxattr splice stat statfs statx symlink "
    "symlinkat sync sync_file_range syncfs tee truncate umask unlink unlinkat utime "
    "utimensat utimes vmsplice write writev "
    // Waiting for several things.
    "epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd "
    "eventfd2 poll ppoll pselect6 select signalfd signalfd4 timerfd_create "
    "timerfd_gettime timerfd_settime io_setup io_destroy io_submit io_cancel io_getevents "
    "io_pgetevents "
    // Memory.
    "brk get_mempolicy madvise membarrier mincore mlock mlock2 mlockall mmap mprotect "
    "mremap msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect "
    "remap_file_pages "
    // Processes and threads.
    "arch_prctl capget capset clone clone3 execve execveat exit exit_group fork futex "
    "get_robust_list getcpu getegid geteuid getgid getgroups getitimer getpgid getpgrp "
    "getpid getppid getpriority getresgid getresuid getrlimit getrusage getsid gettid "
    "getuid ioprio_get ioprio_set landlock_add_rule landlock_create_ruleset "
    "landlock_restrict_self pidfd_open pidfd_send_signal prctl prlimit64 rseq "
    "sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr "
    "sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity "
    "sched_setattr sched_setparam sched_setscheduler sched_yield seccomp set_robust_list "
    "set_thread_area get_thread_area set_tid_address setfsgid setfsuid setgid setgroups "
    "setitimer setpgid setpriority setregid setresgid setresuid setreuid setrlimit setsid "
    "setuid uname vfork wait4 waitid waitpid "
    // Signals.
    "kill pause restart_syscall rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo "
    "rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sigaltstack tgkill "
    "tkill alarm "
    // Time.
    "clock_getres clock_gettime clock_nanosleep gettimeofday nanosleep time timer_create "
    "timer_delete timer_getoverrun timer_gettime timer_settime times "
    // Sockets (their kinds: the other filter) and System V and POSIX exchange, in an IPC
    // namespace of the guest's own.
    "accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom "
    "recvmmsg recvmsg send sendmmsg sendmsg sendto setsockopt shutdown socket socketpair "
    "mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink msgctl msgget "
    "msgrcv msgsnd semctl semget semop semtimedop shmat shmctl shmdt shmget "
    // The rest.
    "getrandom sysinfo ";

}  // namespace

const std::vector<std::string>& allowed_syscalls() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> out;
        std::istringstream words(kAllowed);
        for (std::string word; words >> word;) out.push_back(word);
        return out;
    }();
    return names;
}

}  // namespace ac::sandbox
