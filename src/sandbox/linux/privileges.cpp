#include "sandbox/privileges.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "base/file.h"

namespace ac::sandbox {
namespace {

struct User {
    uid_t uid = 0;
    gid_t gid = 0;
};

Result<User> find_user(const std::string& user) {
    unsigned number = 0;
    const char* end = user.data() + user.size();
    if (const auto [stop, error] = std::from_chars(user.data(), end, number);
        error == std::errc{} && stop == end)
        return User{.uid = number, .gid = number};
    errno = 0;
    const passwd* entry = getpwnam(user.c_str());  // before any thread exists
    if (!entry)
        return fail(ErrorCode::invalid_argument,
                    fmt::format("there is no user {}; add it with: adduser --system --group {}",
                                user, user));
    return User{.uid = entry->pw_uid, .gid = entry->pw_gid};
}

Result<> clear_capabilities() {
    // The bounding set first: it needs CAP_SETPCAP, which goes with the rest.
    for (int cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; ++cap)
        if (prctl(PR_CAPBSET_DROP, cap) != 0 && errno != EPERM)
            return fail(errno_error("drop from the capability bounding set", errno));
    cap_t none = cap_init();
    const int set = none ? cap_set_proc(none) : -1;
    const int error = errno;
    cap_free(none);
    if (set != 0) return fail(errno_error("drop capabilities", error));
    return {};
}

}  // namespace

Result<> drop_privileges(const std::string& user) {
    if (!user.empty() && geteuid() == 0) {
        AC_TRY(const User target, find_user(user));
        if (setgroups(0, nullptr) != 0 || setresgid(target.gid, target.gid, target.gid) != 0 ||
            setresuid(target.uid, target.uid, target.uid) != 0)
            return fail(errno_error("become user " + user, errno));
    }
    AC_CHECK(clear_capabilities());
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return fail(errno_error("set no_new_privs", errno));
    return {};
}

Result<> give_to_user(const std::string& path, const std::string& user) {
    if (user.empty() || geteuid() != 0) return {};
    AC_TRY(const User target, find_user(user));
    if (chown(path.c_str(), target.uid, target.gid) != 0)
        return fail(errno_error("give " + path + " to " + user, errno));
    return {};
}

}  // namespace ac::sandbox
