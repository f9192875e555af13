#include "sandbox/linux/syscall_filter.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "base/file.h"

namespace ac::sandbox {
namespace {

struct Release {
    void operator()(void* context) const { seccomp_release(context); }
};
using Context = std::unique_ptr<void, Release>;

constexpr std::uint64_t kLow32 = 0xffff'ffff;
constexpr std::uint64_t kSocketTypeMask = 0xf;  // SOCK_TYPE_MASK: the rest are flags
// clone(2). CLONE_NEWTIME shares its bit with the exit signal there and cannot be asked for.
constexpr std::uint64_t kNamespaceFlags[] = {CLONE_NEWNS,  CLONE_NEWCGROUP, CLONE_NEWUTS,
                                             CLONE_NEWIPC, CLONE_NEWUSER,   CLONE_NEWPID,
                                             CLONE_NEWNET};
constexpr int kAddressFamiliesMax = 64;  // AF_MAX is 46

// Known and refused: EPERM says so more clearly than "no such call".
constexpr const char* kRefused[] = {
    "acct",
    "add_key",
    "adjtimex",
    "bpf",
    "chroot",
    "clock_adjtime",
    "clock_settime",
    "create_module",
    "delete_module",
    "fanotify_init",
    "finit_module",
    "fsconfig",
    "fsmount",
    "fsopen",
    "fspick",
    "get_kernel_syms",
    "init_module",
    "ioperm",
    "iopl",
    "kcmp",
    "kexec_file_load",
    "kexec_load",
    "keyctl",
    "lookup_dcookie",
    "mbind",
    "migrate_pages",
    "modify_ldt",
    "mount",
    "mount_setattr",
    "move_mount",
    "move_pages",
    "name_to_handle_at",
    "nfsservctl",
    "open_by_handle_at",
    "open_tree",
    "perf_event_open",
    "pidfd_getfd",
    "pivot_root",
    "process_madvise",
    "process_vm_readv",
    "process_vm_writev",
    "ptrace",
    "query_module",
    "sethostname",
    "setdomainname",
    "quotactl",
    "quotactl_fd",
    "reboot",
    "request_key",
    "set_mempolicy",
    "setns",
    "settimeofday",
    "stime",
    "swapoff",
    "swapon",
    "sysfs",
    "syslog",
    "umount2",
    "unshare",
    "uselib",
    "userfaultfd",
    "ustat",
    "vhangup",
    "vm86",
    "vm86old",
};

scmp_arg_cmp equals(unsigned argument, std::uint64_t value) {
    return {argument, SCMP_CMP_EQ, value, 0};
}

scmp_arg_cmp masked(unsigned argument, std::uint64_t mask, std::uint64_t value) {
    return {argument, SCMP_CMP_MASKED_EQ, mask, value};
}

Result<> check(int code, const char* what) {
    if (code < 0) return fail(errno_error(what, -code));
    return {};
}

Result<> add(const Context& context, std::uint32_t action, const char* name,
             std::vector<scmp_arg_cmp> arguments = {}) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR || number < 0) return {};  // not of this architecture
    return check(seccomp_rule_add_array(context.get(), action, number,
                                        static_cast<unsigned>(arguments.size()), arguments.data()),
                 name);
}

Result<std::vector<sock_filter>> compiled(const Context& context) {
    AC_CHECK(check(seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS),
                   "seccomp"));
    // A binary tree instead of a chain of comparisons.
    AC_CHECK(check(seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2), "seccomp"));
    const UniqueFd file(::memfd_create("filter", MFD_CLOEXEC));
    if (!file) return fail(errno_error("memfd_create", errno));
    AC_CHECK(check(seccomp_export_bpf(context.get(), file.get()), "seccomp_export_bpf"));
    const off_t size = ::lseek(file.get(), 0, SEEK_END);
    std::vector<sock_filter> out(static_cast<std::size_t>(size) / sizeof(sock_filter));
    if (::pread(file.get(), out.data(), out.size() * sizeof(sock_filter), 0) != size)
        return fail(errno_error("read filter", errno));
    return out;
}

