#pragma once
// Invocations as both kinds of caller (with a signature, with a token) make them: failures are
// answered in the form of the agent's protocol.

#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include "runtime/runtime_service.h"
#include "wire/api.h"

namespace ac::wire {

// Where MCP clients send, beside their POSTs, GET (what the server says on its own account) and
// DELETE (they are done).
inline constexpr std::string_view kMcpUri = "/runtimes/{agentRuntimeArn}/invocations";

// RuntimeService::invoke. An Error only where the API's own form is due.
Task<> invoke_agent(runtime::RuntimeService& service, runtime::SessionAddress address,
                    std::string request_id, net::Exchange& exchange, net::Body& body);

// GET and DELETE of `call`. Always answers, or returns an Error before it began.
Task<> follow_mcp(runtime::RuntimeService& service, runtime::SessionAddress address,
                  CallContext call, net::Exchange& exchange);

// `input` of an extension with the session that the request's headers name.
boost::json::object with_session_headers(const CallContext& call, boost::json::object input);

}  // namespace ac::wire
