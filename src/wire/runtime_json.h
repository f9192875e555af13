#pragma once
// Runtime's inputs and outputs between the members of the API model and the types of the service.
// Inputs have been validated against the model's tables; what the model cannot say (idle <= max,
// features that this version does not run) is checked here.

#include <boost/json/object.hpp>
#include <optional>

#include "base/result.h"
#include "runtime/proxy_headers.h"
#include "runtime/runtime_service.h"

namespace ac::wire {

namespace json = boost::json;

Result<runtime::NewRuntime> new_runtime_from(const json::object& input);
Result<runtime::RuntimeUpdate> runtime_update_from(const json::object& input);
runtime::NewEndpoint new_endpoint_from(const json::object& input);
runtime::EndpointUpdate endpoint_update_from(const json::object& input);
runtime::PageRequest page_request_from(const json::object& input);
runtime::Idempotency idempotency_from(const json::object& input);
std::optional<std::int64_t> version_from(const json::object& input);

// GetAgentRuntime's output; the other outputs are parts of it.
Result<json::object> runtime_output(const Scope& scope, const runtime::RuntimeView& view);
json::object runtime_summary(const Scope& scope, const runtime::RuntimeView& view);
// Create's and Update's answer.
json::object runtime_receipt(const Scope& scope, const runtime::RuntimeView& view);
json::object endpoint_output(const Scope& scope, const runtime::EndpointView& view);
json::object session_output(const runtime::SessionView& view);
json::object log_output(const runtime::LogLine& line);

// Whose runtime it is, by its ARN: a caller with a token has no account of its own.
Result<Scope> runtime_scope_from(const json::object& input);

// "arn:...:runtime/{id}[/runtime-endpoint/{name}]" of this scope. invalid_argument: no such ARN;
// permission_denied: of another account.
Result<runtime::Resource> runtime_resource_from(const Scope& scope, std::string_view arn);
// {agentRuntimeArn}, qualifier, accountId and the session id of a data-plane call. An ARN or a bare
// id with accountId.
// The session of a WebSocket may be named by a query parameter, because browsers send no headers.
void take_web_socket_session(const net::RequestHead& head, json::object& input);
Result<runtime::SessionAddress> session_address_from(const Scope& scope, const json::object& input);

}  // namespace ac::wire
