#pragma once
// What this host can isolate. `agentcore doctor` prints it; the daemon refuses to run guests when
// a layer is missing, unless the operator accepts that layer by name (sandbox.accept_missing).

#include <string>
#include <vector>

namespace ac::sandbox {

struct Layer {
    std::string name;  // "user-namespace", "cgroup-memory", "seccomp", "landlock", ...
    bool available = false;
    std::string detail;        // version, or why not
    std::string remedy;        // the command that mends it, when there is one
    bool is_optional = false;  // guests are contained without it
};

struct Report {
    std::vector<Layer> layers;
    bool missing(const std::vector<std::string>& accepted, std::string& names) const;
};

// Tries each layer for real, in a child process. Takes a few milliseconds.
Report probe();

}  // namespace ac::sandbox
