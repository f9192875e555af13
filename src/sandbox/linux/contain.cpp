#include "sandbox/linux/contain.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "sandbox/linux/files.h"
#include "sandbox/linux/landlock.h"
#include "sandbox/linux/mounts.h"
#include "sandbox/linux/system.h"

namespace ac::sandbox {
namespace {

// Guests go first when the host runs out of memory.
constexpr const char* kOomScore = "500";
constexpr int kCapabilitiesEnd = 64;

Result<> checked(long result, const char* what) {
    if (result < 0) return fail(errno_error(what, errno));
    return {};
}

bool accepted(const Confinement& c, const char* layer) {
    return c.berth.accepted->contains(layer);
}

Result<> enter_control_groups(Confinement& c) {
    for (const int entry : c.berth.group_entries)
        if (::write(entry, "0", 1) != 1) return fail(errno_error("cgroup.procs", errno));
    return checked(::unshare(CLONE_NEWCGROUP), "unshare");
}

// Nothing mounted here is seen outside, nor the other way round.
Result<> make_mounts_private(Confinement&) {
    return checked(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "mount /");
}

Result<> forget_keyrings(Confinement&) {
    if (::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr) < 0 && errno != ENOSYS)
        return fail(errno_error("keyctl", errno));
    return {};
}

Result<> raise_loopback(Confinement& c) {
    if (!c.berth.own_network) return {};
    const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    AC_CHECK(checked(::ioctl(socket.get(), SIOCGIFFLAGS, &request), "SIOCGIFFLAGS"));
    request.ifr_flags |= IFF_UP | IFF_RUNNING;
    AC_CHECK(checked(::ioctl(socket.get(), SIOCSIFFLAGS, &request), "SIOCSIFFLAGS"));
    // Any port may be listened on: it is nobody else's network. Best effort, /proc may be masked.
    (void)write_once("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
    return {};
}

Result<> volunteer_for_oom_killer(Confinement&) {
    return write_once("/proc/self/oom_score_adj", kOomScore);
}

Result<> name_host(Confinement&) {
    constexpr std::string_view name = "sandbox";
    return checked(::sethostname(name.data(), name.size()), "sethostname");
}

Result<> build_root(Confinement& c) {
    AC_TRY(c.root, RootView::build(""));
    return {};
}

Result<> hide_memory(Confinement&) {
    make_undumpable();
    return {};
}

Result<> replace_by_writable_root(Confinement& c) {
    UniqueFd lower = std::move(c.order.root);
    if (!c.berth.privileged) {
        AC_TRY(lower,
               clone_mount(AT_FDCWD, c.order.request.root, Access::read_only, Devices::none));
    }
    AC_TRY(c.root,
           RootView::build_writable({.lower = lower.get(),
                                     .bytes_max = c.order.request.limits.work_bytes_max,
                                     .files_max = c.order.request.limits.work_files_max,
                                     .owner = c.berth.privileged ? c.berth.host_id : kGuestId,
                                     .in_user_namespace = !c.berth.privileged}));
    return {};
}

Result<> replace_root(Confinement& c) {
    if (c.order.request.root.empty()) return {};
    if (c.order.request.root_is_writable) return replace_by_writable_root(c);
    AC_TRY(c.root, RootView::build(c.order.request.root));
    return {};
}

Result<> add_private_folders(Confinement& c) {
    // Numbered as in the user namespace that we are in: the host's, or already the guest's.
    return c.root->add_private_folders(c.order.request.limits,
                                       c.berth.privileged ? c.berth.host_id : kGuestId);
}

Result<> add_mounts(Confinement& c) {
    for (std::size_t i = 0; i < c.order.request.mounts.size(); ++i) {
        const GuestMount& wanted = c.order.request.mounts[i];
        UniqueFd mount;
        if (c.berth.privileged) {
            mount = std::move(c.order.mounts[i]);
        } else {
            AC_TRY(mount, clone_mount(AT_FDCWD, wanted.host_path,
                                      wanted.writable ? Access::writable : Access::read_only,
                                      Devices::none));
        }
        AC_CHECK(c.root->add_mount(mount.get(), wanted.guest_path));
    }
    if (c.order.request.host_network) AC_CHECK(c.root->add_host_resolver());
    return {};
}

Result<> enter_root(Confinement& c) {
    return c.root->enter();
}

Result<> enter_user_namespace(Confinement& c) {
    if (!c.order.user_namespace) return {};  // unprivileged: we have been in it from the start
    return checked(::setns(c.order.user_namespace.get(), CLONE_NEWUSER), "setns");
}

Result<> set_resource_limits(Confinement& c) {
    const Limits& limits = c.order.request.limits;
    struct Bound {
        __rlimit_resource resource;
        rlim_t value;
    };
    const Bound bounds[] = {
        {RLIMIT_NOFILE, limits.open_files_max},
        {RLIMIT_NPROC, limits.processes_max + 1ULL},  // our init is one
        {RLIMIT_CORE, 0},
        {RLIMIT_MEMLOCK, 64 << 10},
        {RLIMIT_MSGQUEUE, 800 << 10},
        {RLIMIT_RTPRIO, 0},
        {RLIMIT_NICE, 0},
        {RLIMIT_SIGPENDING, 4096},
    };
    for (const Bound& bound : bounds) {
        rlimit now{};
        AC_CHECK(checked(::getrlimit(bound.resource, &now), "getrlimit"));
        const rlim_t value = std::min<rlim_t>(bound.value, now.rlim_max);
        const rlimit wanted{value, value};
        AC_CHECK(checked(::setrlimit(bound.resource, &wanted), "setrlimit"));
    }
    ::umask(022);
    return {};
}

// Capabilities go one by one: out of the bounding set, so that no exec brings them back.
Result<> empty_bounding_set(Confinement&) {
    for (int capability = 0; capability < kCapabilitiesEnd; ++capability) {
        if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0) continue;
        if (errno == EINVAL) break;  // the kernel has no more
        return fail(errno_error("PR_CAPBSET_DROP", errno));
    }
    return checked(::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), "PR_CAP_AMBIENT");
}

