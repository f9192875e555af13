#pragma once
// The running agent: a process group of its own, whose output is ours. It holds the reading end of
// a pipe as its standard input, whose end tells it that we are gone.

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "cli/failure.h"

namespace ac::cli {

struct AgentLaunch {
    std::vector<std::string> arguments;  // [0] is the program's file
    std::map<std::string, std::string> environment;
    std::filesystem::path folder;
};

class AgentProcess final {
  public:
    explicit AgentProcess(const Clock& clock) : clock_(clock) {}
    ~AgentProcess() { stop(); }
    AgentProcess(const AgentProcess&) = delete;
    AgentProcess& operator=(const AgentProcess&) = delete;

    // When none runs.
    Expected<> start(const AgentLaunch& launch);
    bool running() const { return pid_ > 0; }
    // Set once it has ended by itself: its exit code, 128 + signal when it was killed.
    std::optional<int> look_for_end();
    // SIGTERM to the group, SIGKILL to what is left after some seconds. Nothing when none runs.
    void stop();

  private:
    const Clock& clock_;
    pid_t pid_ = 0;
    UniqueFd hold_;
};

}  // namespace ac::cli
