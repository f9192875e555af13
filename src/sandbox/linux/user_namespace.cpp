#include "sandbox/linux/user_namespace.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <string>

#include "sandbox/linux/files.h"

namespace ac::sandbox {
namespace {

constexpr std::size_t kCachedMax = 4096;  // one descriptor each
// Of a process that does nothing but wait to be killed.
constexpr std::size_t kCarrierStackBytes = 16 * 1024;

// The thread sanitizer keeps what it knows of a thread in memory that parent and child would share.
#if defined(__SANITIZE_THREAD__)
constexpr bool kSharesMemory = false;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
constexpr bool kSharesMemory = false;
#else
constexpr bool kSharesMemory = true;
#endif
#else
constexpr bool kSharesMemory = true;
#endif

int wait_for_the_end(void*) {
    while (true) ::pause();
}

std::string map_line(IdMap map) {
    return fmt::format("{} {} 1\n", map.inside, map.outside);
}

Result<UniqueFd> map_and_open(pid_t child, IdMap users, IdMap groups) {
    const std::string folder = fmt::format("/proc/{}/", child);
    // Without privilege, giving up setgroups() comes first (user_namespaces(7)).
    if (::geteuid() != 0) AC_CHECK(write_once(folder + "setgroups", "deny"));
    AC_CHECK(write_once(folder + "gid_map", map_line(groups)));
    AC_CHECK(write_once(folder + "uid_map", map_line(users)));
    UniqueFd fd(::open((folder + "ns/user").c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return fail(errno_error("open user namespace", errno));
    return fd;
}

}  // namespace

Result<UniqueFd> make_user_namespace(IdMap users, IdMap groups) {
    // The child only carries the namespace until we hold a descriptor of it. It shares our memory,
    // to which it writes nothing but this stack: copying a process takes ten times as long.
    alignas(16) std::array<std::byte, kCarrierStackBytes> stack;
    const pid_t child = ::clone(wait_for_the_end, stack.data() + stack.size(),
                                (kSharesMemory ? CLONE_VM : 0) | CLONE_NEWUSER | SIGCHLD, nullptr);
    if (child < 0) return fail(errno_error("clone", errno));
    auto result = map_and_open(child, users, groups);
    ::kill(child, SIGKILL);
    while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
    return result;
}

Result<int> UserNamespaces::get(IdMap users, IdMap groups) {
    const std::pair key{users, groups};
    if (const auto found = made_.find(key); found != made_.end()) return found->second.get();
    if (made_.size() >= kCachedMax) made_.clear();
    AC_TRY(UniqueFd made, make_user_namespace(users, groups));
    return made_.emplace(key, std::move(made)).first->second.get();
}

}  // namespace ac::sandbox
