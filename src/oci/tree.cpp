#include "oci/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <vector>

namespace ac::oci {
namespace {

constexpr std::size_t kPathBytesMax = 4095;
constexpr std::size_t kNameBytesMax = 255;
constexpr std::size_t kDepthMax = 128;
constexpr int kRemoveDepthMax = 512;  // links let a layer nest deeper than one path can

std::unexpected<Error> refused(std::string_view name, std::string_view why) {
    constexpr std::size_t kQuoted = 100;
    std::string shown;
    for (const char c : name.substr(0, kQuoted))
        shown += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    return fail(ErrorCode::invalid_argument,
                "a layer of the image is refused: '" + shown + "' " + std::string(why));
}

std::string_view folder_of(std::string_view path) {
    const auto slash = path.rfind('/');
    return slash == path.npos ? std::string_view() : path.substr(0, slash);
}

std::string name_of(const std::string& path) {
    return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

struct CloseFolder {
    void operator()(DIR* folder) const { ::closedir(folder); }
};

// The names in a folder; `folder` stays open.
Result<std::vector<std::string>> names_in(int folder) {
    const int copy = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (copy < 0) return fail(errno_error("read a folder of the image", errno));
    const std::unique_ptr<DIR, CloseFolder> listing(::fdopendir(copy));
    if (!listing) return fail(errno_error("read a folder of the image", errno));
    std::vector<std::string> out;
    while (const dirent* entry = ::readdir(listing.get())) {
        std::string name = entry->d_name;
        if (name != "." && name != "..") out.push_back(std::move(name));
    }
    return out;
}

Result<> remove_at(int folder, const std::string& name, int depth) {
    if (::unlinkat(folder, name.c_str(), 0) == 0 || errno == ENOENT) return {};
    if (errno != EISDIR && errno != EPERM) return fail(errno_error("remove " + name, errno));
    if (depth == 0) return refused(name, "lies too deep");
    const UniqueFd inner(
        ::openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!inner) return fail(errno_error("remove " + name, errno));
    AC_TRY(const auto names, names_in(inner.get()));
    for (const std::string& one : names) AC_CHECK(remove_at(inner.get(), one, depth - 1));
    if (::unlinkat(folder, name.c_str(), AT_REMOVEDIR) != 0)
        return fail(errno_error("remove " + name, errno));
    return {};
}

}  // namespace

Result<std::string> normal_path(std::string_view name) {
    if (name.size() > kPathBytesMax) return refused(name, "has too long a name");
    std::string out;
    std::size_t depth = 0;
    while (!name.empty()) {
        const auto slash = std::min(name.find('/'), name.size());
        const std::string_view part = name.substr(0, slash);
        name.remove_prefix(std::min(slash + 1, name.size()));
        if (part.empty() || part == ".") continue;
        if (part == "..") return refused(out + "/..", "climbs");
        if (part.size() > kNameBytesMax) return refused(part, "has too long a name");
        if (++depth > kDepthMax) return refused(out, "lies too deep");
        if (!out.empty()) out += '/';
        out += part;
    }
    return out;
}

Result<Tree> Tree::open(const std::filesystem::path& root) {
    UniqueFd folder(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!folder) return fail(errno_error("open " + root.string(), errno));
    return Tree(std::move(folder));
}

UniqueFd Tree::resolve(const std::string& path, int flags) const {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    return UniqueFd(static_cast<int>(
        ::syscall(SYS_openat2, root_.get(), path.empty() ? "." : path.c_str(), &how, sizeof how)));
}

Result<UniqueFd> Tree::open_file(const std::string& path) const {
    UniqueFd file = resolve(path, O_RDONLY | O_NONBLOCK);
    struct stat info{};
    if (!file || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode))
        return fail(ErrorCode::not_found, "there is no file " + path);
    return file;
}

Result<UniqueFd> Tree::parent_of(const std::string& path) {
    const std::string folder(folder_of(path));
    UniqueFd found = resolve(folder, O_PATH | O_DIRECTORY);
    if (found) return found;
    if (errno != ENOENT) return fail(errno_error("a layer of the image: " + folder, errno));
    AC_CHECK(make_folder(folder));
    found = resolve(folder, O_PATH | O_DIRECTORY);
    if (!found) return fail(errno_error("a layer of the image: " + folder, errno));
    return found;
}

Result<UniqueFd> Tree::place_for(const std::string& path) {
    if (path.empty()) return refused("/", "is not a folder");
    AC_TRY(UniqueFd parent, parent_of(path));
    AC_CHECK(remove_at(parent.get(), name_of(path), kRemoveDepthMax));
    return parent;
}

Result<> Tree::make_folder(const std::string& path) {
    if (path.empty()) return {};
    AC_TRY(const UniqueFd parent, parent_of(path));
    const std::string name = name_of(path);
    if (::mkdirat(parent.get(), name.c_str(), 0755) == 0) {
        ::fchmodat(parent.get(), name.c_str(), 0755, 0);  // whatever our umask is
        return {};
    }
    if (errno != EEXIST) return fail(errno_error("a layer of the image: " + path, errno));
    struct stat info{};
    if (::fstatat(parent.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISDIR(info.st_mode))
        return {};
    // A link to a folder stays one: later layers write through it (/lib of most distributions).
    if (resolve(path, O_PATH | O_DIRECTORY)) return {};
    AC_CHECK(remove_at(parent.get(), name, kRemoveDepthMax));
    if (::mkdirat(parent.get(), name.c_str(), 0755) != 0)
        return fail(errno_error("a layer of the image: " + path, errno));
    return {};
}

Result<UniqueFd> Tree::make_file(const std::string& path, bool executable) {
    AC_TRY(const UniqueFd parent, place_for(path));
    const unsigned mode = executable ? 0755 : 0644;
    UniqueFd file(::openat(parent.get(), name_of(path).c_str(),
                           O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
    if (!file) return fail(errno_error("a layer of the image: " + path, errno));
    ::fchmod(file.get(), mode);
    return file;
}

Result<> Tree::make_link(const std::string& path, const std::string& target) {
    if (target.empty() || target.size() > kPathBytesMax) return refused(path, "links to nothing");
    AC_TRY(const UniqueFd parent, place_for(path));
    if (::symlinkat(target.c_str(), parent.get(), name_of(path).c_str()) != 0)
        return fail(errno_error("a layer of the image: " + path, errno));
    return {};
}

Result<> Tree::make_hard_link(const std::string& path, const std::string& existing) {
    const UniqueFd file = resolve(existing, O_PATH | O_NOFOLLOW);
    struct stat info{};
    if (!file || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode))
        return refused(path, "is a hard link to what is no file of the image");
    AC_TRY(const UniqueFd parent, parent_of(path));
    // Of itself, in a repeated entry: removing the place first would remove the file.
    struct stat here{};
    const std::string name = name_of(path);
    if (::fstatat(parent.get(), name.c_str(), &here, AT_SYMLINK_NOFOLLOW) == 0 &&
        here.st_ino == info.st_ino && here.st_dev == info.st_dev)
        return {};
    AC_CHECK(remove_at(parent.get(), name, kRemoveDepthMax));
    const std::string self = "/proc/self/fd/" + std::to_string(file.get());
    if (::linkat(AT_FDCWD, self.c_str(), parent.get(), name.c_str(), AT_SYMLINK_FOLLOW) != 0)
        return fail(errno_error("a layer of the image: " + path, errno));
    return {};
}

Result<> Tree::remove(const std::string& path) {
    if (path.empty()) return refused("/", "cannot be removed");
    const UniqueFd parent = resolve(std::string(folder_of(path)), O_PATH | O_DIRECTORY);
    if (!parent) return {};
    return remove_at(parent.get(), name_of(path), kRemoveDepthMax);
}

Result<> Tree::clear(const std::string& path, const std::unordered_set<std::string>& kept) {
    const UniqueFd folder = resolve(path, O_PATH | O_DIRECTORY);
    if (!folder) return {};
    AC_TRY(const auto names, names_in(folder.get()));
    for (const std::string& name : names) {
        const std::string whole = path.empty() ? name : path + "/" + name;
        if (!kept.contains(whole)) {
            AC_CHECK(remove_at(folder.get(), name, kRemoveDepthMax));
            continue;
        }
        struct stat info{};
        if (::fstatat(folder.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISDIR(info.st_mode))
            AC_CHECK(clear(whole, kept));
    }
    return {};
}

void remove_tree(const std::filesystem::path& folder) {
    (void)remove_at(AT_FDCWD, folder.string(), kRemoveDepthMax);
}

}  // namespace ac::oci
