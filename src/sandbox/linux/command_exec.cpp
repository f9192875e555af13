#include "sandbox/linux/command_exec.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <sstream>
#include <system_error>

namespace ac::sandbox {
namespace {

constexpr const char* kDefaultPath = "/usr/local/bin:/usr/bin:/bin";

// What the child tells when it does not get to exec: which step, and errno.
struct ExecFailure {
    enum class Step : int { output, terminal, folder, program } step;
    int error_number;
};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
    out.push_back(nullptr);
    return out;
}

[[noreturn]] void give_up(int report, ExecFailure::Step step) {
    const ExecFailure failure{step, errno};
    (void)!::write(report, &failure, sizeof failure);
    ::_exit(127);
}

// Puts the command's three streams in place and closes all others. `report` closes on exec.
bool arrange_streams(const Order& order, int& report) {
    const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nowhere < 0) return false;
    // Out of the way of those that dup2 is about to overwrite.
    const int first = 3 + static_cast<int>(order.further.size());
    report = ::fcntl(report, F_DUPFD_CLOEXEC, first);
    const int output = ::fcntl(order.output ? order.output.get() : nowhere, F_DUPFD_CLOEXEC, first);
    const int error = ::fcntl(order.error ? order.error.get() : nowhere, F_DUPFD_CLOEXEC, first);
    if (report < 0 || output < 0 || error < 0) return false;
    std::array<int, kFurtherDescriptorsMax> further{};
    for (std::size_t i = 0; i < order.further.size(); ++i)
        if ((further[i] = ::fcntl(order.further[i].get(), F_DUPFD_CLOEXEC, first)) < 0)
            return false;
    if (::dup2(nowhere, 0) < 0 || ::dup2(output, 1) < 0 || ::dup2(error, 2) < 0) return false;
    for (std::size_t i = 0; i < order.further.size(); ++i)
        if (::dup2(further[i], 3 + static_cast<int>(i)) < 0) return false;
    return ::close_range(static_cast<unsigned>(first), ~0U, CLOSE_RANGE_CLOEXEC) == 0;
}

// The session's leader, which run_command() has become, gets the terminal as its controlling one.
bool take_terminal(const Order& order, int& report) {
    report = ::fcntl(report, F_DUPFD_CLOEXEC, 3);
    const int terminal = ::fcntl(order.terminal.get(), F_DUPFD_CLOEXEC, 3);
    if (report < 0 || terminal < 0) return false;
    if (::ioctl(terminal, TIOCSCTTY, 0) != 0) return false;
    for (const int stream : {0, 1, 2})
        if (::dup2(terminal, stream) < 0) return false;
    return ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
}

void restore_signals() {
    for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void run_command(const Order& order, const std::vector<std::string>& candidates,
                              char** argv, char** environment, int report) {
    restore_signals();
    ::setsid();
    if (order.terminal) {
        if (!take_terminal(order, report)) give_up(report, ExecFailure::Step::terminal);
    } else if (!arrange_streams(order, report)) {
        give_up(report, ExecFailure::Step::output);
    }
    if (::chdir(order.request.folder.c_str()) != 0) give_up(report, ExecFailure::Step::folder);
    int error = ENOENT;
    for (const std::string& candidate : candidates) {
        ::execve(candidate.c_str(), argv, environment);
        // A later folder may have it; but "exists and cannot be run" is the better answer.
        if (errno != ENOENT && errno != ENOTDIR) error = errno;
    }
    errno = error;
    give_up(report, ExecFailure::Step::program);
}

Error describe(const ExecFailure& failure, const SpawnRequest& request) {
    const std::string reason = std::generic_category().message(failure.error_number);
    switch (failure.step) {
        case ExecFailure::Step::folder:
            return {ErrorCode::invalid_argument,
                    fmt::format("folder {} in the sandbox: {}", request.folder, reason)};
        case ExecFailure::Step::program:
            return {ErrorCode::invalid_argument,
                    fmt::format("program {} in the sandbox: {}", request.argv.front(), reason)};
        case ExecFailure::Step::terminal:
            return {ErrorCode::unavailable, "sandbox, take the terminal: " + reason};
        case ExecFailure::Step::output:
            break;
    }
    return {ErrorCode::unavailable, "sandbox, arrange streams: " + reason};
}

}  // namespace

std::vector<std::string> program_candidates(const std::string& program,
                                            const std::vector<std::string>& environment) {
    if (program.find('/') != std::string::npos) return {program};
    std::string path = kDefaultPath;
    for (const std::string& variable : environment)
        if (variable.starts_with("PATH=")) path = variable.substr(5);
    std::vector<std::string> out;
    std::istringstream folders(path);
    for (std::string folder; std::getline(folders, folder, ':');)
        out.push_back((folder.empty() ? "." : folder) + "/" + program);
    return out;
}

Result<pid_t> start_command(const Order& order) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return fail(errno_error("pipe", errno));
    const UniqueFd read_end(ends[0]);
    UniqueFd write_end(ends[1]);
    const auto candidates =
        program_candidates(order.request.argv.front(), order.request.environment);
    const auto argv = pointers(order.request.argv);
    const auto environment = pointers(order.request.environment);
    const pid_t pid = ::fork();
    if (pid < 0) return fail(errno_error("sandbox, fork", errno));
    if (pid == 0)
        run_command(order, candidates, const_cast<char**>(argv.data()),
                    const_cast<char**>(environment.data()), write_end.get());
    write_end.reset();
    ExecFailure failure{};
    ssize_t n = 0;
    do n = ::read(read_end.get(), &failure, sizeof failure);
    while (n < 0 && errno == EINTR);
    if (n == static_cast<ssize_t>(sizeof failure)) return fail(describe(failure, order.request));
    return pid;
}

}  // namespace ac::sandbox
