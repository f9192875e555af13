#include "sandbox/linux/root_view.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "sandbox/linux/mounts.h"

namespace ac::sandbox {
namespace {

namespace fs = std::filesystem;

// The root holds folders, links and a few small files only.
constexpr std::uint64_t kRootBytesMax = 1 << 20;
constexpr std::uint64_t kRootFilesMax = 4096;

// Of the host, and only if it is there. Of /etc only what programs need to load and to verify
// certificates: never the folder, which holds secrets.
constexpr const char* kUserland[] = {
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/ca-certificates",
    "/etc/pki/tls/certs",
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/mime.types",
    "/etc/protocols",
    "/etc/services",
    "/etc/fonts",
    "/etc/magic",
    "/etc/python3",
    "/etc/python3.11",
};

struct SyntheticFile {
    const char* path;
    const char* text;
};
constexpr SyntheticFile kSynthetic[] = {
    {"etc/passwd",
     "root:x:0:0:root:/nonexistent:/usr/sbin/nologin\n"
     "agent:x:1000:1000:agent:/work:/bin/sh\n"
     "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"},
    {"etc/group", "root:x:0:\nagent:x:1000:\nnogroup:x:65534:\n"},
    {"etc/hosts", "127.0.0.1 localhost sandbox\n::1 localhost\n"},
    {"etc/hostname", "sandbox\n"},
    {"etc/resolv.conf", "# There is no name service in here.\n"},
    {"etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\nservices: files\n"},
};

// Of a userland image everything but what we provide ourselves.
constexpr std::string_view kOurs[] = {"dev", "proc", "sys", "tmp", "work", "run"};

constexpr const char* kDevices[] = {"null", "zero", "full", "random", "urandom", "tty"};
struct Link {
    const char* path;
    const char* target;
};
constexpr Link kLinks[] = {
    {"dev/fd", "/proc/self/fd"},       {"dev/stdin", "/proc/self/fd/0"},
    {"dev/stdout", "/proc/self/fd/1"}, {"dev/stderr", "/proc/self/fd/2"},
    {"dev/ptmx", "pts/ptmx"},
};

// About the whole machine, or a way to change it. Masked files read as empty.
constexpr const char* kMaskedFiles[] = {
    "cmdline",    "kallsyms",    "kcore",       "keys",          "key-users",   "kmsg",
    "kpagecount", "kpageflags",  "kpagecgroup", "latency_stats", "sched_debug", "sysrq-trigger",
    "timer_list", "timer_stats", "config.gz",   "vmallocinfo",   "slabinfo",    "swaps",
};
constexpr const char* kMaskedFolders[] = {"acpi", "scsi", "driver"};
constexpr const char* kReadOnlyInProc[] = {"bus", "fs", "irq", "sys"};

bool exists(int folder, const std::string& path) {
    return ::faccessat(folder, path.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

Result<> write_new_file(int root, const char* path, std::string_view text) {
    AC_CHECK(make_mount_point(root, path, Kind::file));
    const UniqueFd file(::openat(root, path, O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC));
    if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        return fail(errno_error(path, errno));
    return {};
}

// Mounting below it needs it attached somewhere. Over "/" it hides nothing: paths start from the
// root mount itself, not from what is stacked on it.
Result<> attach_over_root(int mount) {
    if (::move_mount(mount, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) != 0)
        return fail(errno_error("attach root", errno));
    return {};
}

// An image may have a link or a file where ours is to be mounted.
Result<> make_own_folder(int root, const char* name) {
    struct stat info{};
    const bool is_there = ::fstatat(root, name, &info, AT_SYMLINK_NOFOLLOW) == 0;
    if (is_there && S_ISDIR(info.st_mode)) return {};
    if (is_there && ::unlinkat(root, name, 0) != 0) return fail(errno_error(name, errno));
    if (::mkdirat(root, name, 0755) != 0) return fail(errno_error(name, errno));
    return {};
}

Result<> copy_link(const std::string& from, int root, const std::string& to) {
    std::error_code error;
    const fs::path target = fs::read_symlink(from, error);
    if (error) return fail(errno_error("read link " + from, error.value()));
    if (::symlinkat(target.c_str(), root, to.c_str()) != 0 && errno != EEXIST)
        return fail(errno_error("link " + to, errno));
    return {};
}

}  // namespace

Result<RootView> RootView::build(const std::string& image) {
    RootView view;
    const TmpfsOptions options{.bytes_max = kRootBytesMax, .files_max = kRootFilesMax};
    AC_TRY(view.root_, make_tmpfs(options));
    AC_CHECK(attach_over_root(view.root_.get()));
    ::umask(022);
    for (const char* folder : {"etc", "proc", "dev", "tmp", "work", "run", "var", "sys"})
        if (::mkdirat(view.root_.get(), folder, 0755) != 0) return fail(errno_error(folder, errno));
    AC_CHECK(image.empty() ? view.add_host_userland() : view.add_image(image));
    AC_CHECK(view.add_devices());
    AC_CHECK(view.add_proc());
    return view;
}

Result<RootView> RootView::build_writable(const WritableRoot& wanted) {
    RootView view;
    view.is_writable_ = true;
    AC_TRY(const UniqueFd layers, make_tmpfs({.bytes_max = wanted.bytes_max,
                                              .files_max = wanted.files_max,
                                              .mode = "0755",
                                              .owner = wanted.owner}));
    AC_CHECK(attach_over_root(layers.get()));
    ::umask(022);
    for (const char* folder : {"lower", "changes", "work"})
        if (::mkdirat(layers.get(), folder, 0755) != 0) return fail(errno_error(folder, errno));
    if (::fchownat(layers.get(), "changes", wanted.owner, wanted.owner, 0) != 0)
        return fail(errno_error("changes", errno));
    AC_CHECK(attach(wanted.lower, layers.get(), "lower"));
    // Never synced: it ends with its guest. In a user namespace only user.* attributes can be set.
    const std::string here = fmt::format("/proc/self/fd/{}/", layers.get());
    AC_TRY(view.root_,
           make_filesystem("overlay",
                           fmt::format("lowerdir={0}lower,upperdir={0}changes,workdir={0}work,"
                                       "volatile{1}",
                                       here, wanted.in_user_namespace ? ",userxattr" : ""),
                           MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
    AC_CHECK(attach_over_root(view.root_.get()));
    for (const char* folder : {"etc", "proc", "dev", "tmp", "work", "run", "var", "sys"})
        AC_CHECK(make_own_folder(view.root_.get(), folder));
    AC_CHECK(view.add_devices());
    AC_CHECK(view.add_proc());
    return view;
}

Result<> RootView::bind(int folder, const std::string& from, const std::string& to, bool device) {
    struct stat info{};
    if (::fstatat(folder, from.c_str(), &info, 0) != 0) return {};  // a dangling link
    AC_CHECK(make_mount_point(root_.get(), to, S_ISDIR(info.st_mode) ? Kind::folder : Kind::file));
    AC_TRY(const UniqueFd mount,
           clone_mount(folder, from, device ? Access::writable : Access::read_only,
                       device ? Devices::usable : Devices::none));
    return attach(mount.get(), root_.get(), to);
}

Result<> RootView::add_host_userland() {
    AC_CHECK(add_synthetic_files());
    for (const std::string path : kUserland) {
        struct stat info{};
        if (::lstat(path.c_str(), &info) != 0) continue;
        const std::string to = path.substr(1);
        if (!S_ISLNK(info.st_mode)) {
            AC_CHECK(bind(AT_FDCWD, path, to, false));
            continue;
        }
        AC_CHECK(copy_link(path, root_.get(), to));
    }
    if (::symlinkat("/tmp", root_.get(), "var/tmp") != 0)
        return fail(errno_error("link /var/tmp", errno));
    return {};
}

Result<> RootView::add_image(const std::string& image) {
    const UniqueFd folder(::open(image.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder) return fail(errno_error("root " + image, errno));
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(image, error)) {
        const std::string name = entry.path().filename();
        bool ours = false;
        for (const std::string_view own : kOurs) ours = ours || name == own;
        if (ours) continue;
        if (entry.is_symlink(error)) {
            AC_CHECK(copy_link(entry.path(), root_.get(), name));
        } else if (entry.is_directory(error) || entry.is_regular_file(error)) {
            AC_CHECK(bind(folder.get(), name, name, false));
        }
    }
    if (error) return fail(errno_error("root " + image, error.value()));
    return {};
}

Result<> RootView::add_synthetic_files() {
    for (const SyntheticFile& file : kSynthetic)
        AC_CHECK(write_new_file(root_.get(), file.path, file.text));
    return {};
}

Result<> RootView::add_devices() {
    const TmpfsOptions options{.bytes_max = kRootBytesMax, .files_max = kRootFilesMax};
    AC_TRY(dev_, make_tmpfs(options));
    AC_CHECK(attach(dev_.get(), root_.get(), "dev"));
    for (const std::string name : kDevices)
        AC_CHECK(bind(AT_FDCWD, "/dev/" + name, "dev/" + name, true));
    AC_CHECK(make_mount_point(root_.get(), "dev/pts", Kind::folder));
    AC_CHECK(make_mount_point(root_.get(), "dev/shm", Kind::folder));
    AC_TRY(const UniqueFd terminals,
           make_filesystem("devpts", "newinstance,ptmxmode=0666,mode=0600,max=64",
                           MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC));
    AC_CHECK(attach(terminals.get(), root_.get(), "dev/pts"));
    for (const Link& link : kLinks)
        if (::symlinkat(link.target, root_.get(), link.path) != 0)
            return fail(errno_error(link.path, errno));
    return {};
}

Result<> RootView::add_proc() {
    AC_TRY(const UniqueFd proc,
           make_filesystem("proc", "hidepid=invisible",
                           MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
    AC_CHECK(attach(proc.get(), root_.get(), "proc"));
    for (const std::string name : kReadOnlyInProc)
        if (exists(proc.get(), name))
            AC_CHECK(bind(root_.get(), "proc/" + name, "proc/" + name, false));
    for (const std::string name : kMaskedFiles)
        if (exists(proc.get(), name)) AC_CHECK(bind(AT_FDCWD, "/dev/null", "proc/" + name, true));
    for (const std::string name : kMaskedFolders) {
        if (!exists(proc.get(), name)) continue;
        const TmpfsOptions options{.bytes_max = 4096, .files_max = 1, .mode = "0555"};
        AC_TRY(const UniqueFd empty, make_tmpfs(options));
        AC_CHECK(set_read_only(empty.get()));
        AC_CHECK(attach(empty.get(), root_.get(), "proc/" + name));
    }
    return {};
}

Result<> RootView::add_private_folders(const Limits& limits, unsigned owner) {
    TmpfsOptions options{.bytes_max = limits.work_bytes_max,
                         .files_max = limits.work_files_max,
                         .mode = "0700",
                         .owner = owner};
    AC_TRY(const UniqueFd work, make_tmpfs(options));
    AC_CHECK(attach(work.get(), root_.get(), "work"));
    options.mode = "01777";
    AC_TRY(const UniqueFd temporary, make_tmpfs(options));
    AC_CHECK(attach(temporary.get(), root_.get(), "tmp"));
    AC_TRY(const UniqueFd shared, make_tmpfs(options));
    return attach(shared.get(), root_.get(), "dev/shm");
}

Result<> RootView::add_mount(int mount, const std::string& guest_path) {
    struct stat info{};
    if (::fstat(mount, &info) != 0) return fail(errno_error(guest_path, errno));
    AC_CHECK(make_mount_point(root_.get(), guest_path,
                              S_ISDIR(info.st_mode) ? Kind::folder : Kind::file));
    return attach(mount, root_.get(), guest_path);
}

Result<> RootView::add_host_resolver() {
    for (const std::string name : {"etc/resolv.conf", "etc/hosts"})
        AC_CHECK(bind(AT_FDCWD, "/" + name, name, false));
    return {};
}

Result<> RootView::enter() {
    AC_CHECK(set_read_only(dev_.get()));
    if (!is_writable_) AC_CHECK(set_read_only(root_.get()));
    if (::fchdir(root_.get()) != 0) return fail(errno_error("enter root", errno));
    // pivot_root(2), NOTES: the old root is stacked over the new one, and then taken away.
    if (::syscall(SYS_pivot_root, ".", ".") != 0) return fail(errno_error("pivot_root", errno));
    if (::umount2(".", MNT_DETACH) != 0) return fail(errno_error("detach old root", errno));
    if (::chdir("/") != 0) return fail(errno_error("enter root", errno));
    root_.reset();
    dev_.reset();
    return {};
}

}  // namespace ac::sandbox
