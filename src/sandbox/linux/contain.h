#pragma once
// How a fresh process (clone3 with new namespaces) is contained: two lists of steps, in
// contain.cpp, that can be read aloud. The first is the same for every guest and may run before it
// is known which guest it will be; the second is about one guest and ends with the syscall filter.

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/file.h"
#include "sandbox/linux/protocol.h"
#include "sandbox/linux/root_view.h"
#include "sandbox/linux/syscall_filter.h"

namespace ac::sandbox {

// What the launcher decided before it cloned.
struct Berth {
    bool privileged = false;  // root on the host: the user namespace is entered last
    bool own_network = true;
    unsigned host_id = 0;            // privileged: the guest's uid and gid on the host
    std::vector<int> group_entries;  // v1: cgroup.procs to enter by
    const SyscallFilter* filter = nullptr;
    const std::set<std::string>* accepted = nullptr;  // layers to do without
};

// What came with the order.
struct Order {
    SpawnRequest request;
    UniqueFd output;
    UniqueFd error;
    std::vector<UniqueFd> further;
    UniqueFd terminal;             // the guest's end, in place of the two
    UniqueFd user_namespace;       // privileged, unless the layer is missing and accepted
    std::vector<UniqueFd> mounts;  // privileged: one for each of request.mounts, detached
    UniqueFd root;                 // privileged, of a writable root: what it begins with
};

struct Confinement {
    const Berth& berth;
    Order order;
    std::optional<RootView> root;
};

// Errors name the step.
Result<> prepare(Confinement& confinement);
Result<> contain(Confinement& confinement);

}  // namespace ac::sandbox
