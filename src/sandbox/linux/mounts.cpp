#include "sandbox/linux/mounts.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <span>
#include <sstream>
#include <vector>

namespace ac::sandbox {
namespace {

Result<> set_attributes(int mount, std::uint64_t attributes, unsigned flags) {
    mount_attr wanted{};
    wanted.attr_set = attributes;
    wanted.propagation = MS_PRIVATE;
    if (::mount_setattr(mount, "", AT_EMPTY_PATH | flags, &wanted, sizeof wanted) != 0)
        return fail(errno_error("mount_setattr", errno));
    return {};
}

// As seen by a process whose root is `root`: no "..", no link leads out of it.
UniqueFd open_below(int root, const std::string& path, int flags) {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    return UniqueFd(static_cast<int>(
        ::syscall(SYS_openat2, root, path.empty() ? "." : path.c_str(), &how, sizeof how)));
}

// The last of `parts`, in the folder that the others name; made if need be, and those likewise.
// Mostly it is there, or its folder is: a look at each part on the way would be most of the work.
// errno tells why not.
UniqueFd make_below(int root, std::span<const std::string> parts, Kind kind) {
    const std::string whole = fmt::format("{}", fmt::join(parts, "/"));
    UniqueFd there = open_below(root, whole, O_PATH);
    if (there || parts.empty()) return there;
    const auto above = parts.first(parts.size() - 1);
    const UniqueFd parent = make_below(root, above, Kind::folder);
    if (!parent) return {};
    const char* const name = parts.back().c_str();
    if (kind == Kind::file)
        return UniqueFd(
            ::openat(parent.get(), name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0444));
    if (::mkdirat(parent.get(), name, 0755) != 0) return {};
    return UniqueFd(::openat(parent.get(), name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
}

}  // namespace

Result<UniqueFd> clone_mount(int folder, const std::string& path, Access access, Devices devices) {
    UniqueFd mount(
        ::open_tree(folder, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
    if (!mount) return fail(errno_error(path, errno));
    std::uint64_t attributes = MOUNT_ATTR_NOSUID;
    if (access == Access::read_only) attributes |= MOUNT_ATTR_RDONLY;
    if (devices == Devices::none) attributes |= MOUNT_ATTR_NODEV;
    AC_CHECK(set_attributes(mount.get(), attributes, AT_RECURSIVE));
    return mount;
}

Result<> map_owners(int mount, int user_namespace) {
    mount_attr wanted{};
    wanted.attr_set = MOUNT_ATTR_IDMAP;
    wanted.userns_fd = static_cast<std::uint64_t>(user_namespace);
    if (::mount_setattr(mount, "", AT_EMPTY_PATH, &wanted, sizeof wanted) != 0)
        return fail(errno_error("map owners", errno));
    return {};
}

Result<UniqueFd> make_filesystem(const char* type, const std::string& options,
                                 unsigned attributes) {
    const UniqueFd context(::fsopen(type, FSOPEN_CLOEXEC));
    if (!context) return fail(errno_error(fmt::format("fsopen {}", type), errno));
    std::istringstream parts(options);
    for (std::string part; std::getline(parts, part, ',');) {
        const std::size_t equals = part.find('=');
        const bool flag = equals == std::string::npos;
        const std::string key = part.substr(0, equals);
        const std::string value = flag ? "" : part.substr(equals + 1);
        if (::fsconfig(context.get(), flag ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING, key.c_str(),
                       flag ? nullptr : value.c_str(), 0) != 0)
            return fail(errno_error(fmt::format("{} option {}", type, part), errno));
    }
    if (::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
        return fail(errno_error(fmt::format("make {}", type), errno));
    UniqueFd mount(::fsmount(context.get(), FSMOUNT_CLOEXEC, attributes));
    if (!mount) return fail(errno_error(fmt::format("fsmount {}", type), errno));
    return mount;
}

Result<UniqueFd> make_tmpfs(const TmpfsOptions& options) {
    std::string text = fmt::format("size={},nr_inodes={},mode={}", options.bytes_max,
                                   options.files_max, options.mode);
    if (options.owner) text += fmt::format(",uid={0},gid={0}", *options.owner);
    return make_filesystem("tmpfs", text, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
}

Result<> attach(int mount, int root, const std::string& path) {
    const UniqueFd target = open_below(root, path, O_PATH);
    if (!target) return fail(errno_error("no such place in the guest: " + path, errno));
    if (::move_mount(mount, "", target.get(), "",
                     MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0)
        return fail(errno_error("mount at " + path, errno));
    return {};
}

Result<> set_read_only(int mount) {
    return set_attributes(mount, MOUNT_ATTR_RDONLY, 0);
}

Result<> make_mount_point(int root, const std::string& path, Kind kind) {
    std::vector<std::string> parts;
    std::istringstream all(path);
    for (std::string part; std::getline(all, part, '/');) {
        if (part.empty() || part == ".") continue;
        if (part == "..") return fail(ErrorCode::invalid_argument, "mount at " + path + ": has ..");
        parts.push_back(std::move(part));
    }
    if (parts.empty())
        return fail(ErrorCode::invalid_argument, "a mount cannot replace the guest's root");
    const auto made = make_below(root, parts, kind);
    if (!made) return fail(errno_error("mount at " + path, errno));
    return {};
}

}  // namespace ac::sandbox
