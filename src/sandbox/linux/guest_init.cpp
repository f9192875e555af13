#include "sandbox/linux/guest_init.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>
#include <span>

#include "sandbox/linux/byte_codec.h"
#include "sandbox/linux/channel.h"
#include "sandbox/linux/command_exec.h"
#include "sandbox/linux/terminal.h"

namespace ac::sandbox {
namespace {

[[noreturn]] void end_in_failure(int control, const Error& error) {
    (void)send_packet(control, encode(InitNotice{CommandFailed{error.code, error.message}}));
    ::_exit(1);
}

void block_signals() {
    sigset_t all;
    sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
}

// Other guests' channels and networks, which the launcher holds, end here.
void keep_only(const Berth& berth, int control) {
    std::vector<int> kept = berth.group_entries;
    kept.push_back(control);
    std::ranges::sort(kept);
    unsigned first = 3;
    for (const int fd : kept) {
        if (static_cast<unsigned>(fd) > first)
            ::close_range(first, static_cast<unsigned>(fd) - 1, 0);
        first = std::max(first, static_cast<unsigned>(fd) + 1);
    }
    ::close_range(first, ~0U, 0);
}

// Descriptors come in the order: output, error, further ones, user namespace, mounts, root.
Result<Order> take_order(Packet packet, const Berth& berth) {
    auto request = decode_request(packet.bytes);
    SpawnRequest* const spawn = request ? std::get_if<SpawnRequest>(&*request) : nullptr;
    if (spawn == nullptr) return fail(ErrorCode::internal, "sandbox: not an order");
    Order order;
    order.request = std::move(*spawn);
    std::size_t next = 0;
    const auto take = [&packet, &next] {
        return next < packet.descriptors.size() ? std::move(packet.descriptors[next++])
                                                : UniqueFd();
    };
    if (order.request.has_output) order.output = take();
    if (order.request.has_error) order.error = take();
    for (std::uint32_t i = 0; i < order.request.further; ++i) order.further.push_back(take());
    if (!berth.privileged) return order;
    const std::size_t roots = order.request.root_is_writable ? 1 : 0;
    if (packet.descriptors.size() > next + order.request.mounts.size() + roots)
        order.user_namespace = take();
    for (std::size_t i = 0; i < order.request.mounts.size(); ++i) order.mounts.push_back(take());
    if (order.request.root_is_writable) order.root = take();
    return order;
}

// The commands beside the guest's own, by pid.
class Executions final {
  public:
    explicit Executions(int control) : control_(control) {}

    void take(Packet packet) {
        auto request = decode_request(packet.bytes);
        if (!request) return;
        if (const auto* stopped = std::get_if<StopRequest>(&*request)) return kill(stopped->guest);
        if (auto* wanted = std::get_if<ExecuteRequest>(&*request)) start(*wanted, packet);
    }
    void note_end(pid_t pid, int status) {
        const auto found = running_.find(pid);
        if (found == running_.end()) return;
        tell(found->second, CommandEnded{status});
        running_.erase(found);
    }

  private:
    void start(ExecuteRequest& wanted, Packet& packet) {
        Order order;
        order.request.argv = std::move(wanted.argv);
        order.request.environment = std::move(wanted.environment);
        order.request.folder = std::move(wanted.folder);
        std::size_t next = 0;
        const auto take = [&] {
            return next < packet.descriptors.size() ? std::move(packet.descriptors[next++])
                                                    : UniqueFd();
        };
        if (wanted.has_output) order.output = take();
        if (wanted.has_error) order.error = take();
        for (std::uint32_t i = 0; i < wanted.further; ++i) order.further.push_back(take());
        UniqueFd owners_end;
        if (wanted.terminal) {
            auto terminal = open_terminal(*wanted.terminal);
            if (!terminal) {
                const Error& why = terminal.error();
                return tell(wanted.id, CommandFailed{why.code, why.message});
            }
            order.terminal = std::move(terminal->guest);
            owners_end = std::move(terminal->owner);
        }
        const auto pid = start_command(order);
        if (!pid) return tell(wanted.id, CommandFailed{pid.error().code, pid.error().message});
        running_[*pid] = wanted.id;
        tell(wanted.id, CommandRuns{}, owners_end.get());
    }
    // It leads a session and a process group of its own.
    void kill(std::uint64_t id) {
        for (const auto& [pid, other] : running_)
            if (other == id) ::kill(-pid, SIGKILL);
    }
    void tell(std::uint64_t id, std::variant<CommandRuns, CommandFailed, CommandEnded> what,
              int descriptor = -1) {
        (void)send_packet(control_, encode(InitNotice{ExecutionNotice{id, std::move(what)}}),
                          std::span(&descriptor, descriptor < 0 ? 0 : 1));
    }

