// The part of the launcher's loop that makes guests.

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/log.h"
#include "sandbox/linux/files.h"
#include "sandbox/linux/launcher_loop.h"
#include "sandbox/linux/mounts.h"
#include "sandbox/linux/system.h"

namespace ac::sandbox {
namespace {

using SteadyClock = std::chrono::steady_clock;

// Milliseconds on an idle machine; a start that takes this long hangs in the kernel.
constexpr Seconds kStartTimeMax{30};

constexpr std::uint64_t kNamespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS;

bool is_absolute(const std::string& path) {
    return path.starts_with('/') && path.find('\0') == std::string::npos;
}

// A berth that waits for an order.
bool is_free(const Guest& guest) {
    return !guest.id && !guest.reaped && !guest.cause && !guest.failure && guest.own_network;
}

Result<> check(const SpawnRequest& request, std::size_t descriptors) {
    const auto wrong = [](std::string what) {
        return fail(ErrorCode::invalid_argument, std::move(what));
    };
    if (request.argv.empty() || request.argv.front().empty())
        return wrong("a sandbox needs a program to run");
    if (!is_absolute(request.folder)) return wrong("the command's folder is no absolute path");
    if (!request.root.empty() && !is_absolute(request.root))
        return wrong("the sandbox's root is no absolute path");
    for (const GuestMount& mount : request.mounts)
        if (!is_absolute(mount.host_path) || !is_absolute(mount.guest_path))
            return wrong("a mount's path is not absolute: " + mount.guest_path);
    for (const auto* texts : {&request.argv, &request.environment})
        for (const std::string& text : *texts)
            if (text.find('\0') != std::string::npos) return wrong("an argument holds a NUL");
    if (request.mounts.size() + request.further + 4 > kDescriptorsMax)
        return wrong("too many mounts");
    if (request.root_is_writable && request.root.empty())
        return wrong("the host's userland is never writable");
    const std::size_t expected =
        (request.has_output ? 1 : 0) + (request.has_error ? 1 : 0) + request.further;
    if (descriptors != expected) return wrong("an output descriptor is missing");
    return {};
}

}  // namespace

void LauncherLoop::spawn(SpawnRequest request, Packet packet) {
    if (!missing_.empty())
        return refuse(request.id, {ErrorCode::unavailable,
                                   "this machine cannot contain guests; missing: " + missing_});
    if (const auto valid = check(request, packet.descriptors.size()); !valid)
        return refuse(request.id, valid.error());
    if (find(request.id) != nullptr)
        return refuse(request.id, {ErrorCode::conflict, "a guest of this id is there already"});
    auto guest = berth_for(request);
    if (!guest) return refuse(request.id, guest.error());
    if (const auto ordered = order(**guest, request, packet); !ordered) {
        hear_out(**guest);  // it may have told why before its channel broke
        const auto& failure = (*guest)->failure;
        refuse(request.id, failure ? Error{failure->code, failure->message} : ordered.error());
        end(**guest, Reason::stopped);
    }
}

Result<Guest*> LauncherLoop::berth_for(const SpawnRequest& request) {
    if (!request.host_network)
        for (const auto& [serial, guest] : guests_)
            if (is_free(*guest)) return guest.get();
    AC_TRY(auto made, make_berth(!request.host_network));
    Guest* const guest = made.get();
    guests_.emplace(guest->serial, std::move(made));
    return guest;
}

Result<std::unique_ptr<Guest>> LauncherLoop::make_berth(bool own_network) {
    auto guest = std::make_unique<Guest>();
    guest->serial = next_serial_++;
    guest->own_network = own_network;
    std::set<unsigned> taken;
    for (const auto& [serial, other] : guests_) taken.insert(other->slot);
    while (taken.contains(guest->slot)) ++guest->slot;
    if (guest->slot >= options_.uid_count)
        return fail(ErrorCode::unavailable, "every uid for guests is taken");
    AC_TRY(guest->group, groups_.create(fmt::format("guest-{}", guest->serial)));
    auto cloned = clone_init(*guest);
    guest->group.forget_entries();
    if (!cloned) {
        if (guest->pidfd) kill_pidfd(guest->pidfd.get(), SIGKILL);
        guest->group.remove();
        return fail(cloned.error());
    }
    watch(guest->control.get(), guest->serial << 2 | 0);
    watch(guest->pidfd.get(), guest->serial << 2 | 1);
    if (guest->group.out_of_memory_event() >= 0)
        watch(guest->group.out_of_memory_event(), guest->serial << 2 | 2);
    return guest;
}

Result<> LauncherLoop::clone_init(Guest& guest) {
    AC_TRY(ChannelPair channel, make_channel());
    Berth berth{.privileged = privileged_,
                .own_network = guest.own_network,
                .host_id = options_.first_uid + guest.slot,
                .group_entries = guest.group.entries(),
                .filter = filter_ ? &*filter_ : nullptr,
                .accepted = &accepted_};
    CloneOptions options;
    options.flags =
        kNamespaces | (guest.own_network ? CLONE_NEWNET : 0) | (privileged_ ? 0 : CLONE_NEWUSER);
    options.into_cgroup = guest.group.clone_into();
    AC_TRY(Cloned cloned, clone_process(options));
    if (cloned.pid == 0) run_guest_init(berth, channel.theirs.get());
    guest.pid = cloned.pid;
    guest.pidfd = std::move(cloned.pidfd);
    guest.control = std::move(channel.ours);
    set_nonblocking(guest.control.get());
    if (guest.own_network) {
        guest.network.reset(
            ::open(fmt::format("/proc/{}/ns/net", guest.pid).c_str(), O_RDONLY | O_CLOEXEC));
        if (!guest.network) return fail(errno_error("open network namespace", errno));
    }
    return privileged_ ? Result<>{} : map_own_ids(guest);
}

// user_namespaces(7): without privilege, only our own ids, and setgroups() given up first.
Result<> LauncherLoop::map_own_ids(Guest& guest) {
    const std::string folder = fmt::format("/proc/{}/", guest.pid);
    AC_CHECK(write_once(folder + "setgroups", "deny"));
    AC_CHECK(write_once(folder + "gid_map", fmt::format("{} {} 1\n", kGuestId, ::getegid())));
    AC_CHECK(write_once(folder + "uid_map", fmt::format("{} {} 1\n", kGuestId, ::geteuid())));
    guest.user_namespace.reset(::open((folder + "ns/user").c_str(), O_RDONLY | O_CLOEXEC));
    AC_TRY([[maybe_unused]] const bool sent, send_packet(guest.control.get(), kIdsAreMapped));
    return {};
}

// The last one is a writable root's, where one is wanted.
Result<std::vector<UniqueFd>> LauncherLoop::mounts_for(const Guest& guest,
                                                       const SpawnRequest& request) {
    std::vector<UniqueFd> out;
    std::vector<GuestMount> all = request.mounts;
    if (request.root_is_writable) all.push_back({request.root, "/", false});
    for (const GuestMount& wanted : all) {
        const bool is_root = wanted.guest_path == "/";
        auto mount =
            clone_mount(AT_FDCWD, wanted.host_path,
                        wanted.writable ? Access::writable : Access::read_only, Devices::none);
        if (!mount) return fail(ErrorCode::invalid_argument, "mount of " + mount.error().message);
        // Its owner's files appear as the guest's own. Where the file system cannot do that, a
        // read-only mount is still of use; a writable one would not be writable.
        struct stat info{};
        ::fstat(mount->get(), &info);
        const unsigned id = options_.first_uid + guest.slot;
        auto owners = namespaces_.get({info.st_uid, id}, {info.st_gid, id});
        const auto mapped =
            owners ? map_owners(mount->get(), *owners) : Result<>(std::unexpected(owners.error()));
        if (!mapped && (wanted.writable || is_root))
            return fail(ErrorCode::unavailable,
                        fmt::format("mount of {}: {}", wanted.host_path, mapped.error().message));
        out.push_back(std::move(*mount));
    }
    return out;
}

Result<> LauncherLoop::order(Guest& guest, const SpawnRequest& request, const Packet& packet) {
    std::vector<UniqueFd> mounts;
    std::vector<int> descriptors;
    for (const UniqueFd& descriptor : packet.descriptors) descriptors.push_back(descriptor.get());
    if (privileged_) {
        const unsigned id = options_.first_uid + guest.slot;
        if (user_namespaces_) {
            AC_TRY(const int own, namespaces_.get({request.user.uid, id}, {request.user.gid, id}));
            descriptors.push_back(own);
        }
        AC_TRY(mounts, mounts_for(guest, request));
        for (const UniqueFd& mount : mounts) descriptors.push_back(mount.get());
    }
    AC_CHECK(guest.group.set_limits(request.limits));
    AC_TRY(const bool sent, send_packet(guest.control.get(), packet.bytes, descriptors));
    if (!sent) return fail(ErrorCode::unavailable, "sandbox: its channel is full");
    guest.id = request.id;
    guest.start_deadline = SteadyClock::now() + kStartTimeMax;
    if (request.limits.wall_time_max)
        guest.wall_deadline = SteadyClock::now() + *request.limits.wall_time_max;
    return {};
}

// Entering version 1 control groups waits for the kernel some 6 ms, and new namespaces take one
// more: guests that are prepared ahead start without that.
void LauncherLoop::keep_warm() {
    unsigned warm = 0;
    for (const auto& [serial, guest] : guests_)
        if (is_free(*guest)) ++warm;
    for (; warm < warm_target_; ++warm) {
        auto made = make_berth(true);
        if (!made) {
            AC_LOG(warn, "no sandbox could be prepared", {"why", made.error().message});
            return;
        }
        const std::uint64_t serial = (*made)->serial;
        guests_.emplace(serial, std::move(*made));
    }
}

}  // namespace ac::sandbox
