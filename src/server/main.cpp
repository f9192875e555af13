// agentcored: arguments, the data folder and its lock, the launcher, privileges; then the App.

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "base/file.h"
#include "crypto/hash.h"
#include "crypto/wipe.h"
#include "runtime/build_options.h"
#include "sandbox/privileges.h"
#include "sandbox/probe.h"
#include "server/app.h"
#include "server/config.h"
#include "server/version.h"

extern char** environ;

namespace ac::server {
namespace {

constexpr int kExitUsage = 2;
constexpr int kLockTriesMax = 150;
constexpr int kLockPauseMs = 20;

std::filesystem::path default_data_dir() {
    if (geteuid() == 0) return "/var/lib/agentcored";
    if (const char* home = std::getenv("XDG_DATA_HOME"); home && *home)
        return std::filesystem::path(home) / "agentcore";
    const char* home = std::getenv("HOME");
    return std::filesystem::path(home ? home : ".") / ".local/share/agentcore";
}

// uv beside our own binary or in PATH; empty when there is none.
std::string find_uv() {
    std::error_code error;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
    const char* path = std::getenv("PATH");
    std::string folders = self.parent_path().string() + ":" + (path ? path : "");
    for (std::size_t from = 0; from <= folders.size();) {
        const auto to = std::min(folders.find(':', from), folders.size());
        const auto candidate = std::filesystem::path(folders.substr(from, to - from)) / "uv";
        if (to > from && ::access(candidate.c_str(), X_OK) == 0)
            return std::filesystem::canonical(candidate, error).string();
        from = to + 1;
    }
    return {};
}

// Agents and their connections need many descriptors; the soft limit is often 1024.
void raise_open_files() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

Result<UniqueFd> lock_data_dir(const Config& config) {
    std::error_code error;
    std::filesystem::create_directories(config.data_dir, error);
    if (error)
        return fail(ErrorCode::unavailable,
                    fmt::format("cannot make {}: {}", config.data_dir.string(), error.message()));
    chmod(config.data_dir.c_str(), 0700);
    AC_CHECK(sandbox::give_to_user(config.data_dir.string(), config.run_as));
    const auto path = config.data_dir / "lock";
    UniqueFd lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!lock) return fail(errno_error("open " + path.string(), errno));
    // The launcher of a daemon that was killed holds the lock until its guests are gone.
    for (int tries = 0; flock(lock.get(), LOCK_EX | LOCK_NB) != 0; ++tries) {
        if (tries == kLockTriesMax)
            return fail(ErrorCode::conflict,
                        fmt::format("another agentcored serves {}", config.data_dir.string()));
        poll(nullptr, 0, kLockPauseMs);
    }
    return lock;
}

int print_probe() {
    boost::json::array layers;
    for (const sandbox::Layer& layer : sandbox::probe().layers)
        layers.push_back(boost::json::object{{"name", layer.name},
                                             {"available", layer.available},
                                             {"detail", layer.detail},
                                             {"remedy", layer.remedy}});
    const boost::json::object report = {{"version", kVersion}, {"layers", std::move(layers)}};
    std::puts(boost::json::serialize(report).c_str());
    return 0;
}

// Taken out of the environment before anything else runs: neither /proc nor a child shows it.
std::optional<SecretBytes> take_variable(const char* name) {
    char* const value = std::getenv(name);
    if (!value || !*value) return std::nullopt;
    const std::size_t size = std::strlen(value);
    SecretBytes out(std::string_view(value, size));
    wipe(value, size);
    unsetenv(name);
    return out;
}

std::vector<SecretBytes> take_vault_secrets() {
    std::vector<SecretBytes> secrets;
    for (const char* name : {"AGENTCORED_VAULT_SECRET_PREVIOUS", "AGENTCORED_VAULT_SECRET"})
        if (auto secret = take_variable(name)) secrets.push_back(*std::move(secret));
    return secrets;
}

// A dump would hold what passes through at that moment.
void forbid_core_dumps() {
    const rlimit none{.rlim_cur = 0, .rlim_max = 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

Result<> serve(Config config) {
    std::vector<SecretBytes> vault_secrets = take_vault_secrets();
    raise_open_files();
    std::signal(SIGPIPE, SIG_IGN);
    log::configure(config.log_level, config.log_format);
    config.data_dir = std::filesystem::absolute(config.data_dir).lexically_normal();
    AC_TRY(const UniqueFd lock, lock_data_dir(config));
    sandbox::LauncherOptions launching;
    launching.instance = sha256_hex(config.data_dir.string()).substr(0, 12);
    launching.accept_missing = config.accept_missing;
    launching.hold_open = lock.get();
    AC_TRY(sandbox::Launcher launcher, sandbox::start_launcher(std::move(launching)));
    AC_CHECK(sandbox::drop_privileges(config.run_as));
    if (!config.core_dumps) forbid_core_dumps();
    if (config.python_installer.empty()) config.python_installer = find_uv();
    AppOptions options{.config = std::move(config),
                       .launcher = std::move(launcher),
                       .vault_secrets = std::move(vault_secrets),
                       .installer_environment = runtime::installer_environment(environ)};
    return run_app(std::move(options), [](const std::string& url) {
        std::printf("agentcored ready on %s\n", url.c_str());
        std::fflush(stdout);
    });
}

int run(const std::vector<std::string>& arguments) {
    auto line = parse_command_line(arguments, default_data_dir());
    if (!line) {
        std::fprintf(stderr, "agentcored: %s\n%s", line.error().message.c_str(),
                     std::string(usage()).c_str());
        return kExitUsage;
    }
    switch (line->action) {
        case CommandLine::Action::help:
            std::fputs(std::string(usage()).c_str(), stdout);
            return 0;
        case CommandLine::Action::version:
            std::printf("agentcored %s\n", kVersion);
            return 0;
        case CommandLine::Action::probe:
            return print_probe();
        case CommandLine::Action::serve:
            break;
    }
    if (auto served = serve(std::move(line->config)); !served) {
        std::fprintf(stderr, "agentcored: %s\n", served.error().message.c_str());
        return 1;
    }
    return 0;
}

}  // namespace
}  // namespace ac::server

int main(int argc, char** argv) {
    return ac::server::run({argv + 1, argv + argc});
}
