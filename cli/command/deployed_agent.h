#pragma once
// What commands on a deployed agent begin with: the project, the agent and a client.

#include "cli/command/commands.h"
#include "cli/command/connection.h"
#include "cli/project/project_file.h"

namespace ac::cli {

struct DeployedAgent {
    ProjectFile project;
    AgentConfig agent;
    Connection connection;

    AwsClient& client() { return *connection.client; }
};

// not_found when the agent was never deployed.
inline Expected<DeployedAgent> open_deployed(const Context& context, const std::string& name) {
    AC_TRY(ProjectFile project, ProjectFile::load(context.world.folder));
    AC_TRY(AgentConfig agent, project.agent(name));
    if (agent.runtime_arn.empty() || agent.runtime_id.empty())
        return failed(ExitCode::not_found, "agent " + agent.name + " is not deployed",
                      "Run: agentcore deploy");
    AC_TRY(Connection connection, connect(context.world, context.common, agent.region));
    return DeployedAgent{std::move(project), std::move(agent), std::move(connection)};
}

}  // namespace ac::cli
