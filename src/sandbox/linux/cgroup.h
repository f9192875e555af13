#pragma once
// Control groups of guests, version 2 or version 1 (also the hybrid of both), nested below the
// group that we were started in:
//
//   v2   <own>/agentcored-<instance>/<guest>
//   v1   <memory own>/agentcored-<instance>/<guest>, the same for pids, cpu, cpuacct
//
// Kernel documentation: admin-guide/cgroup-v2.rst, admin-guide/cgroup-v1/.

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "sandbox/limits.h"
#include "sandbox/sandbox.h"

namespace ac::sandbox {

// Where each controller can be used: its own group's folder. From /proc/self/cgroup and
// /proc/self/mountinfo; pure, so that other machines' layouts can be tested.
struct CgroupLayout {
    std::map<std::string, std::filesystem::path, std::less<>> v1;  // by controller
    std::optional<std::filesystem::path> v2;
};
CgroupLayout parse_cgroup_layout(std::string_view proc_self_cgroup, std::string_view mountinfo);

// The group of one guest. Destroying it does not remove it: remove() does, once nobody is inside.
class GuestCgroup final {
  public:
    struct Folder {
        std::string controller;  // "memory", ...; "" is the unified hierarchy
        std::filesystem::path path;
        UniqueFd entry;  // v1: its cgroup.procs; v2: the folder. Until forget_entries()
    };

    Result<> set_limits(const Limits& limits);
    // Of the processors, against other guests that want them at the same time.
    Result<> set_weight(bool is_background) const;
    // v2: for CLONE_INTO_CGROUP. -1 with v1, where the child enters by itself (enter()).
    int clone_into() const;
    // v1: descriptors to write "0" to. Entering waits for an RCU grace period (some ms).
    std::vector<int> entries() const;
    // Once the guest's process has been made: who keeps a thousand guests keeps descriptors for
    // each, and every process that is made afterwards copies and closes them all.
    void forget_entries();
    // v1: becomes readable when the group runs out of memory. -1 where there is none.
    int out_of_memory_event() const { return oom_event_.get(); }
    bool out_of_memory() const;
    Usage usage() const;
    void kill() const;
    // false: not empty yet.
    bool remove();

  private:
    friend class CgroupTree;
    const Folder* find(std::string_view controller) const;
    Result<> set(std::string_view controller, std::string_view v1_file, std::string_view v2_file,
                 const std::string& value) const;
    std::vector<Folder> folders_;
    UniqueFd oom_event_;
};

class CgroupTree final {
  public:
    // Finds what can be used and makes the instance's groups. Never fails: what is missing is in
    // missing(), with the reason.
    static CgroupTree open(const CgroupLayout& layout, const std::string& instance);
    // Kills whoever an earlier run left in the instance's groups, and removes those.
    void clean();
    // Removes the instance's own groups. They must be empty.
    void remove();

    Result<GuestCgroup> create(const std::string& guest);

    // layer name ("cgroup-memory", "cgroup-pids", "cgroup-cpu") to why it is missing.
    const std::map<std::string, std::string>& missing() const { return missing_; }

  private:
    struct Base {
        std::string controller;
        std::filesystem::path path;
    };
    void open_v2(const std::filesystem::path& own, const std::string& name);
    std::vector<Base> bases_;
    std::map<std::string, std::string> missing_;
};

}  // namespace ac::sandbox
