#include "sandbox/probe.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>

#include "sandbox/linux/cgroup.h"
#include "sandbox/linux/channel.h"
#include "sandbox/linux/files.h"
#include "sandbox/linux/landlock.h"
#include "sandbox/linux/mounts.h"
#include "sandbox/linux/root_view.h"
#include "sandbox/linux/syscall_filter.h"
#include "sandbox/linux/system.h"
#include "sandbox/linux/user_namespace.h"
#include "sandbox/snapshot/tools.h"

namespace ac::sandbox {
namespace {

constexpr const char* kUserNamespaceRemedy =
    "sysctl -w user.max_user_namespaces=65536; where they exist, also "
    "kernel.unprivileged_userns_clone=1 and kernel.apparmor_restrict_unprivileged_userns=0";
constexpr const char* kGroupRemedy =
    "run agentcored as a systemd service with Delegate=yes, or by hand: "
    "systemd-run --scope -p Delegate=yes agentcored";

// Runs `attempt` in a child that may change itself as it likes; what it returned.
Result<> in_child(std::uint64_t namespaces, const std::function<Result<>()>& attempt) {
    AC_TRY(ChannelPair channel, make_channel());
    const bool privileged = ::geteuid() == 0;
    CloneOptions options;
    options.flags = namespaces | (namespaces != 0 && !privileged ? CLONE_NEWUSER : 0);
    const unsigned uid = ::geteuid();
    const unsigned gid = ::getegid();
    AC_TRY(const Cloned child, clone_process(options));
    if (child.pid == 0) {
        Result<> result;
        if (options.flags & CLONE_NEWUSER) {
            (void)write_once("/proc/self/setgroups", "deny");
            result = write_once("/proc/self/gid_map", fmt::format("{} {} 1\n", kGuestId, gid));
            if (result)
                result = write_once("/proc/self/uid_map", fmt::format("{} {} 1\n", kGuestId, uid));
        }
        if (result) result = attempt();
        if (!result) (void)send_packet(channel.theirs.get(), result.error().message);
        ::_exit(result ? 0 : 1);
    }
    channel.theirs.reset();
    auto packet = receive_packet(channel.ours.get());
    int status = 0;
    while (::waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (status == 0) return {};
    if (packet && *packet) return fail(ErrorCode::unavailable, (*packet)->bytes);
    return fail(ErrorCode::unavailable, "the attempt was killed");
}

Layer layer(std::string name, const Result<>& tried, std::string detail, std::string remedy) {
    Layer out{.name = std::move(name), .available = tried.has_value()};
    out.detail = tried ? std::move(detail) : tried.error().message;
    if (!tried) out.remedy = std::move(remedy);
    return out;
}

Result<> try_root() {
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
        return fail(errno_error("mount /", errno));
    AC_TRY(RootView view, RootView::build(""));
    AC_CHECK(view.add_private_folders({}, ::geteuid() == 0 ? 0 : kGuestId));
    return view.enter();
}

Result<> try_filter() {
    AC_TRY(const SyscallFilter filter, SyscallFilter::compile());
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return fail(errno_error("no_new_privs", errno));
    return filter.install();
}

Result<> try_landlock() {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return fail(errno_error("no_new_privs", errno));
    return restrict_writes_to({"/tmp"});
}

Result<> try_snapshot() {
    if (snapshot::thaw_program().empty())
        return fail(ErrorCode::unavailable, "templates need an x86-64 machine");
    int* address = nullptr;
    if (::prctl(PR_GET_TID_ADDRESS, &address, 0, 0, 0) != 0)
        return fail(errno_error("PR_GET_TID_ADDRESS", errno));
    const UniqueFd pages(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
    if (!pages) return fail(errno_error("/proc/self/pagemap", errno));
    return {};
}

void add_groups(Report& report) {
    const auto layout =
        parse_cgroup_layout(read_all("/proc/self/cgroup"), read_all("/proc/self/mountinfo"));
    const bool v1 = layout.v1.contains("memory") || layout.v1.contains("pids");
    CgroupTree tree = CgroupTree::open(layout, fmt::format("probe-{}", ::getpid()));
    for (const char* name : {"cgroup-memory", "cgroup-pids", "cgroup-cpu"}) {
        const auto missing = tree.missing().find(name);
        const auto tried = missing == tree.missing().end()
                               ? Result<>{}
                               : Result<>(fail(ErrorCode::unavailable, missing->second));
        report.layers.push_back(layer(name, tried, v1 ? "version 1" : "version 2", kGroupRemedy));
    }
    tree.remove();
}

}  // namespace

Report probe() {
    Report report;
    const IdMap users{kGuestId, ::geteuid()};
    const IdMap groups{kGuestId, ::getegid()};
    const auto user_namespace = make_user_namespace(users, groups);
    report.layers.push_back(
        layer("user-namespace",
              user_namespace ? Result<>{} : Result<>(std::unexpected(user_namespace.error())),
              ::geteuid() == 0 ? "a uid of its own for each guest" : "guests run as this user",
              kUserNamespaceRemedy));
    const auto nothing = []() -> Result<> { return {}; };
    for (const auto& [name, flag] :
         {std::pair("pid-namespace", CLONE_NEWPID), std::pair("network-namespace", CLONE_NEWNET),
          std::pair("ipc-namespace", CLONE_NEWIPC), std::pair("uts-namespace", CLONE_NEWUTS),
          std::pair("cgroup-namespace", CLONE_NEWCGROUP)})
        report.layers.push_back(layer(name, in_child(static_cast<std::uint64_t>(flag), nothing), "",
                                      "a kernel with all namespaces; in a container, more "
                                      "privileges (CAP_SYS_ADMIN)"));
    report.layers.push_back(layer("private-root", in_child(CLONE_NEWNS | CLONE_NEWPID, try_root),
                                  "own root, /proc and /dev",
                                  "Linux 5.12 or later; in a container, an unmasked /proc"));
    add_groups(report);
    report.layers.push_back(layer("seccomp", in_child(0, try_filter), "allow list",
                                  "a kernel with CONFIG_SECCOMP_FILTER"));
    report.layers.push_back(layer("landlock", in_child(0, try_landlock),
                                  fmt::format("ABI {}", landlock_abi()),
                                  "Linux 5.13 or later, with landlock in the boot parameter lsm="));
    Layer templates = layer(
        "templates", in_child(0, try_snapshot), "guests can go on from a snapshot",
        "an x86-64 kernel with CONFIG_CHECKPOINT_RESTORE; without it, programs start as ever");
    templates.is_optional = true;
    report.layers.push_back(std::move(templates));
    return report;
}

}  // namespace ac::sandbox
