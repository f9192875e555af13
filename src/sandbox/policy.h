#pragma once
// What a guest is allowed. A default Policy allows nothing: a read-only view of the host's
// userland (/usr and what it needs), private /tmp, /work, /proc and /dev, loopback as the only
// network, no capability, no new privileges, the syscall filter on. Each weakening takes a token
// from grants.h, so that every use can be found.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/grants.h"

namespace ac::sandbox {

// A host folder or file seen at `guest_path`. Read-only, nosuid, nodev.
struct ReadOnlyMount {
    std::filesystem::path host_path;
    std::filesystem::path guest_path;
};

struct GuestUser {
    std::uint32_t uid = 1000;
    std::uint32_t gid = 1000;
    bool operator==(const GuestUser&) const = default;
};

class Policy final {
  public:
    // The root: the host's /usr, /bin, /lib*, /etc/ssl, /etc/alternatives (read-only), or a root
    // file system of its own (an unpacked image), also read-only.
    void set_root(std::filesystem::path rootfs) { rootfs_ = std::move(rootfs); }
    // The ids that the guest sees itself as, in a user namespace of one uid and one gid: 0 is no
    // more privileged than others. Without privilege on the host it stays 1000.
    void set_user(GuestUser user) { user_ = user; }
    void add_mount(ReadOnlyMount mount) { mounts_.push_back(std::move(mount)); }

    // Weakenings.
    void set_writable_root(grants::WritableRoot, std::filesystem::path rootfs) {
        rootfs_ = std::move(rootfs);
        root_is_writable_ = true;
    }
    void add_writable_mount(grants::WritableMount, ReadOnlyMount mount) {
        writable_mounts_.push_back(std::move(mount));
    }
    void share_host_network(grants::HostNetwork) { host_network_ = true; }

    const std::optional<std::filesystem::path>& root() const { return rootfs_; }
    bool root_is_writable() const { return root_is_writable_; }
    GuestUser user() const { return user_; }
    const std::vector<ReadOnlyMount>& mounts() const { return mounts_; }
    const std::vector<ReadOnlyMount>& writable_mounts() const { return writable_mounts_; }
    bool host_network() const { return host_network_; }

  private:
    std::optional<std::filesystem::path> rootfs_;
    bool root_is_writable_ = false;
    GuestUser user_;
    std::vector<ReadOnlyMount> mounts_;
    std::vector<ReadOnlyMount> writable_mounts_;
    bool host_network_ = false;
};

}  // namespace ac::sandbox
