#pragma once
// A caller's WebSocket, attached to a shell.

#include <string>

#include "net/http_server.h"
#include "runtime/shells.h"

namespace ac::runtime {

inline constexpr std::string_view kShellHeader = "X-Amzn-Bedrock-AgentCore-Shell-Id";

// Answers the opening handshake (checked before) and serves until either side has enough: the shell
// ends, another caller takes over, the connection is too old or silent, the caller leaves (which
// the shell survives) or closes the channel (which ends it).
Task<> serve_shell(const Shells::Opened& opened, const SessionId& session, net::Exchange& exchange,
                   Timer& timer, const RuntimeLimits& limits);

}  // namespace ac::runtime
