#pragma once
// InvokeAgentRuntimeWithWebSocketStream: a caller's WebSocket is relayed to the agent's /ws, frame
// by frame as they come, within bounds on the size of a frame and the length of the whole.

#include <string>

#include "async/timer.h"
#include "net/http_server.h"
#include "runtime/limits.h"
#include "runtime/session_host.h"

namespace ac::runtime {

// The opening handshake is checked before a session is entered for it. invalid_argument.
Result<> check_web_socket(const net::RequestHead& caller);

// Ends when either side has closed. Errors before the switch: as RuntimeService::invoke; an agent
// that refuses the handshake is guest_failed with its status.
Task<> relay_web_socket(Lease& lease, std::string request_id, net::Exchange& exchange, Timer& timer,
                        const RuntimeLimits& limits, net::Headers identity = {});

}  // namespace ac::runtime
