#include "sandbox/linux/launcher_loop.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/log.h"
#include "sandbox/linux/files.h"
#include "sandbox/linux/guest_socket.h"
#include "sandbox/linux/landlock.h"
#include "sandbox/linux/system.h"

namespace ac::sandbox {
namespace {

using SteadyClock = std::chrono::steady_clock;

// epoll tags: a guest's serial (from 1) and which of its descriptors; serial 0 is the launcher.
enum Source : std::uint64_t { kControl, kProcess, kMemory };
enum Own : std::uint64_t { kDaemon, kDaemonProcess, kSignals };
constexpr std::uint64_t tag_of(std::uint64_t serial, std::uint64_t source) {
    return serial << 2 | source;
}

constexpr int kRemoveIntervalMs = 2;
constexpr int kRemoveAttemptsMax = 2500;  // 5 s

}  // namespace

LauncherLoop::LauncherLoop(LauncherOptions options, UniqueFd daemon, UniqueFd daemon_process)
    : options_(std::move(options)),
      daemon_(std::move(daemon)),
      daemon_process_(std::move(daemon_process)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      own_network_(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)),
      privileged_(::geteuid() == 0),
      accepted_(options_.accept_missing.begin(), options_.accept_missing.end()) {
    sigset_t endings;
    sigemptyset(&endings);
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&endings, number);
    ::sigprocmask(SIG_BLOCK, &endings, nullptr);
    signals_.reset(::signalfd(-1, &endings, SFD_CLOEXEC | SFD_NONBLOCK));
    set_nonblocking(daemon_.get());
    watch(daemon_.get(), tag_of(0, kDaemon));
    if (daemon_process_) watch(daemon_process_.get(), tag_of(0, kDaemonProcess));
    watch(signals_.get(), tag_of(0, kSignals));

    std::map<std::string, std::string> missing;
    groups_ = CgroupTree::open(
        parse_cgroup_layout(read_all("/proc/self/cgroup"), read_all("/proc/self/mountinfo")),
        options_.instance);
    groups_.clean();
    missing = groups_.missing();
    if (auto filter = SyscallFilter::compile())
        filter_ = std::move(*filter);
    else
        missing["seccomp"] = filter.error().message;
    if (landlock_abi() == 0) missing["landlock"] = "the kernel has no Landlock";
    if (auto made = make_user_namespace({kGuestId, ::geteuid()}, {kGuestId, ::getegid()}); !made) {
        missing["user-namespace"] = made.error().message;
        user_namespaces_ = false;
    }
    for (const auto& [layer, reason] : missing)
        if (!accepted_.contains(layer))
            missing_ += fmt::format("{}{} ({})", missing_.empty() ? "" : ", ", layer, reason);
    if (privileged_ && missing_.empty()) warm_target_ = options_.warm;
}

void LauncherLoop::watch(int fd, std::uint64_t tag) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = tag;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
}

void LauncherLoop::run() {
    keep_warm();
    bool ending = false;
    while (!ending) {
        epoll_event events[32];
        const int n = ::epoll_wait(epoll_.get(), events, 32, next_wait_ms());
        for (int i = 0; i < n && !ending; ++i) on_event(events[i].data.u64, ending);
        on_time();
        flush();
    }
    end_everything();
}

void LauncherLoop::on_event(std::uint64_t tag, bool& ending) {
    if (tag == tag_of(0, kDaemon)) return on_daemon(ending);
    if (tag >> 2 == 0) {
        ending = true;
        return;
    }
    const auto found = guests_.find(tag >> 2);
    if (found == guests_.end()) return;
    Guest& guest = *found->second;
    switch (tag & 3) {
        case kControl:
            return on_control(guest);
        case kProcess:
            return on_exit(guest);
        case kMemory:
            ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, guest.group.out_of_memory_event(), nullptr);
            return end(guest, Reason::out_of_memory);
        default:
            return;
    }
}

void LauncherLoop::on_daemon(bool& ending) {
    // One packet a turn: guests' events are not starved by a busy daemon.
    auto packet = receive_packet(daemon_.get());
    if (!packet) {
        ending = true;
        return;
    }
    if (*packet) on_request(std::move(**packet));
}

