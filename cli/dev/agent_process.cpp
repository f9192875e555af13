#include "cli/dev/agent_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/daemon/program.h"
#include "cli/net/http_link.h"

namespace ac::cli {
namespace {

constexpr Milliseconds kStopPatience{5'000};
constexpr Milliseconds kLookAgain{20};

}  // namespace

Expected<> AgentProcess::start(const AgentLaunch& launch) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return std::unexpected(Failure(errno_error("pipe", errno)));
    const UniqueFd reader(ends[0]);
    UniqueFd writer(ends[1]);
    AC_TRY(pid_, spawn_group({.arguments = launch.arguments,
                              .environment = launch.environment,
                              .folder = launch.folder,
                              .standard_input = reader.get()}));
    hold_ = std::move(writer);
    return {};
}

std::optional<int> AgentProcess::look_for_end() {
    int status = 0;
    if (pid_ <= 0 || ::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
    (void)::kill(-pid_, SIGKILL);  // what it left behind
    pid_ = 0;
    hold_.reset();
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void AgentProcess::stop() {
    if (pid_ <= 0) return;
    (void)::kill(-pid_, SIGTERM);
    for (Milliseconds waited{0}; waited < kStopPatience; waited += kLookAgain) {
        if (look_for_end()) return;
        pause(clock_, kLookAgain);
    }
    (void)::kill(-pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
    hold_.reset();
}

}  // namespace ac::cli
