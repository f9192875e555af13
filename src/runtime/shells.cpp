#include "runtime/shells.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace ac::runtime {
namespace {

// The better shell where an image or this machine has one.
constexpr const char* kScript = "if [ -x /bin/bash ]; then exec /bin/bash -i; fi; exec /bin/sh -i";
constexpr const char* kTerminalKind = "TERM=xterm-256color";
// What a shell left in the background may hold its terminal open; nobody waits for that.
constexpr Milliseconds kQuiet{50};
constexpr Milliseconds kLook{10};

std::vector<std::string> shell_environment(std::vector<std::string> environment) {
    const bool is_named = std::ranges::any_of(
        environment, [](const std::string& line) { return line.starts_with("TERM="); });
    if (!is_named) environment.emplace_back(kTerminalKind);
    return environment;
}

}  // namespace

// The loop only.
struct Shells::Reading {
    std::optional<Terminal> terminal;
    SteadyTime last;
    bool waits_for_room = false;
    Completion<void> over;
};

Result<UniqueFd> duplicate(const UniqueFd& terminal) {
    UniqueFd copy(::fcntl(terminal.get(), F_DUPFD_CLOEXEC, 3));
    if (!copy) return fail(errno_error("cannot duplicate a terminal", errno));
    return copy;
}

Task<Shells::Opened> Shells::open(const Lease& lease, std::string id) {
    const SessionAddress& address = lease.session().address;
    const auto monitor = lease.monitor();
    if (!monitor) co_return fail(ErrorCode::busy, "Session operation in progress, please retry");
    const std::string key = monitor->id() + "/" + id;
    const std::string runtime =
        address.scope.account + "/" + address.scope.region + "/" + address.runtime.text();
    AC_CO_TRY(auto found, find_or_reserve(key, runtime));
    if (found) co_return Opened{.shell = std::move(found), .was_there = true};
    auto started = co_await start(lease, std::move(id));
    auto reading = std::make_shared<Reading>();
    if (!started) {
        forget(key, runtime);
        co_return fail(std::move(started).error());
    }
    {
        const std::lock_guard lock(mutex_);
        shells_[key] = *started;
    }
    tasks_.spawn("shell output", read(*started, reading));
    tasks_.spawn("shell watch", watch(*started, reading, key, runtime));
    co_return Opened{.shell = *std::move(started)};
}

Result<std::shared_ptr<Shell>> Shells::find_or_reserve(const std::string& key,
                                                       const std::string& runtime) {
    const std::lock_guard lock(mutex_);
    if (const auto found = shells_.find(key); found != shells_.end()) {
        if (found->second) return found->second;
        return fail(ErrorCode::busy, "the shell is being started, please retry");
    }
    std::size_t& count = per_runtime_[runtime];
    if (count >= limits_.shells_max)
        return fail(ErrorCode::quota_exceeded, "the limit of " +
                                                   std::to_string(limits_.shells_max) +
                                                   " shells of a runtime is reached");
    ++count;
    shells_.emplace(key, nullptr);
    return nullptr;
}

void Shells::forget(const std::string& key, const std::string& runtime) {
    const std::lock_guard lock(mutex_);
    shells_.erase(key);
    if (--per_runtime_[runtime] == 0) per_runtime_.erase(runtime);
}

Task<std::shared_ptr<Shell>> Shells::start(const Lease& lease, std::string id) {
    const auto monitor = lease.monitor();
    if (!monitor) co_return fail(ErrorCode::busy, "Session operation in progress, please retry");
    auto shell = std::make_shared<Shell>(std::move(id), limits_.shell_replay_bytes_max);
    sandbox::Command command;
    command.argv = {"/bin/sh", "-c", kScript};
    command.environment = shell_environment(lease.session().environment);
    command.folder = lease.session().folder;
    command.terminal.emplace();
    AC_CO_TRY(shell->execution, co_await monitor->execute(std::move(command)));
    shell->terminal = shell->execution->take_terminal();
    if (!shell->terminal) co_return fail(ErrorCode::internal, "a shell without a terminal");
    co_return shell;
}

Detached Shells::read(std::shared_ptr<Shell> shell, std::shared_ptr<Reading> reading) {
    constexpr Milliseconds kWindow{100};
    const std::uint64_t window_bytes = limits_.log_bytes_per_second / 10;
    std::array<char, 16 * 1024> buffer;
    auto copy = duplicate(shell->terminal);
    if (copy) reading->terminal.emplace(co_await asio::this_coro::executor, *std::move(copy));
    SteadyTime window = reading->last = timer_.clock().steady();
    std::uint64_t in_window = 0;
    while (reading->terminal) {
        const auto size = co_await reading->terminal->read_some(buffer);
        if (!size || *size == 0) break;
        shell->output.append({buffer.data(), *size});
        reading->waits_for_room = true;
        const bool goes_on = (co_await shell->output.wait_room()).has_value();
        reading->waits_for_room = false;
        const SteadyTime now = reading->last = timer_.clock().steady();
        if (!goes_on) break;
        if (now - window > kWindow) {
            window = now;
            in_window = 0;
        }
        in_window += *size;
        // Who is attached slows a flooding shell down; else this does.
        if (in_window > window_bytes && !shell->output.is_attached() &&
            !co_await timer_.sleep_until(window + kWindow))
            break;
    }
    reading->terminal.reset();
    reading->over.complete({});
}

// Its output is whole when its reader is at the end, or what is left in the background is quiet.
Detached Shells::watch(std::shared_ptr<Shell> shell, std::shared_ptr<Reading> reading,
                       std::string key, std::string runtime) {
    const auto outcome = co_await shell->execution->wait();
    const SteadyTime ended = timer_.clock().steady();
    while (!reading->over.is_complete()) {
        const SteadyTime now = timer_.clock().steady();
        const bool is_quiet =
            !reading->waits_for_room && now - ended >= kQuiet && now - reading->last >= kQuiet;
        if (is_quiet && reading->terminal) reading->terminal->hang_up();
        if (!co_await timer_.sleep_until(now + kLook)) {
            if (reading->terminal) reading->terminal->hang_up();
            (void)co_await reading->over.result();
            break;
        }
    }
    forget(key, runtime);
    shell->output.end(outcome ? shell_end(*outcome) : ShellEnd{});
}

}  // namespace ac::runtime
