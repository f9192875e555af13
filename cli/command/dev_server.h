#pragma once
// The development server of a project: which agent, where it listens. `dev` leaves a record in the
// data folder, by which `invoke --dev` finds it.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "cli/command/commands.h"
#include "cli/project/project_file.h"

namespace ac::cli {

struct DevServer {
    std::uint16_t port = 0;
    std::string session;  // of calls that name none
};

// The agent of the project file; src/main.py where there is none, as in the official toolkit.
Expected<AgentConfig> dev_agent(const World& world, const std::string& name);

class DevRecord final {
  public:
    // Of this project's agent.
    static Expected<DevRecord> of(const Context& context, const AgentConfig& agent);

    std::optional<DevServer> read() const;
    Expected<> write(const DevServer& server) const;
    void remove() const;

  private:
    explicit DevRecord(std::filesystem::path file) : file_(std::move(file)) {}
    std::filesystem::path file_;
};

Expected<> invoke_dev(const Context& context, const InvokeOptions& options, std::string payload);

}  // namespace ac::cli
