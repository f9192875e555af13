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

#include "sandbox/linux/byte_codec.h"
#include "sandbox/linux/channel.h"
#include "sandbox/linux/command_exec.h"

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

// Descriptors come in the order: output, error, user namespace, mounts.
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
    if (!berth.privileged) return order;
    if (packet.descriptors.size() > next + order.request.mounts.size())
        order.user_namespace = take();
    for (std::size_t i = 0; i < order.request.mounts.size(); ++i) order.mounts.push_back(take());
    return order;
}

// Reaps until the command has ended, passing on requests to end. PR_SET_PDEATHSIG kills us when
// the launcher dies; a launcher that died before it was set shows as a closed channel.
int supervise(int control, pid_t command) {
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    const UniqueFd signals(::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK));
    while (true) {
        int status = 0;
        for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;)
            if (pid == command) return status;
        pollfd waits[] = {{signals.get(), POLLIN, 0}, {control, POLLIN, 0}};
        if (::poll(waits, 2, -1) < 0) continue;
        signalfd_siginfo info;
        while (::read(signals.get(), &info, sizeof info) > 0) {
        }
        if (waits[1].revents == 0) continue;
        const auto packet = receive_packet(control);
        if (!packet || !*packet) ::_exit(1);
        if ((*packet)->bytes == kAskToEnd) ::kill(command, SIGTERM);
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
    (void)send_packet(control, encode(InitNotice{CommandRuns{}}));
    const int status = supervise(control, *command);
    (void)send_packet(control, encode(InitNotice{CommandEnded{status}}));
    ::_exit(0);
}

std::string encode(const InitNotice& notice) {
    ByteWriter w;
    if (const auto* failed = std::get_if<CommandFailed>(&notice)) {
        w.u8('F');
        w.u8(static_cast<std::uint8_t>(failed->code));
        w.text(failed->message);
    } else if (const auto* ended = std::get_if<CommandEnded>(&notice)) {
        w.u8('E');
        w.u32(static_cast<std::uint32_t>(ended->status));
    } else {
        w.u8('R');
    }
    return w.take();
}

std::optional<InitNotice> decode_init_notice(std::string_view bytes) {
    ByteReader r(bytes);
    InitNotice notice;
    switch (r.u8()) {
        case 'R':
            break;
        case 'F': {
            const std::uint8_t code = r.u8();
            if (code > static_cast<std::uint8_t>(ErrorCode::internal)) r.refuse();
            notice = CommandFailed{static_cast<ErrorCode>(code), r.text()};
            break;
        }
        case 'E':
            notice = CommandEnded{static_cast<int>(r.u32())};
            break;
        default:
            return std::nullopt;
    }
    if (!r.complete()) return std::nullopt;
    return notice;
}

}  // namespace ac::sandbox