    const int control_;
    std::map<pid_t, std::uint64_t> running_;
};

// Reaps until the command has ended, passing on requests to end. PR_SET_PDEATHSIG kills us when
// the launcher dies; a launcher that died before it was set shows as a closed channel.
int supervise(int control, pid_t command) {
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    const UniqueFd signals(::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK));
    Executions executions(control);
    while (true) {
        int status = 0;
        for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
            if (pid == command) return status;
            executions.note_end(pid, status);
        }
        pollfd waits[] = {{signals.get(), POLLIN, 0}, {control, POLLIN, 0}};
        if (::poll(waits, 2, -1) < 0) continue;
        signalfd_siginfo info;
        while (::read(signals.get(), &info, sizeof info) > 0) {
        }
        if (waits[1].revents == 0) continue;
        auto packet = receive_packet(control);
        if (!packet || !*packet) ::_exit(1);
        if ((*packet)->bytes == kAskToEnd)
            ::kill(command, SIGTERM);
        else
            executions.take(std::move(**packet));
    }
}

}  // namespace

void run_guest_init(const Berth& berth, int control) {
    ::prctl(PR_SET_NAME, "sandbox-init", 0, 0, 0);
    keep_only(berth, control);
    block_signals();
    if (!berth.privileged) {  // until our ids are mapped we can own no file
        const auto mapped = receive_packet(control);
        if (!mapped || !*mapped) ::_exit(0);
    }
    Confinement confinement{berth, {}, {}};
    if (const auto prepared = prepare(confinement); !prepared)
        end_in_failure(control, prepared.error());
    auto packet = receive_packet(control);
    if (!packet || !*packet) ::_exit(0);  // the launcher has no use for us any more
    auto order = take_order(std::move(**packet), berth);
    if (!order) end_in_failure(control, order.error());
    confinement.order = std::move(*order);

    if (const auto contained = contain(confinement); !contained)
        end_in_failure(control, contained.error());
    const auto command = start_command(confinement.order);
    if (!command) end_in_failure(control, command.error());
    confinement.order.output.reset();
    confinement.order.error.reset();
    confinement.order.further.clear();
    (void)send_packet(control, encode(InitNotice{CommandRuns{}}));
    const int status = supervise(control, *command);
    (void)send_packet(control, encode(InitNotice{CommandEnded{status}}));
    ::_exit(0);
}

namespace {

template <class Notice>
void put(ByteWriter& w, const Notice& notice, bool is_own) {
    const auto kind = [&](char own, char further) {
        w.u8(static_cast<std::uint8_t>(is_own ? own : further));
    };
    if (const auto* failed = std::get_if<CommandFailed>(&notice)) {
        kind('F', 'f');
        w.u8(static_cast<std::uint8_t>(failed->code));
        w.text(failed->message);
    } else if (const auto* ended = std::get_if<CommandEnded>(&notice)) {
        kind('E', 'e');
        w.u32(static_cast<std::uint32_t>(ended->status));
    } else {
        kind('R', 'r');
    }
}

// `kind` in capitals; nullopt: none of them.
std::optional<std::variant<CommandRuns, CommandFailed, CommandEnded>> get(ByteReader& r,
                                                                          char kind) {
    switch (kind) {
        case 'R':
            return CommandRuns{};
        case 'F': {
            const std::uint8_t code = r.u8();
            if (code > static_cast<std::uint8_t>(ErrorCode::internal)) r.refuse();
            return CommandFailed{static_cast<ErrorCode>(code), r.text()};
        }
        case 'E':
            return CommandEnded{static_cast<int>(r.u32())};
        default:
            return std::nullopt;
    }
}

}  // namespace

std::string encode(const InitNotice& notice) {
    ByteWriter w;
    if (const auto* further = std::get_if<ExecutionNotice>(&notice)) {
        put(w, further->what, false);
        w.u64(further->id);
    } else {
        put(w, notice, true);
    }
    return w.take();
}

std::optional<InitNotice> decode_init_notice(std::string_view bytes) {
    ByteReader r(bytes);
    const char kind = static_cast<char>(r.u8());
    const bool is_own = kind >= 'A' && kind <= 'Z';
    auto what = get(r, is_own ? kind : static_cast<char>(kind - 'a' + 'A'));
    if (!what) return std::nullopt;
    const std::uint64_t id = is_own ? 0 : r.u64();
    if (!r.complete()) return std::nullopt;
    if (!is_own) return ExecutionNotice{id, *std::move(what)};
    return std::visit([](auto& one) { return InitNotice{std::move(one)}; }, *what);
}

}  // namespace ac::sandbox
