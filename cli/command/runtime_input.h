#pragma once
// From an agent's configuration to the input of CreateAgentRuntime and UpdateAgentRuntime.

#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "cli/project/project_file.h"

namespace ac::cli {

struct CodeLocation {
    std::string bucket;
    std::string key;
    std::string image;  // a container image; the other two are empty then
};

// bedrock-agentcore-code-ACCOUNT-REGION and the agent's name, unless s3_path says otherwise. The
// key holds the content's hash: what an earlier version points to is never overwritten.
CodeLocation code_location(const AgentConfig& agent, const std::string& sha256);

// KEY=VALUE each; usage names the one that is not.
Expected<boost::json::object> environment_variables(const std::vector<std::string>& texts);

// Without agentRuntimeName, which only Create takes. `requirements` is the text of the dependency
// file: an agent that has AWS's OpenTelemetry distribution installed is started through it.
boost::json::object runtime_input(const AgentConfig& agent, const CodeLocation& code,
                                  const boost::json::object& environment,
                                  std::string_view requirements);

}  // namespace ac::cli
