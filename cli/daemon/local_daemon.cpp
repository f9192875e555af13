#include "cli/daemon/local_daemon.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/file.h"
#include "cli/daemon/program.h"
#include "cli/net/aws_client.h"
#include "cli/transparent/environment.h"

namespace ac::cli {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::uint16_t kUsualPort = 7070;
constexpr std::size_t kSmallFileBytesMax = 1 << 20;
constexpr std::size_t kLogBytesMax = 64 << 20;
constexpr Milliseconds kHealthTimeout{2'000};
constexpr Milliseconds kStartTimeout{30'000};
constexpr Milliseconds kStopTimeout{60'000};
constexpr Milliseconds kLookAgain{20};
constexpr std::string_view kReady = "agentcored ready on ";

std::string tail_of(std::string_view text, std::size_t lines) {
    std::size_t at = text.size();
    while (at > 0 && lines > 0)
        if (text[--at] == '\n' && at + 1 < text.size()) --lines;
    return std::string(text.substr(at == 0 ? 0 : at + 1));
}

std::string command_line_of(pid_t pid) {
    return read_file(fmt::format("/proc/{}/cmdline", pid), kSmallFileBytesMax).value_or("");
}

// A child of ours that has ended is a zombie until it is waited for.
bool has_ended(pid_t pid) {
    (void)::waitpid(pid, nullptr, WNOHANG);
    return ::kill(pid, 0) != 0 && errno == ESRCH;
}

// The log as it grew since `offset`.
std::string log_since(const fs::path& log, std::uint64_t offset) {
    const std::string text = read_file(log, kLogBytesMax).value_or("");
    return offset < text.size() ? text.substr(offset) : std::string();
}

}  // namespace

Expected<fs::path> data_dir_of(const World& world, const std::string& option) {
    fs::path dir = option;
    if (dir.empty()) dir = world.variable("AGENTCORE_DATA_DIR");
    if (dir.empty() && !world.variable("XDG_DATA_HOME").empty())
        dir = fs::path(world.variable("XDG_DATA_HOME")) / "agentcore";
    if (dir.empty() && !world.variable("HOME").empty())
        dir = fs::path(world.variable("HOME")) / ".local/share/agentcore";
    if (dir.empty())
        return failed(ExitCode::usage, "there is no HOME to keep data in",
                      "Name a folder with --data-dir or AGENTCORE_DATA_DIR.");
    return (world.folder / dir).lexically_normal();
}

Expected<fs::path> LocalDaemon::program() const {
    const fs::path beside = world_.program.parent_path() / "agentcored";
    std::error_code error;
    if (fs::is_regular_file(beside, error)) return beside;
    if (auto found = find_program("agentcored", world_.variable("PATH"))) return *found;
    return failed(ExitCode::not_found, "agentcored is neither beside this program nor in PATH",
                  "Build it with ./dev build, or name a running daemon with --endpoint.");
}

std::optional<RunningDaemon> LocalDaemon::recorded() const {
    const auto text = read_file(data_dir_ / "daemon.json", kSmallFileBytesMax);
    if (!text) return std::nullopt;
    boost::system::error_code error;
    const json::value document = json::parse(*text, error);
    if (error) return std::nullopt;
    auto url = parse_url(text_at(document, "endpoint"));
    const auto* pid = member_at(document, "pid").if_int64();
    if (!url || !pid || *pid <= 1) return std::nullopt;
    return RunningDaemon{.url = std::move(*url), .pid = static_cast<pid_t>(*pid)};
}

// A pid may belong to another program by now; ours was started with this very data folder.
bool LocalDaemon::is_alive(const RunningDaemon& daemon) const {
    return !has_ended(daemon.pid) &&
           command_line_of(daemon.pid).find(data_dir_.string() + '\0') != std::string::npos;
}

bool LocalDaemon::answers(const Url& url) const {
    auto link = make_http_link(url, world_.clock);
    net::RequestHead head{.method = "GET", .target = "/healthz", .headers = {}};
    auto reply = link->open(std::move(head), {}, kHealthTimeout);
    return reply && (*reply)->head().status == 200;
}

std::optional<RunningDaemon> LocalDaemon::find() const {
    auto daemon = recorded();
    if (!daemon || !is_alive(*daemon) || !answers(daemon->url)) return std::nullopt;
    return daemon;
}

Expected<RunningDaemon> LocalDaemon::ensure(bool& started) const {
    started = false;
    if (auto daemon = find()) return *daemon;
    std::error_code error;
    fs::create_directories(data_dir_, error);
    if (error)
        return failed(ExitCode::failed,
                      fmt::format("cannot make {}: {}", data_dir_.string(), error.message()),
                      "Name another folder with --data-dir or AGENTCORE_DATA_DIR.");
    const UniqueFd lock(
        ::open((data_dir_ / "cli.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!lock) return std::unexpected(Failure(errno_error("open cli.lock", errno)));
    Milliseconds waited{0};
    while (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        if (waited > 2 * kStartTimeout)
            return failed(ExitCode::timed_out, "another agentcore command holds cli.lock");
        pause(world_.clock, kLookAgain);
        waited += kLookAgain;
    }
    if (auto daemon = find()) return *daemon;  // whoever held the lock started it
    started = true;
    return start();
}

Expected<RunningDaemon> LocalDaemon::start() const {
    AC_TRY(const fs::path file, program());
    // The address of the last time, so that exported variables stay true.
    const auto before = recorded();
    Url url{.host = "127.0.0.1", .port = before ? before->url.port : kUsualPort};
    auto probe = make_http_link(url, world_.clock);
    net::RequestHead head{.method = "GET", .target = "/healthz", .headers = {}};
    const auto other = probe->open(std::move(head), {}, kHealthTimeout);
    if (other || other.error().code != ExitCode::unreachable) url.port = 0;  // taken

    std::error_code error;
    std::uint64_t log_offset = fs::file_size(log_file(), error);
    if (error) log_offset = 0;
    if (log_offset > kLogBytesMax / 2) {
        fs::rename(log_file(), data_dir_ / "agentcored.log.1", error);
        log_offset = 0;
    }
    AC_TRY(const pid_t pid,
           spawn_detached({.arguments = {file.string(), "--listen", url.authority(), "--data-dir",
                                         data_dir_.string()},
                           .environment = without_redirection(world_.environment),
                           .folder = data_dir_,
                           .log = log_file()}));
    AC_TRY(auto ready, wait_until_ready(pid, log_offset));
    const json::object record = {{"endpoint", ready.text()}, {"pid", pid}};
    AC_CHECK(write_file(data_dir_ / "daemon.json", json::serialize(record) + "\n"));
    return RunningDaemon{.url = std::move(ready), .pid = pid};
}

Expected<Url> LocalDaemon::wait_until_ready(pid_t pid, std::uint64_t log_offset) const {
    for (Milliseconds waited{0}; waited < kStartTimeout; waited += kLookAgain) {
        const std::string log = log_since(log_file(), log_offset);
        if (const auto at = log.find(kReady); at != std::string::npos)
            if (const auto end = log.find('\n', at); end != std::string::npos)
                return parse_url(
                    std::string_view(log).substr(at + kReady.size(), end - at - kReady.size()));
        if (has_ended(pid))
            return failed(ExitCode::unreachable,
                          "the daemon ended while it started:\n" + tail_of(log, 10),
                          fmt::format("`agentcore doctor` looks for the cause; the whole log is {}",
                                      log_file().string()));
        pause(world_.clock, kLookAgain);
    }
    ::kill(pid, SIGTERM);
    return failed(ExitCode::timed_out,
                  fmt::format("the daemon was not ready within {} s", kStartTimeout.count() / 1000),
                  fmt::format("Its log is {}", log_file().string()));
}

Expected<bool> LocalDaemon::stop() const {
    const auto daemon = recorded();
    if (!daemon || !is_alive(*daemon)) return false;
    if (::kill(daemon->pid, SIGTERM) != 0)
        return std::unexpected(Failure(errno_error("stop the daemon", errno)));
    for (Milliseconds waited{0}; !has_ended(daemon->pid); waited += kLookAgain) {
        if (waited >= kStopTimeout)
            return failed(ExitCode::timed_out,
                          fmt::format("the daemon (pid {}) has not ended within {} s", daemon->pid,
                                      kStopTimeout.count() / 1000),
                          fmt::format("Its log is {}", log_file().string()));
        pause(world_.clock, kLookAgain);
    }
    return true;
}

}  // namespace ac::cli
