#pragma once
// A guest as the launcher sees it: a berth (contained process, control group, channel) that first
// waits for an order, then has a command in it, then has ended and waits for its group to empty.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/file.h"
#include "sandbox/linux/cgroup.h"
#include "sandbox/linux/guest_init.h"
#include "sandbox/outcome.h"

namespace ac::sandbox {

struct Guest {
    std::uint64_t serial = 0;
    std::optional<std::uint64_t> id;  // once ordered: of the request that spawned it
    bool own_network = true;
    unsigned slot = 0;  // its uid is first_uid + slot
    pid_t pid = -1;
    UniqueFd pidfd;
    UniqueFd control;
    UniqueFd network;         // its network namespace
    UniqueFd user_namespace;  // unprivileged only: what `network` belongs to
    GuestCgroup group;

    bool started = false;
    bool reaped = false;
    std::optional<Reason> cause;  // the first reason to end that came from us
    std::optional<CommandFailed> failure;
    std::optional<int> status;                 // the command's
    std::map<std::uint64_t, bool> executions;  // by id: whether it runs already
    int init_status = 0;
    std::optional<SteadyTime> start_deadline;
    std::optional<SteadyTime> wall_deadline;
    std::optional<SteadyTime> kill_deadline;
    int remove_attempts = 0;
};

// What happened, in one place: pure.
Outcome outcome_of(const Guest& guest, bool out_of_memory);

}  // namespace ac::sandbox
