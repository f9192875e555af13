#include "wire/runtime_invoking.h"

#include <boost/json.hpp>

#include "runtime/proxy_headers.h"
#include "wire/agent_errors.h"
#include "wire/error_map.h"

namespace ac::wire {
namespace {

using runtime::AgentCall;
using runtime::RuntimeService;
using runtime::SessionAddress;

// MCP's words for "this server has no such thing" (its transport, 2025-06-18).
net::Response no_method() {
    net::Response response = exception_response(
        "UnknownOperationException", 405,
        "Only agents of protocol MCP take this method, for a session named by Mcp-Session-Id");
    response.headers.add("Allow", "POST");
    return response;
}

}  // namespace

Task<> invoke_agent(RuntimeService& service, SessionAddress address, std::string request_id,
                    net::Exchange& exchange, net::Body& body) {
    const Scope scope = address.scope;
    const runtime::RuntimeId id = address.runtime;
    const std::string endpoint = address.endpoint;
    RememberingBody remembering(body);
    Result<> done =
        co_await service.invoke(std::move(address), std::move(request_id), exchange, remembering);
    if (done || exchange.started() || done.error().code == ErrorCode::cancelled) co_return done;
    const auto target = co_await service.catalog().resolve(scope, id, endpoint);
    if (!target || target->spec.protocol == runtime::ServerProtocol::http) co_return done;
    AC_CO_TRY(const std::string request, co_await remembering.text());
    auto response = agent_error(target->spec.protocol, done.error(), request);
    if (!response) co_return done;
    co_return co_await exchange.respond(*std::move(response));
}

Task<> follow_mcp(RuntimeService& service, SessionAddress address, CallContext call,
                  net::Exchange& exchange) {
    const bool names_session = !address.mcp_session.empty() || !address.session.empty();
    if (!names_session) co_return co_await exchange.respond(no_method());
    const auto what = call.head->method == "DELETE" ? AgentCall::mcp_end : AgentCall::mcp_stream;
    Result<> done = co_await service.ask(std::move(address), what, call.request_id, exchange);
    if (done || exchange.started() || done.error().code != ErrorCode::invalid_argument)
        co_return done;
    co_return co_await exchange.respond(no_method());
}

json::object with_session_headers(const CallContext& call, json::object input) {
    const net::Headers& headers = call.head->headers;
    input["runtimeSessionId"] = headers.get(runtime::kSessionHeader);
    input["mcpSessionId"] = headers.get("Mcp-Session-Id");
    return input;
}

}  // namespace ac::wire
