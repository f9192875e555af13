#pragma once
// The launcher is a small process of its own that creates guests: started before the daemon has
// any thread, it keeps the privileges that the daemon then gives up. When the daemon dies, however
// it dies, the launcher sees its socket close, kills every guest and removes their cgroups.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "sandbox/sandbox.h"

namespace ac::sandbox {

struct LauncherOptions {
    std::string instance;                     // names our cgroups: one per data folder
    std::vector<std::string> accept_missing;  // layers the operator does without, by name
    // Guests run as uids of [first_uid, first_uid + uid_count), one each, when we are root.
    unsigned first_uid = 2'000'000;
    unsigned uid_count = 65'536;
    // Guests prepared ahead of demand, which makes a start some 8 ms faster. Root only.
    unsigned warm = 2;
    // A descriptor that the launcher holds until every guest is gone, -1 for none: with the lock of
    // the data folder, a daemon that follows a killed one waits until its guests are cleaned up.
    int hold_open = -1;
};

// The launcher's socket, held by the daemon.
struct Launcher {
    UniqueFd socket;
    int pid = -1;
};

// Call from main() before any thread exists. Cleans what an earlier run of this instance left
// behind (processes, cgroups).
Result<Launcher> start_launcher(LauncherOptions options);

// Runs on `loop`; `loop` outlives it. `on_gone` is called once, there, when the launcher has ended
// although nobody asked it to: nothing can be started any more.
Result<std::unique_ptr<Sandbox>> make_linux_sandbox(Launcher launcher, Loop& loop,
                                                    std::function<void()> on_gone = {});

}  // namespace ac::sandbox