void LauncherLoop::on_request(Packet packet) {
    auto request = decode_request(packet.bytes);
    if (!request) {
        AC_LOG(error, "launcher got a message that it does not understand");
        return;
    }
    if (auto* spawned = std::get_if<SpawnRequest>(&*request))
        return spawn(std::move(*spawned), std::move(packet));
    if (const auto* stopped = std::get_if<StopRequest>(&*request)) return stop(*stopped);
    if (const auto* opened = std::get_if<OpenRequest>(&*request)) return open_socket(*opened);
    if (const auto* wanted = std::get_if<ExecuteRequest>(&*request))
        return execute(*wanted, packet);
    if (const auto* moved = std::get_if<GroundRequest>(&*request)) return move_to_ground(*moved);
    measure(std::get<MeasureRequest>(*request));
}

void LauncherLoop::move_to_ground(const GroundRequest& request) {
    Guest* const guest = find(request.guest);
    if (guest == nullptr || guest->reaped) return;
    if (const auto moved = guest->group.set_weight(request.is_background); !moved)
        AC_LOG(warn, "a guest's weight could not be set", {"why", moved.error().message});
}

void LauncherLoop::stop(const StopRequest& request) {
    if (stop_execution(request)) return;
    Guest* const guest = find(request.guest);
    if (guest == nullptr || guest->reaped) return;
    if (request.grace_ms == 0 || !guest->started) return end(*guest, Reason::stopped);
    if (!guest->cause) guest->cause = Reason::stopped;
    (void)send_packet(guest->control.get(), kAskToEnd);
    const SteadyTime deadline = SteadyClock::now() + Milliseconds{request.grace_ms};
    guest->kill_deadline = std::min(guest->kill_deadline.value_or(deadline), deadline);
}

void LauncherLoop::open_socket(const OpenRequest& request) {
    Guest* const guest = find(request.guest);
    if (guest == nullptr || !guest->started || guest->reaped)
        return refuse(request.id, {ErrorCode::unavailable, "the guest has ended"});
    auto socket = open_guest_socket(*guest, own_network_.get());
    if (!socket) return refuse(request.id, socket.error());
    answer(SocketNotice{request.id}, socket->release());
}

void LauncherLoop::measure(const MeasureRequest& request) {
    Guest* const guest = find(request.guest);
    if (guest == nullptr || guest->reaped)
        return refuse(request.id, {ErrorCode::unavailable, "the guest has ended"});
    answer(MeasuredNotice{request.id, guest->group.usage()});
}

void LauncherLoop::on_control(Guest& guest) {
    auto packet = receive_packet(guest.control.get());
    if (!packet) {  // its init is gone: the pidfd tells the rest
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, guest.control.get(), nullptr);
        return;
    }
    if (!*packet) return;
    if (const auto notice = decode_init_notice((*packet)->bytes))
        on_init_notice(guest, *notice, **packet);
}

void LauncherLoop::on_init_notice(Guest& guest, const InitNotice& notice, Packet& packet) {
    if (const auto* further = std::get_if<ExecutionNotice>(&notice))
        return on_execution(guest, *further, packet);
    if (const auto* failed = std::get_if<CommandFailed>(&notice)) {
        if (!guest.started) guest.failure = *failed;
        return;
    }
    if (const auto* ended = std::get_if<CommandEnded>(&notice)) {
        guest.status = ended->status;
        return;
    }
    if (guest.started || !guest.id) return;
    guest.started = true;
    guest.start_deadline.reset();
    answer(StartedNotice{*guest.id});
    keep_warm();
}

void LauncherLoop::hear_out(Guest& guest) {
    while (true) {
        auto packet = receive_packet(guest.control.get());
        if (!packet || !*packet) return;
        if (const auto notice = decode_init_notice((*packet)->bytes))
            on_init_notice(guest, *notice, **packet);
    }
}

void LauncherLoop::on_exit(Guest& guest) {
    hear_out(guest);
    siginfo_t info{};
    if (::waitid(P_PIDFD, static_cast<id_t>(guest.pidfd.get()), &info, WEXITED | WNOHANG) != 0 ||
        info.si_pid == 0)
        return;
    guest.init_status = info.si_code == CLD_EXITED ? info.si_status << 8 : info.si_status;
    guest.reaped = true;
    guest.pidfd.reset();
    guest.control.reset();
    guest.network.reset();
    if (!guest.cause && guest.group.out_of_memory() && !guest.status)
        guest.cause = Reason::out_of_memory;
    finish(guest);
}

