#pragma once
// The protocols in which agents may speak (protocolConfiguration.serverProtocol): where an agent of
// each listens and what it is asked, as AWS's contracts for agents say.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ac::runtime {

enum class ServerProtocol { http, mcp, a2a, agui };

std::string_view to_string(ServerProtocol protocol);  // "HTTP"
std::optional<ServerProtocol> protocol_from(std::string_view text);

// Where the agent listens in its sandbox.
std::uint16_t agent_port(ServerProtocol protocol);

// What a caller wants of an agent.
enum class AgentCall {
    invocation,  // POST
    agent_card,  // A2A: who it is
    mcp_stream,  // MCP: GET, what the server says on its own account
    mcp_end,     // MCP: DELETE, the client is done
};

// The agent's side of it.
struct AgentRoute {
    std::string_view method;
    std::string_view path;
};
// nullopt: agents of this protocol have no such thing.
std::optional<AgentRoute> agent_route(ServerProtocol protocol, AgentCall call);

}  // namespace ac::runtime
