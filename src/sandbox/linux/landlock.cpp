#include "sandbox/linux/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "base/file.h"

namespace ac::sandbox {
namespace {

// Later than Debian 12's headers (Documentation/userspace-api/landlock.rst): ABI 3 TRUNCATE,
// ABI 6 scopes, which made the attribute longer.
constexpr std::uint64_t kTruncate = 1ULL << 14;
constexpr std::uint64_t kScopeAbstractUnixSocket = 1ULL << 0;
constexpr std::uint64_t kScopeSignal = 1ULL << 1;
struct RulesetAttributes {
    std::uint64_t handled_access_fs;
    std::uint64_t handled_access_net;
    std::uint64_t scoped;
};
constexpr std::size_t kFirstSize = sizeof(std::uint64_t);

std::uint64_t writes(int abi) {
    std::uint64_t out = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                        LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                        LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                        LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                        LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;
    if (abi >= 2) out |= LANDLOCK_ACCESS_FS_REFER;
    if (abi >= 3) out |= kTruncate;
    return out;
}

}  // namespace

int landlock_abi() {
    const long abi =
        ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return abi < 0 ? 0 : static_cast<int>(abi);
}

Result<> restrict_writes_to(const std::vector<std::string>& folders) {
    const int abi = landlock_abi();
    if (abi == 0) return fail(ErrorCode::unavailable, "the kernel has no Landlock");
    RulesetAttributes attributes{.handled_access_fs = writes(abi)};
    if (abi >= 6) attributes.scoped = kScopeAbstractUnixSocket | kScopeSignal;
    const std::size_t size = abi >= 6 ? sizeof attributes : kFirstSize;
    const UniqueFd ruleset(
        static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, size, 0)));
    if (!ruleset) return fail(errno_error("landlock ruleset", errno));
    for (const std::string& folder : folders) {
        const UniqueFd parent(::open(folder.c_str(), O_PATH | O_CLOEXEC));
        if (!parent) return fail(errno_error("landlock " + folder, errno));
        landlock_path_beneath_attr rule{};
        struct stat info{};
        const bool is_folder = ::fstat(parent.get(), &info) == 0 && S_ISDIR(info.st_mode);
        rule.allowed_access = writes(abi);
        if (!is_folder)
            rule.allowed_access &= LANDLOCK_ACCESS_FS_WRITE_FILE | (abi >= 3 ? kTruncate : 0);
        rule.parent_fd = parent.get();
        if (::syscall(SYS_landlock_add_rule, ruleset.get(), LANDLOCK_RULE_PATH_BENEATH, &rule, 0))
            return fail(errno_error("landlock " + folder, errno));
    }
    if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0)
        return fail(errno_error("landlock", errno));
    return {};
}

}  // namespace ac::sandbox