Result<> become_guest(Confinement& c) {
    const bool in_own_namespace = c.order.user_namespace || !c.berth.privileged;
    unsigned uid = in_own_namespace ? kGuestId : c.berth.host_id;
    unsigned gid = uid;
    if (c.order.user_namespace) {
        uid = c.order.request.user.uid;
        gid = c.order.request.user.gid;
    }
    if (c.berth.privileged) AC_CHECK(checked(::setgroups(0, nullptr), "setgroups"));
    AC_CHECK(checked(::setresgid(gid, gid, gid), "setresgid"));
    return checked(::setresuid(uid, uid, uid), "setresuid");
}

Result<> drop_capabilities(Confinement&) {
    const auto none = cap_init();
    const int result = cap_set_proc(none);
    cap_free(none);
    return checked(result, "cap_set_proc");
}

Result<> gain_no_privileges(Confinement&) {
    return checked(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS");
}

// A change of uid has made us dumpable by default and forgotten the parent-death signal.
Result<> die_with_launcher(Confinement&) {
    make_undumpable();
    return checked(::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), "PR_SET_PDEATHSIG");
}

Result<> fence_files(Confinement& c) {
    if (accepted(c, "landlock") && landlock_abi() == 0) return {};
    std::vector<std::string> writable = {"/work", "/tmp", "/dev", "/proc"};
    // What is mounted read-only in it stays so.
    if (c.order.request.root_is_writable) writable = {"/"};
    for (const GuestMount& mount : c.order.request.mounts)
        if (mount.writable) writable.push_back(mount.guest_path);
    return restrict_writes_to(writable);
}

Result<> filter_system_calls(Confinement& c) {
    if (c.berth.filter == nullptr) return {};  // missing and accepted
    return c.berth.filter->install();
}

struct Step {
    const char* name;
    Result<> (*run)(Confinement&);
};

constexpr Step kPreparation[] = {
    {"enter control groups", enter_control_groups},
    {"make mounts private", make_mounts_private},
    {"forget keyrings", forget_keyrings},
    {"raise loopback", raise_loopback},
    {"name host", name_host},
    {"volunteer for the OOM killer", volunteer_for_oom_killer},
    {"build root", build_root},
};

constexpr Step kContainment[] = {
    {"hide memory", hide_memory},
    {"replace root", replace_root},
    {"add private folders", add_private_folders},
    {"add mounts", add_mounts},
    {"enter root", enter_root},
    {"enter user namespace", enter_user_namespace},
    {"set resource limits", set_resource_limits},
    {"empty bounding set", empty_bounding_set},
    {"become guest", become_guest},
    {"drop capabilities", drop_capabilities},
    {"gain no privileges", gain_no_privileges},
    {"die with launcher", die_with_launcher},
    {"fence files", fence_files},
    {"filter system calls", filter_system_calls},
};

template <std::size_t N>
Result<> run(const Step (&steps)[N], Confinement& confinement) {
    for (const Step& step : steps) {
        auto done = step.run(confinement);
        if (done) continue;
        Error error = std::move(done).error();
        error.message = fmt::format("sandbox, {}: {}", step.name, error.message);
        return fail(std::move(error));
    }
    return {};
}

}  // namespace

Result<> prepare(Confinement& confinement) {
    return run(kPreparation, confinement);
}

Result<> contain(Confinement& confinement) {
    return run(kContainment, confinement);
}

}  // namespace ac::sandbox
