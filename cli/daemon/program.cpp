#include "cli/daemon/program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

#include "base/file.h"

namespace ac::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kOutputBytesMax = 1 << 20;

// argv and envp as posix_spawn wants them; views into what it was made from.
class Pointers final {
  public:
    explicit Pointers(const std::vector<std::string>& texts) {
        for (const auto& text : texts) list_.push_back(const_cast<char*>(text.c_str()));
        list_.push_back(nullptr);
    }
    char* const* get() { return list_.data(); }

  private:
    std::vector<char*> list_;
};

class FileActions final {
  public:
    FileActions() { posix_spawn_file_actions_init(&actions_); }
    ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
    FileActions(const FileActions&) = delete;
    FileActions& operator=(const FileActions&) = delete;

    void open(int fd, const char* path, int flags, mode_t mode = 0) {
        posix_spawn_file_actions_addopen(&actions_, fd, path, flags, mode);
    }
    void duplicate(int from, int to) { posix_spawn_file_actions_adddup2(&actions_, from, to); }
    void close_others() { posix_spawn_file_actions_addclosefrom_np(&actions_, 3); }
    void change_folder(const char* path) { posix_spawn_file_actions_addchdir_np(&actions_, path); }
    const posix_spawn_file_actions_t* get() const { return &actions_; }

  private:
    posix_spawn_file_actions_t actions_;
};

Expected<pid_t> spawn(const std::vector<std::string>& arguments,
                      const std::map<std::string, std::string>& environment,
                      const FileActions& actions, short flags) {
    std::vector<std::string> variables;
    for (const auto& [name, value] : environment) variables.push_back(name + "=" + value);
    Pointers argv(arguments);
    Pointers envp(variables);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, static_cast<short>(flags | POSIX_SPAWN_SETSIGMASK));
    pid_t pid = 0;
    const int error = posix_spawn(&pid, arguments.front().c_str(), actions.get(), &attributes,
                                  argv.get(), envp.get());
    posix_spawnattr_destroy(&attributes);
    if (error != 0)
        return std::unexpected(Failure(errno_error("start " + arguments.front(), error)));
    return pid;
}

// False when `deadline` passed first.
bool read_until(int fd, std::string& output, const Clock& clock, SteadyTime deadline) {
    char buffer[16384];
    while (true) {
        const auto left = std::chrono::duration_cast<Milliseconds>(deadline - clock.steady());
        if (left.count() <= 0) return false;
        pollfd wait{.fd = fd, .events = POLLIN, .revents = 0};
        if (::poll(&wait, 1, static_cast<int>(left.count())) <= 0) continue;
        const ssize_t n = ::read(fd, buffer, sizeof buffer);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return true;
        if (output.size() < kOutputBytesMax) output.append(buffer, static_cast<std::size_t>(n));
    }
}

}  // namespace

std::optional<fs::path> find_program(const std::string& name, const std::string& path) {
    if (name.find('/') != std::string::npos)
        return ::access(name.c_str(), X_OK) == 0 ? std::optional<fs::path>(name) : std::nullopt;
    std::string_view rest = path;
    while (!rest.empty()) {
        const auto end = rest.find(':');
        const fs::path file = fs::path(rest.substr(0, end)) / name;
        std::error_code error;
        if (fs::is_regular_file(file, error) && ::access(file.c_str(), X_OK) == 0) return file;
        rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    }
    return std::nullopt;
}

Expected<pid_t> spawn_detached(const Detached& program) {
    FileActions actions;
    actions.open(STDIN_FILENO, "/dev/null", O_RDONLY);
    actions.open(STDOUT_FILENO, program.log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    actions.duplicate(STDOUT_FILENO, STDERR_FILENO);
    actions.change_folder(program.folder.c_str());
    actions.close_others();
    return spawn(program.arguments, program.environment, actions, POSIX_SPAWN_SETSID);
}

Expected<pid_t> spawn_group(const Grouped& program) {
    FileActions actions;
    actions.duplicate(program.standard_input, STDIN_FILENO);
    actions.change_folder(program.folder.c_str());
    actions.close_others();
    return spawn(program.arguments, program.environment, actions, POSIX_SPAWN_SETPGROUP);
}

Expected<Captured> run_captured(const std::vector<std::string>& arguments,
                                const std::map<std::string, std::string>& environment,
                                const Clock& clock, Milliseconds timeout) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return std::unexpected(Failure(errno_error("pipe", errno)));
    const UniqueFd reader(ends[0]);
    UniqueFd writer(ends[1]);
    FileActions actions;
    actions.open(STDIN_FILENO, "/dev/null", O_RDONLY);
    actions.duplicate(writer.get(), STDOUT_FILENO);
    actions.duplicate(writer.get(), STDERR_FILENO);
    actions.close_others();
    AC_TRY(const pid_t pid, spawn(arguments, environment, actions, 0));
    writer.reset();
    Captured captured;
    const SteadyTime deadline = clock.steady() + timeout;
    const bool in_time = read_until(reader.get(), captured.output, clock, deadline);
    if (!in_time) ::kill(pid, SIGKILL);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!in_time)
        return failed(ExitCode::timed_out, fmt::format("{} did not end within {} s",
                                                       arguments.front(), timeout.count() / 1000));
    captured.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return captured;
}

}  // namespace ac::cli
