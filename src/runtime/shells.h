#pragma once
// The interactive shells of this process's sessions: each a shell program on a terminal of its own
// in a session's sandbox, which goes on when nobody is attached and ends with itself or its
// session. Thread-safe.

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "async/task_group.h"
#include "async/terminal.h"
#include "async/timer.h"
#include "runtime/session_host.h"
#include "runtime/shell_output.h"

namespace ac::runtime {

struct Shell {
    explicit Shell(std::string name, std::size_t kept) : id(std::move(name)), output(kept) {}

    const std::string id;
    ShellOutput output;
    // Set before anybody attaches, constant then.
    UniqueFd terminal;  // the owner's end; who reads or writes has a duplicate
    std::unique_ptr<sandbox::Execution> execution;
};

class Shells final {
  public:
    // All outlive the shells; `tasks` runs on the loop that reads their terminals.
    Shells(Timer& timer, const RuntimeLimits& limits, TaskGroup& tasks)
        : timer_(timer), limits_(limits), tasks_(tasks) {}

    struct Opened {
        std::shared_ptr<Shell> shell;
        bool was_there = false;
    };
    // The shell of that name in the lease's session, started when there is none. quota_exceeded:
    // the runtime has as many as it may; busy: it is being started; invalid_argument: there is no
    // /bin/sh.
    Task<Opened> open(const Lease& lease, std::string id);

  private:
    struct Reading;
    Task<std::shared_ptr<Shell>> start(const Lease& lease, std::string id);
    Result<std::shared_ptr<Shell>> find_or_reserve(const std::string& key,
                                                   const std::string& runtime);
    void forget(const std::string& key, const std::string& runtime);
    Detached read(std::shared_ptr<Shell> shell, std::shared_ptr<Reading> reading);
    Detached watch(std::shared_ptr<Shell> shell, std::shared_ptr<Reading> reading, std::string key,
                   std::string runtime);

    Timer& timer_;
    const RuntimeLimits& limits_;
    TaskGroup& tasks_;

    std::mutex mutex_;
    // By guest and name. nullptr: being started.
    std::map<std::string, std::shared_ptr<Shell>> shells_;
    std::map<std::string, std::size_t> per_runtime_;
};

// A further descriptor of an open terminal.
Result<UniqueFd> duplicate(const UniqueFd& terminal);

}  // namespace ac::runtime
