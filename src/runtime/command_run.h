#pragma once
// One InvokeAgentRuntimeCommand: a shell command inside a session's sandbox, its output passed on
// as it comes. A reader that is slow slows the command down.

#include <memory>
#include <string>

#include "async/pipe.h"
#include "async/task_group.h"
#include "async/timer.h"
#include "runtime/session_host.h"

namespace ac::runtime {

Result<> check_command(const CommandRequest& request, const RuntimeLimits& limits);

// Cuts bytes into UTF-8 text: a character that is not whole yet waits for its rest; what is none
// becomes a question mark.
class TextPieces final {
  public:
    std::string feed(std::string_view bytes);
    std::string rest();

  private:
    std::string waiting_;
};

class CommandRun final {
  public:
    // All outlive the run, `tasks` also the command. `lease` is of a ready session.
    CommandRun(Lease& lease, Timer& timer, const RuntimeLimits& limits, TaskGroup& tasks)
        : lease_(lease), timer_(timer), limits_(limits), tasks_(tasks) {}

    // See RuntimeService::run_command.
    Task<CommandEnd> run(CommandRequest request, CommandSink& sink);

  private:
    struct Running;
    struct Stream;
    Task<std::shared_ptr<Running>> start(const CommandRequest& request, UniqueFd output,
                                         UniqueFd errors);
    Task<> follow(Running& running, Stream& output, Stream& errors, CommandSink& sink,
                  SteadyTime deadline);
    Task<> wait_for_more(const Running& running, Stream& output, Stream& errors,
                         SteadyTime deadline);

    Lease& lease_;
    Timer& timer_;
    const RuntimeLimits& limits_;
    TaskGroup& tasks_;
};

}  // namespace ac::runtime
