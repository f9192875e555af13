#pragma once
// Who an image runs as: USER in its configuration, names looked up in its own /etc/passwd and
// /etc/group (OCI image-spec, config.md: user, uid, user:group, uid:gid, uid:group, user:gid).

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "base/result.h"

namespace ac::oci {

struct User {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    bool operator==(const User&) const = default;
};

// Empty: root. A number needs no entry; its group is then its entry's, else 0. invalid_argument: a
// name that is not there, a number out of range.
Result<User> find_user(std::string_view user, std::string_view passwd, std::string_view group);
// The same for an unpacked image.
Result<User> user_of_image(const std::filesystem::path& root, std::string_view user);

}  // namespace ac::oci
