#include "runtime/session_storage.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <limits>
#include <memory>

#include "base/file.h"
#include "crypto/hash.h"

namespace ac::runtime {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kNameDigits = 32;
constexpr int kDepthMax = 200;  // AWS quota; what is deeper counts as too much

std::string session_folder(const SessionAddress& address) {
    return sha256_hex(address.endpoint + '\n' + address.session.text()).substr(0, kNameDigits);
}

struct CloseFolder {
    void operator()(DIR* folder) const { ::closedir(folder); }
};
using Folder = std::unique_ptr<DIR, CloseFolder>;

// By descriptors all the way: a guest that runs may put a link where a folder was.
Folder open_folder(int parent, const char* name) {
    const UniqueFd found(::openat(parent, name, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC));
    struct stat info{};
    if (!found || ::fstat(found.get(), &info) != 0) return nullptr;
    if ((info.st_mode & S_IRWXU) != S_IRWXU)
        ::chmod(fmt::format("/proc/self/fd/{}", found.get()).c_str(),
                (info.st_mode & 07777) | S_IRWXU);
    UniqueFd readable(::openat(found.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!readable) return nullptr;
    Folder folder(::fdopendir(readable.get()));
    if (folder) (void)readable.release();
    return folder;
}

class Measure final {
  public:
    explicit Measure(StorageUse most) : most_(most) {}

    void add(int parent, const char* name, int depth) {
        const Folder folder = open_folder(parent, name);
        if (!folder) return;
        if (depth > kDepthMax) {
            use_.files = std::numeric_limits<std::uint64_t>::max();
            return;
        }
        const int here = ::dirfd(folder.get());
        while (const dirent* const entry = ::readdir(folder.get())) {
            const std::string_view found(entry->d_name);
            if (found == "." || found == "..") continue;
            struct stat info{};
            if (::fstatat(here, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
            use_.files += 1;
            use_.bytes += static_cast<std::uint64_t>(info.st_blocks) * 512;
            if (use_.files > most_.files || use_.bytes > most_.bytes) return;
            if (S_ISDIR(info.st_mode)) add(here, entry->d_name, depth + 1);
            if (use_.files > most_.files || use_.bytes > most_.bytes) return;
        }
    }
    StorageUse use() const { return use_; }

  private:
    const StorageUse most_;
    StorageUse use_;
};

void remove_tree(const fs::path& folder) {
    constexpr auto kAll = std::numeric_limits<std::uint64_t>::max();
    (void)measure_storage(folder,
                          {kAll - 1, kAll - 1});  // makes every folder one that we may empty
    std::error_code error;
    fs::remove_all(folder, error);
}

}  // namespace

StorageUse measure_storage(const fs::path& folder, StorageUse most) {
    Measure measure(most);
    measure.add(AT_FDCWD, folder.c_str(), 0);
    return measure.use();
}

Result<fs::path> SessionStorage::open(const SessionAddress& address,
                                      const std::string& mount_path) const {
    const fs::path session = folder_ / address.runtime.text() / session_folder(address);
    const fs::path mounted = session / fs::path(mount_path).filename();
    std::error_code error;
    fs::create_directories(mounted, error);
    if (!error) fs::permissions(mounted, fs::perms::owner_all, error);
    // When it was last used, for prune().
    if (!error && ::utimensat(AT_FDCWD, session.c_str(), nullptr, 0) != 0)
        error = std::error_code(errno, std::generic_category());
    if (error) return fail(ErrorCode::unavailable, "session storage: " + error.message());
    return mounted;
}

void SessionStorage::forget(const RuntimeId& runtime) const {
    remove_tree(folder_ / runtime.text());
}

void SessionStorage::prune(WallTime unused_since) const {
    std::error_code error;
    for (const auto& runtime : fs::directory_iterator(folder_, error)) {
        for (const auto& session : fs::directory_iterator(runtime.path(), error)) {
            struct stat info{};
            if (::lstat(session.path().c_str(), &info) != 0) continue;
            if (WallTime(Seconds(info.st_mtim.tv_sec)) < unused_since) remove_tree(session.path());
        }
    }
}

}  // namespace ac::runtime
