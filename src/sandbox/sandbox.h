#pragma once
// The port to whatever contains guests: start one, watch it, reach its network, end it. The Linux
// back end is linux/ (namespaces, cgroup, seccomp, Landlock; docs/design/0003-sandbox.md); the fake
// is for tests of what stands on the port. Both pass sandbox_contract.h.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "async/loop.h"
#include "async/task.h"
#include "base/file.h"
#include "sandbox/command.h"
#include "sandbox/limits.h"
#include "sandbox/outcome.h"
#include "sandbox/policy.h"

namespace ac::sandbox {

struct Usage {
    std::uint64_t memory_bytes = 0;
    std::uint64_t memory_bytes_peak = 0;
    std::uint64_t cpu_microseconds = 0;
    std::uint32_t processes = 0;
};

// A further command in a guest that runs. Destroying it kills the command and what it started,
// unless that made a session of its own; nothing of it outlives the guest. Thread-safe.
class Execution {
  public:
    virtual ~Execution() = default;
    // Ends when the command has ended, or its guest. May be awaited by several.
    virtual Task<Outcome> wait() = 0;
    virtual void kill() = 0;
    // The owner's end of Command::terminal, non-blocking, once; empty where none was asked for.
    // What the command reads is written there. Reading fails (EIO) once nobody has the terminal any
    // more; closing hangs up. Came from inside the guest: a pty's master, and no more than that is
    // known.
    virtual UniqueFd take_terminal() = 0;
};

// The live handle of one guest. Destroying it kills the guest. Thread-safe.
class Monitor {
  public:
    virtual ~Monitor() = default;

    // Ends when the guest has ended and everything of it (processes, cgroup, mounts) is gone. May
    // be awaited by several, also after the end.
    virtual Task<Outcome> wait() = 0;

    // SIGTERM to the command, SIGKILL to all after `grace`. Returns at once; wait() tells the end.
    virtual void stop(Milliseconds grace) = 0;

    // A connected, non-blocking TCP socket to 127.0.0.1:`port` inside the guest's network.
    // unavailable: nobody listens there (now).
    virtual Task<UniqueFd> connect(std::uint16_t port) = 0;

    // A listening, non-blocking TCP socket on 127.0.0.1:`port` inside the guest's network, so that
    // the guest can reach the platform. Who connects there is this guest, no credential needed.
    virtual Task<UniqueFd> listen(std::uint16_t port) = 0;

    // Runs a command beside the guest's own, in the same containment. unavailable: the guest has
    // ended; invalid_argument: no such program or folder.
    virtual Task<std::unique_ptr<Execution>> execute(Command command) = 0;

    // A guest in the background computes as ever while nobody else wants to, and hardly while
    // others do. Returns at once. Guests start in the foreground.
    enum class Ground { foreground, background };
    virtual void move_to(Ground ground) = 0;

    virtual Task<Usage> usage() = 0;
    virtual const std::string& id() const = 0;
};

class Sandbox {
  public:
    virtual ~Sandbox() = default;
    // The guest has been exec'ed when this ends. unavailable: a layer of containment is missing or
    // the machine is out of something; invalid_argument: no such program, folder or mount.
    virtual Task<std::unique_ptr<Monitor>> start(Policy policy, Limits limits, Command command) = 0;
};

}  // namespace ac::sandbox
