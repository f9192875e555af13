#pragma once
// What the daemon gives up once its launcher runs: every capability, the way to new ones, and, when
// told so, its user.

#include <string>

#include "base/result.h"

namespace ac::sandbox {

// Call on the only thread. `user` is a name or a number; empty keeps the uid (uid 0 without
// capabilities is the owner of root's files and nothing more). invalid_argument: no such user.
Result<> drop_privileges(const std::string& user);

// Gives `path` to that user, so that the daemon can write there afterwards. No-op when empty.
Result<> give_to_user(const std::string& path, const std::string& user);

}  // namespace ac::sandbox
