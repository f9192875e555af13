#pragma once
// Runs the tools of a build (compiler, package installer) as guests, one after the other: they
// handle code of strangers, so they are contained like an agent is.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "runtime/build_log.h"
#include "runtime/build_options.h"
#include "runtime/install_door.h"
#include "runtime/interpreter.h"
#include "runtime/limits.h"
#include "sandbox/sandbox.h"

namespace ac::runtime {

inline constexpr std::string_view kCodePath = "/var/task";
inline constexpr std::string_view kOverlayPath = "/opt/agentcore/overlay";
inline constexpr std::string_view kPackagesPath = "/opt/agentcore/packages";

struct BoxRun {
    std::vector<std::string> argv;
    std::vector<std::string> environment;
    std::filesystem::path code;                  // seen at kCodePath
    bool code_is_writable = false;               // for the compiler's caches
    std::filesystem::path packages;              // seen at kPackagesPath, writable; empty: none
    bool network = false;                        // for an installer: what the box has for it
    std::vector<std::filesystem::path> visible;  // seen where they are, read-only
};

struct Box {
    sandbox::Sandbox& sandbox;
    const RuntimeLimits& limits;
    InstallDoor* door = nullptr;  // nullptr: installers have the host's network
};

// Ends well when the tool exits with 0; guest_failed otherwise, with what happened. Its output goes
// to `log`. References live until the Task is done.
Task<> run_in_box(const Box& box, BoxRun run, BuildLog& log);

}  // namespace ac::runtime
