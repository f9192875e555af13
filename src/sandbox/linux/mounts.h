#pragma once
// Mounts made detached, restricted, and only then attached: nothing is ever visible with more
// rights than it ends up with.

#include <cstdint>
#include <optional>
#include <string>

#include "base/file.h"
#include "base/result.h"

namespace ac::sandbox {

enum class Access { read_only, writable };
enum class Devices { none, usable };

struct TmpfsOptions {
    std::uint64_t bytes_max = 0;
    std::uint64_t files_max = 0;
    std::string mode = "0755";
    std::optional<unsigned> owner = {};  // uid and gid, as numbered here; ours when not said
};

// A copy of the mount tree at `path`, relative to `folder` (or AT_FDCWD), with what is mounted
// below: private, nosuid, without devices unless asked, read-only all the way down unless writable.
// not_found: no such path.
Result<UniqueFd> clone_mount(int folder, const std::string& path, Access access, Devices devices);

// Shows the files of the namespace's outside id as those of its inside id (UserNamespaces).
Result<> map_owners(int mount, int user_namespace);

// nosuid, nodev.
Result<UniqueFd> make_tmpfs(const TmpfsOptions& options);
// Type "proc" or "devpts", with "key=value" options separated by commas.
Result<UniqueFd> make_filesystem(const char* type, const std::string& options, unsigned attributes);

// Attaches at `path` below the folder `root`, which no symbolic link can leave.
Result<> attach(int mount, int root, const std::string& path);

Result<> set_read_only(int mount);

enum class Kind { folder, file };
// Makes `path` and what is above it, below `root`. What is there already stays as it is.
Result<> make_mount_point(int root, const std::string& path, Kind kind);

}  // namespace ac::sandbox
