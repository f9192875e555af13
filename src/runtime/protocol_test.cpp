#include "runtime/protocol.h"

#include <gtest/gtest.h>

namespace ac::runtime {
namespace {

TEST(protocol, each_has_its_port_and_path) {
    EXPECT_EQ(agent_port(ServerProtocol::http), 8080);
    EXPECT_EQ(agent_port(ServerProtocol::mcp), 8000);
    EXPECT_EQ(agent_port(ServerProtocol::a2a), 9000);
    EXPECT_EQ(agent_port(ServerProtocol::agui), 8080);
    EXPECT_EQ(agent_route(ServerProtocol::http, AgentCall::invocation)->path, "/invocations");
    EXPECT_EQ(agent_route(ServerProtocol::agui, AgentCall::invocation)->path, "/invocations");
    EXPECT_EQ(agent_route(ServerProtocol::mcp, AgentCall::invocation)->path, "/mcp");
    EXPECT_EQ(agent_route(ServerProtocol::a2a, AgentCall::invocation)->path, "/");
}

TEST(protocol, what_a_protocol_lacks_has_no_route) {
    for (const auto protocol : {ServerProtocol::http, ServerProtocol::agui, ServerProtocol::a2a}) {
        EXPECT_FALSE(agent_route(protocol, AgentCall::mcp_stream));
        EXPECT_FALSE(agent_route(protocol, AgentCall::mcp_end));
    }
    EXPECT_FALSE(agent_route(ServerProtocol::mcp, AgentCall::agent_card));
    EXPECT_EQ(agent_route(ServerProtocol::a2a, AgentCall::agent_card)->method, "GET");
    EXPECT_EQ(agent_route(ServerProtocol::mcp, AgentCall::mcp_end)->method, "DELETE");
}

TEST(protocol, names_are_read_back) {
    for (const char* name : {"HTTP", "MCP", "A2A", "AGUI"})
        EXPECT_EQ(to_string(protocol_from(name).value()), name);
    EXPECT_FALSE(protocol_from("http"));
    EXPECT_FALSE(protocol_from(""));
}

}  // namespace
}  // namespace ac::runtime
