#pragma once
// How the agent of a session is started: what it sees, what it may use, its command and its
// environment. Pure: nothing is started here.

#include <string>
#include <vector>

#include "runtime/catalog.h"
#include "runtime/limits.h"
#include "runtime/types.h"
#include "sandbox/limits.h"
#include "sandbox/policy.h"

namespace ac::runtime {

struct GuestPlan {
    sandbox::Policy policy;
    sandbox::Limits limits;
    std::vector<std::string> argv;
    std::vector<std::string> environment;
    std::string folder;
};

// What a guest is told of the world around it.
struct GuestLinks {
    std::string public_url;    // where callers reach this server; empty: not told
    std::string platform_url;  // where the guest itself reaches it; empty: nowhere
    std::string egress_url;    // the guest's HTTP proxy; empty: there is none
};

GuestPlan plan_guest(const Scope& scope, const RuntimeId& runtime, const std::string& endpoint,
                     const Resolved& target, const RuntimeLimits& limits, const GuestLinks& links);

}  // namespace ac::runtime
