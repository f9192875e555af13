#pragma once
// How an agent is run on this host: which program with which arguments, where it listens.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/project/project_file.h"
#include "cli/world.h"

namespace ac::cli {

// A Python agent runs in the active virtual environment (VIRTUAL_ENV), else the project's .venv,
// else through uv with its requirements, else with python3 of PATH; a Node one through its
// package.json's "dev" script, else node. not_found: none of these is there.
Expected<std::vector<std::string>> launch_command(const World& world, const AgentConfig& agent);

// By protocol, as AgentCore has them: 8080, MCP 8000, A2A 9000.
std::uint16_t default_port(const AgentConfig& agent);
// "/invocations", MCP "/mcp", A2A "/".
std::string invocation_path(const AgentConfig& agent);

// The first port from `wanted` on, and of the hundred after it, on which nobody listens; failed.
Expected<std::uint16_t> free_port(std::uint16_t wanted);

}  // namespace ac::cli
