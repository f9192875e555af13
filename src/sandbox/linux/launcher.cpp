#include "sandbox/launcher.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "sandbox/linux/channel.h"
#include "sandbox/linux/launcher_loop.h"
#include "sandbox/linux/system.h"

extern char** environ;

namespace ac::sandbox {
namespace {

constexpr std::size_t kInstanceLengthMax = 64;

// What the daemon was given in its environment (keys of model providers) is no business of
// processes that guests are forked from.
void forget_environment() {
    for (char** variable = environ; *variable != nullptr; ++variable)
        ::explicit_bzero(*variable, std::strlen(*variable));
    ::clearenv();
}

// Nothing of the daemon's but stderr: a listening socket held here would outlive it.
void keep_only(std::vector<int> kept) {
    const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    ::dup2(nowhere, 0);
    ::dup2(nowhere, 1);
    std::ranges::sort(kept);
    unsigned first = 3;
    for (const int fd : kept) {
        if (fd < 3) continue;
        const auto next = static_cast<unsigned>(fd);
        if (first < next) ::close_range(first, next - 1, 0);
        first = next + 1;
    }
    ::close_range(first, ~0U, 0);
}

// Guests are never real-time, whatever the daemon is (and such cannot enter a cpu group).
void schedule_as_others() {
    sched_param parameters{};
    ::sched_setscheduler(0, SCHED_OTHER, &parameters);
}

void raise_file_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

[[noreturn]] void run_launcher(LauncherOptions options, UniqueFd socket, UniqueFd daemon_process) {
    ::prctl(PR_SET_NAME, "sandbox-launch", 0, 0, 0);
    ::setsid();  // the terminal's Ctrl-C is for the daemon, which then ends us
    if (::geteuid() == 0) make_undumpable();
    forget_environment();
    keep_only({socket.get(), daemon_process.get(), options.hold_open});
    raise_file_limit();
    schedule_as_others();
    ::signal(SIGPIPE, SIG_IGN);
    LauncherLoop(std::move(options), std::move(socket), std::move(daemon_process)).run();
    ::_exit(0);
}

bool is_instance_name(const std::string& name) {
    return !name.empty() && name.size() <= kInstanceLengthMax &&
           std::ranges::all_of(name, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_';
           });
}

}  // namespace

Result<Launcher> start_launcher(LauncherOptions options) {
    if (!is_instance_name(options.instance))
        return fail(ErrorCode::invalid_argument,
                    "a sandbox instance is named with 1 to 64 of A-Z a-z 0-9 - _");
    AC_TRY(ChannelPair channel, make_channel());
    UniqueFd self = open_pidfd(::getpid());
    const pid_t pid = ::fork();
    if (pid < 0) return fail(errno_error("start the launcher", errno));
    if (pid == 0) run_launcher(std::move(options), std::move(channel.theirs), std::move(self));
    return Launcher{std::move(channel.ours), pid};
}

}  // namespace ac::sandbox