Result<Context> names_filter() {
    Context context(seccomp_init(SCMP_ACT_ERRNO(ENOSYS)));
    if (!context) return fail(ErrorCode::unavailable, "seccomp_init failed");
    for (const std::string& name : allowed_syscalls())
        AC_CHECK(add(context, SCMP_ACT_ALLOW, name.c_str()));
    for (const char* name : kRefused) AC_CHECK(add(context, SCMP_ACT_ERRNO(EPERM), name));
    // personality(2): read it, or the two that run ordinary programs.
    for (const std::uint64_t persona : {0x0ULL, 0x20000ULL, 0xffffffffULL})
        AC_CHECK(add(context, SCMP_ACT_ALLOW, "personality", {equals(0, persona)}));
    return context;
}

Result<> refuse_sockets(const Context& context) {
    for (std::uint64_t family = 0; family < kAddressFamiliesMax; ++family) {
        if (family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK)
            continue;
        for (const char* call : {"socket", "socketpair"})
            AC_CHECK(add(context, SCMP_ACT_ERRNO(EAFNOSUPPORT), call, {masked(0, kLow32, family)}));
    }
    // Families beyond those the kernel has: any higher bit.
    for (std::uint64_t bit = kAddressFamiliesMax; bit <= kLow32; bit <<= 1)
        AC_CHECK(add(context, SCMP_ACT_ERRNO(EAFNOSUPPORT), "socket", {masked(0, bit, bit)}));
    for (const std::uint64_t family : {AF_INET, AF_INET6})
        for (const std::uint64_t type : {SOCK_RAW, SOCK_RDM, SOCK_DCCP, SOCK_PACKET})
            AC_CHECK(add(context, SCMP_ACT_ERRNO(EPERM), "socket",
                         {masked(0, kLow32, family), masked(1, kSocketTypeMask, type)}));
    // Netlink: NETLINK_ROUTE (0) lists interfaces, as getifaddrs() does; the others reach far.
    for (std::uint64_t bit = 1; bit <= kLow32; bit <<= 1)
        AC_CHECK(add(context, SCMP_ACT_ERRNO(EPROTONOSUPPORT), "socket",
                     {masked(0, kLow32, AF_NETLINK), masked(2, bit, bit)}));
    return {};
}

Result<Context> arguments_filter() {
    Context context(seccomp_init(SCMP_ACT_ALLOW));
    if (!context) return fail(ErrorCode::unavailable, "seccomp_init failed");
    for (const std::uint64_t flag : kNamespaceFlags)
        AC_CHECK(add(context, SCMP_ACT_ERRNO(EPERM), "clone", {masked(0, flag, flag)}));
    // Its flags are behind a pointer, out of a filter's sight: libraries then use clone.
    AC_CHECK(add(context, SCMP_ACT_ERRNO(ENOSYS), "clone3"));
    // Typing into somebody's terminal. Upper bits are ignored by the kernel, so by us.
    constexpr std::uint64_t kTiocLinux = 0x541C;
    for (const std::uint64_t command : {std::uint64_t{TIOCSTI}, kTiocLinux})
        AC_CHECK(add(context, SCMP_ACT_ERRNO(EPERM), "ioctl", {masked(1, kLow32, command)}));
    AC_CHECK(refuse_sockets(context));
    return context;
}

Result<> install_one(const std::vector<sock_filter>& filter) {
    sock_fprog program{static_cast<unsigned short>(filter.size()),
                       const_cast<sock_filter*>(filter.data())};
    if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
        return fail(errno_error("seccomp", errno));
    return {};
}

}  // namespace

Result<SyscallFilter> SyscallFilter::compile() {
    SyscallFilter filter;
    AC_TRY(const Context names, names_filter());
    AC_TRY(filter.names_, compiled(names));
    AC_TRY(const Context arguments, arguments_filter());
    AC_TRY(filter.arguments_, compiled(arguments));
    return filter;
}

Result<> SyscallFilter::install() const {
    // The names last: a filter may not allow installing another one.
    AC_CHECK(install_one(arguments_));
    return install_one(names_);
}

}  // namespace ac::sandbox
