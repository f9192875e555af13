#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <functional>

#include "sandbox/linux/box_fixture.h"
#include "sandbox/linux/cgroup.h"
#include "sandbox/linux/files.h"

namespace ac::sandbox {
namespace {

constexpr std::size_t kOutputMax = 1 << 20;

std::string drain(int fd) {
    std::string out;
    char buffer[65536];
    while (out.size() < kOutputMax) {
        const ssize_t n = ::read(fd, buffer, sizeof buffer);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        out.append(buffer, static_cast<std::size_t>(n));
    }
    return out;
}

}  // namespace

LauncherOptions Box::options_for_test() {
    static std::atomic<int> count{0};
    LauncherOptions options;
    options.instance = fmt::format("test-{}-{}", ::getpid(), ++count);
    return options;
}

Box::Box(LauncherOptions options) {
    auto launcher = start_launcher(std::move(options));
    if (!launcher) throw std::runtime_error(launcher.error().message);
    launcher_pid_ = launcher->pid;
    auto sandbox = make_linux_sandbox(std::move(*launcher), loop_);
    if (!sandbox) throw std::runtime_error(sandbox.error().message);
    sandbox_ = std::move(*sandbox);
}

Result<std::unique_ptr<Monitor>> Box::start(Command command, Policy policy, Limits limits) {
    return run_on(loop_, sandbox_->start(std::move(policy), limits, std::move(command)));
}

Ran Box::run(Command command, Policy policy, Limits limits) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    const UniqueFd output(ends[0]);
    command.standard_output.reset(ends[1]);
    command.standard_error.reset(::fcntl(ends[1], F_DUPFD_CLOEXEC, 0));
    auto guest = start(std::move(command), std::move(policy), limits);
    if (!guest) return {{Reason::failed_to_start, 0, guest.error().message}, {}};
    const std::string text = drain(output.get());
    auto outcome = wait(**guest);
    if (!outcome) return {{Reason::failed_to_start, 0, outcome.error().message}, text};
    return {*outcome, text};
}

Result<std::shared_ptr<const Template>> Box::make_template(const std::string& preparation,
                                                           Limits limits) {
    Command command = python_command(
        "import sys, types\n"
        "template = types.ModuleType('agentcored_template')\n"
        "exec(sys.argv[1], template.__dict__)\n"
        "template.begin()\n" +
        preparation + "\narguments = template.freeze()\nexec(arguments[0], globals())\n");
    command.argv.emplace_back(template_python());
    return run_on(loop_, sandbox::make_template(*sandbox_, {}, limits, std::move(command)));
}

Ran Box::shell(const std::string& script, Policy policy, Limits limits) {
    return run(shell_command(script), std::move(policy), limits);
}

Ran Box::python(const std::string& script, Policy policy, Limits limits) {
    return run(python_command(script), std::move(policy), limits);
}

Command shell_command(const std::string& script) {
    Command command;
    command.argv = {"/bin/sh", "-c", script};
    command.environment = {"PATH=/usr/bin:/bin:/usr/sbin:/sbin"};
    return command;
}

Command python_command(const std::string& script) {
    Command command;
    command.argv = {"/usr/bin/python3", "-I", "-S", "-c", script};
    command.environment = {"PATH=/usr/bin:/bin"};
    return command;
}

Command thawed_python(const std::string& script) {
    Command command;
    command.argv = {script};
    command.environment = {"PATH=/usr/bin:/bin"};
    return command;
}

std::vector<std::string> groups_of(const std::string& instance) {
    std::vector<std::string> out;
    auto layout =
        parse_cgroup_layout(read_all("/proc/self/cgroup"), read_all("/proc/self/mountinfo"));
    if (layout.v2) layout.v1["unified"] = *layout.v2;
    for (const auto& [controller, folder] : layout.v1) {
        const auto group = folder / ("agentcored-" + instance);
        if (std::filesystem::exists(group)) out.push_back(group);
    }
    return out;
}

bool process_exists(int pid) {
    return ::kill(pid, 0) == 0 || errno == EPERM;
}

bool eventually(const std::function<bool()>& condition) {
    for (int attempt = 0; attempt < 2000; ++attempt) {
        if (condition()) return true;
        ::poll(nullptr, 0, 5);
    }
    return false;
}

}  // namespace ac::sandbox
