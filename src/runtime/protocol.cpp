#include "runtime/protocol.h"

#include <array>

namespace ac::runtime {
namespace {

constexpr std::array kAll = {ServerProtocol::http, ServerProtocol::mcp, ServerProtocol::a2a,
                             ServerProtocol::agui};

}  // namespace

std::string_view to_string(ServerProtocol protocol) {
    switch (protocol) {
        case ServerProtocol::http:
            return "HTTP";
        case ServerProtocol::mcp:
            return "MCP";
        case ServerProtocol::a2a:
            return "A2A";
        case ServerProtocol::agui:
            return "AGUI";
    }
    return "HTTP";
}

std::optional<ServerProtocol> protocol_from(std::string_view text) {
    for (const ServerProtocol protocol : kAll)
        if (to_string(protocol) == text) return protocol;
    return std::nullopt;
}

std::uint16_t agent_port(ServerProtocol protocol) {
    switch (protocol) {
        case ServerProtocol::mcp:
            return 8000;
        case ServerProtocol::a2a:
            return 9000;
        case ServerProtocol::http:
        case ServerProtocol::agui:
            return 8080;
    }
    return 8080;
}

std::optional<AgentRoute> agent_route(ServerProtocol protocol, AgentCall call) {
    const bool is_mcp = protocol == ServerProtocol::mcp;
    const bool is_a2a = protocol == ServerProtocol::a2a;
    switch (call) {
        case AgentCall::invocation:
            return AgentRoute{"POST", is_mcp ? "/mcp" : is_a2a ? "/" : "/invocations"};
        case AgentCall::agent_card:
            if (is_a2a) return AgentRoute{"GET", "/.well-known/agent-card.json"};
            return std::nullopt;
        case AgentCall::mcp_stream:
            if (is_mcp) return AgentRoute{"GET", "/mcp"};
            return std::nullopt;
        case AgentCall::mcp_end:
            if (is_mcp) return AgentRoute{"DELETE", "/mcp"};
            return std::nullopt;
    }
    return std::nullopt;
}

}  // namespace ac::runtime