void LauncherLoop::finish(Guest& guest) {
    const Outcome outcome = outcome_of(guest, guest.group.out_of_memory());
    end_executions(guest);
    if (!guest.group.remove() && ++guest.remove_attempts < kRemoveAttemptsMax) return;
    if (guest.remove_attempts >= kRemoveAttemptsMax)
        AC_LOG(error, "control group of a guest could not be removed");
    if (guest.id && guest.started) {
        answer(EndedNotice{*guest.id, outcome});
    } else if (guest.id) {
        const Error unknown{ErrorCode::unavailable,
                            "sandbox: ended before it ran: " + outcome.detail};
        refuse(*guest.id,
               guest.failure ? Error{guest.failure->code, guest.failure->message} : unknown);
    } else if (!guest.cause) {
        // It could not even prepare: making more of them would not help.
        AC_LOG(warn, "a prepared sandbox ended early", {"why", outcome.detail});
        warm_target_ = 0;
    }
    const bool was_for_nothing = !guest.started && (guest.id || guest.cause);
    guests_.erase(guest.serial);
    if (was_for_nothing) keep_warm();  // the others that are started do it when they are
}

void LauncherLoop::end(Guest& guest, Reason reason) {
    if (guest.reaped) return;
    if (!guest.cause) guest.cause = reason;
    guest.start_deadline.reset();
    guest.kill_deadline.reset();
    guest.wall_deadline.reset();
    kill_pidfd(guest.pidfd.get(), SIGKILL);
    guest.group.kill();
}

int LauncherLoop::next_wait_ms() {
    std::optional<SteadyTime> next;
    for (const auto& [serial, guest] : guests_) {
        if (guest->reaped) return kRemoveIntervalMs;
        for (const auto& deadline :
             {guest->start_deadline, guest->wall_deadline, guest->kill_deadline})
            if (deadline) next = std::min(next.value_or(*deadline), *deadline);
    }
    if (!next) return -1;
    const auto left = std::chrono::ceil<Milliseconds>(*next - SteadyClock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

void LauncherLoop::on_time() {
    const SteadyTime now = SteadyClock::now();
    std::vector<Guest*> gone;
    for (const auto& [serial, guest] : guests_) {
        if (guest->reaped) gone.push_back(guest.get());
        if (guest->start_deadline && now >= *guest->start_deadline) {
            guest->failure = CommandFailed{ErrorCode::unavailable, "sandbox: start took too long"};
            end(*guest, Reason::failed_to_start);
        }
        if (guest->wall_deadline && now >= *guest->wall_deadline) end(*guest, Reason::timed_out);
        if (guest->kill_deadline && now >= *guest->kill_deadline) end(*guest, Reason::stopped);
    }
    for (Guest* guest : gone) finish(*guest);
}

void LauncherLoop::end_everything() {
    for (const auto& [serial, guest] : guests_)
        if (!guest->reaped) end(*guest, Reason::stopped);
    for (const auto& [serial, guest] : guests_) {
        if (guest->reaped) continue;
        siginfo_t info{};
        ::waitid(P_PIDFD, static_cast<id_t>(guest->pidfd.get()), &info, WEXITED);
    }
    groups_.clean();
    groups_.remove();
}

void LauncherLoop::answer(const Notice& notice, int descriptor) {
    outbox_.emplace_back(encode(notice), UniqueFd(descriptor));
    flush();
}

void LauncherLoop::refuse(std::uint64_t id, const Error& error) {
    answer(FailedNotice{id, error.code, error.message});
}

void LauncherLoop::flush() {
    while (!outbox_.empty()) {
        const auto& [bytes, descriptor] = outbox_.front();
        const int fd = descriptor.get();
        const auto sent = send_packet(daemon_.get(), bytes,
                                      descriptor ? std::span(&fd, 1) : std::span<const int>());
        if (!sent) return outbox_.clear();  // the daemon is gone: epoll tells
        if (!*sent) break;
        outbox_.pop_front();
    }
    epoll_event event{};
    event.events = outbox_.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT;
    event.data.u64 = tag_of(0, kDaemon);
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, daemon_.get(), &event);
}

Guest* LauncherLoop::find(std::uint64_t id) {
    for (const auto& [serial, guest] : guests_)
        if (guest->id == id) return guest.get();
    return nullptr;
}

}  // namespace ac::sandbox
