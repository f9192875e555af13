#pragma once
// What a guest sees as "/": a small tmpfs, read-only in the end, into which the userland (the
// host's or an image's), /dev, /proc and private writable folders are mounted. Built in two parts:
// what is the same for every guest may be there before it is known which guest it will be.

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/file.h"
#include "base/result.h"
#include "sandbox/limits.h"

namespace ac::sandbox {

// The uid and gid that a guest sees itself as.
inline constexpr unsigned kGuestId = 1000;

// A root that the guest may write to: an overlay of its own over a folder that stays as it is.
struct WritableRoot {
    int lower = -1;  // a detached mount of the folder, its files the guest's
    std::uint64_t bytes_max = 0;
    std::uint64_t files_max = 0;
    unsigned owner = 0;              // the guest, as numbered in this user namespace
    bool in_user_namespace = false;  // not the host's
};

class RootView final {
  public:
    // Empty root: the host's userland. Needs a mount namespace of one's own.
    static Result<RootView> build(const std::string& image);

    static Result<RootView> build_writable(const WritableRoot& wanted);

    // /tmp, /work and /dev/shm, of the guest's sizes; `owner` as numbered in this user namespace.
    Result<> add_private_folders(const Limits& limits, unsigned owner);
    Result<> add_mount(int mount, const std::string& guest_path);
    // The host's resolver and host table, for a guest that shares its network.
    Result<> add_host_resolver();
    // No more changes; becomes the root of the caller, the old root is gone.
    Result<> enter();

  private:
    Result<> add_host_userland();
    Result<> add_image(const std::string& image);
    Result<> add_synthetic_files();
    Result<> add_devices();
    Result<> add_proc();
    Result<> bind(int folder, const std::string& from, const std::string& to, bool device);
    UniqueFd root_;
    bool is_writable_ = false;
    UniqueFd dev_;
};

}  // namespace ac::sandbox
