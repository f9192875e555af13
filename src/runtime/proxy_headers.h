#pragma once
// Which headers pass between a caller and an agent. Credentials and AWS's own headers never do.

#include <string>
#include <string_view>
#include <vector>

#include "net/http_message.h"
#include "runtime/types.h"

namespace ac::runtime {

inline constexpr std::string_view kSessionHeader = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id";

// The request that the agent gets for `caller`'s one.
net::RequestHead guest_request(const net::RequestHead& caller, const SessionId& session,
                               std::string_view request_id,
                               const std::vector<std::string>& allowlist);

// What clients of a protocol say to agents in header fields of its own.
bool is_protocol_header(ServerProtocol protocol, std::string_view name);

// X-Amzn-Bedrock-AgentCore-Runtime-Custom-*, which a caller may always send.
bool is_custom_header(std::string_view name);

// The subprotocols that a WebSocket's caller offers the agent: without those that carry its bearer
// token (kBearerProtocol with "." and the token in base64url, and the bare name).
inline constexpr std::string_view kBearerProtocol = "base64UrlBearerAuthorization";
std::string offered_protocols(const net::RequestHead& caller);
bool offers_bearer_protocol(const net::RequestHead& caller);
// Of a header field whose value is a list of tokens.
bool has_option(std::string_view list, std::string_view option);

// The answer that the caller gets for the agent's one: its type, its MCP and trace headers (those
// of the request where the agent gave none).
net::Headers caller_headers(const net::ResponseHead& guest, const net::RequestHead& caller,
                            const SessionId& session);

}  // namespace ac::runtime
