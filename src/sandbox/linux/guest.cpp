#include "sandbox/linux/guest.h"

#include <fmt/format.h>
#include <string.h>
#include <sys/wait.h>

namespace ac::sandbox {
namespace {

std::string signal_text(int number) {
    const char* const name = ::sigabbrev_np(number);
    return name == nullptr ? fmt::format("signal {}", number) : fmt::format("SIG{}", name);
}

int code_of(int status) {
    return WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
}

}  // namespace

Outcome outcome_of(const Guest& guest, bool out_of_memory) {
    if (guest.failure) return {Reason::failed_to_start, 0, guest.failure->message};
    const int status = guest.status.value_or(guest.init_status);
    const bool clean = guest.status && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (guest.cause == Reason::out_of_memory || (!guest.cause && out_of_memory && !clean))
        return {Reason::out_of_memory, SIGKILL, "used more memory than its limit"};
    if (guest.cause == Reason::timed_out)
        return {Reason::timed_out, code_of(status), "ran longer than its limit"};
    if (guest.cause == Reason::stopped)
        return {Reason::stopped, code_of(status), "stopped by its owner"};
    if (WIFSIGNALED(status))
        return {Reason::signaled, WTERMSIG(status), "killed by " + signal_text(WTERMSIG(status))};
    return {Reason::exited, WEXITSTATUS(status),
            fmt::format("exited with status {}", WEXITSTATUS(status))};
}

}  // namespace ac::sandbox
