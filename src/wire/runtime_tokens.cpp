// Runtime for callers that come with a token: the runtime's customJWTAuthorizer decides.
#include <boost/json.hpp>

#include "base/encoding.h"
#include "bearer/authorizer.h"
#include "wire/agent_errors.h"
#include "wire/error_map.h"
#include "wire/runtime_binding.h"
#include "wire/runtime_commands.h"
#include "wire/runtime_invoking.h"
#include "wire/runtime_json.h"

namespace ac::wire {
namespace {

using runtime::RuntimeService;
using runtime::SessionAddress;

constexpr std::string_view kMetadataUri =
    "/runtimes/{agentRuntimeArn}/invocations/.well-known/oauth-protected-resource";

struct Guarded {
    SessionAddress address;
    bearer::Rules rules;
    runtime::ServerProtocol protocol = runtime::ServerProtocol::http;
};

// Where the runtime's callers find out whom to ask for a token (RFC 9728).
std::string metadata_url(const CallContext& call, const Guarded& target) {
    const std::string arn = runtime_arn(target.address.scope, target.address.runtime);
    return call.base_url + "/runtimes/" + percent_encode(arn) +
           "/invocations/.well-known/oauth-protected-resource?qualifier=" +
           percent_encode(target.address.endpoint);
}

std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
    return out;
}

Error missing_token() {
    return {.code = ErrorCode::unauthenticated,
            .message = "Missing Authentication Token",
            .reason = "MissingAuthenticationTokenException"};
}

// nullopt: the runtime's callers sign.
Task<std::optional<Guarded>> find_guarded(RuntimeService& service, const json::object& input) {
    AC_CO_TRY(const Scope scope, runtime_scope_from(input));
    AC_CO_TRY(SessionAddress address, session_address_from(scope, input));
    AC_CO_TRY(const runtime::Resolved resolved,
              co_await service.catalog().resolve(scope, address.runtime, address.endpoint));
    if (resolved.spec.authorizer.empty()) co_return std::nullopt;
    boost::system::error_code error;
    const json::value stored = json::parse(resolved.spec.authorizer, error);
    if (error || !stored.is_object())
        co_return fail(ErrorCode::internal, "a stored authorizer is unreadable");
    AC_CO_TRY(bearer::Rules rules, bearer::parse_rules(stored.get_object(), "customJWTAuthorizer"));
    co_return Guarded{.address = std::move(address),
                      .rules = std::move(rules),
                      .protocol = resolved.spec.protocol};
}

// RFC 6750 section 3, RFC 9728 section 5.1.
Task<> challenge(const CallContext& call, const Guarded& target, const Error& error,
                 net::Exchange& exchange) {
    const bool lacks_scope = error.code == ErrorCode::permission_denied;
    net::Response response =
        exception_response(lacks_scope ? "AccessDeniedException" : "UnauthorizedException",
                           lacks_scope ? 403 : 401, error.message);
    if (auto own = agent_error(target.protocol, error, "{}")) response = *std::move(own);
    std::string text = "Bearer resource_metadata=\"" + metadata_url(call, target) + "\"";
    if (call.bearer_token)
        text += lacks_scope ? ", error=\"insufficient_scope\"" : ", error=\"invalid_token\"";
    if (!target.rules.scopes.empty())
        text += ", scope=\"" + joined(advertised_scopes(target.rules)) + "\"";
    response.headers.add("WWW-Authenticate", std::move(text));
    co_return co_await exchange.respond(std::move(response));
}

// The address with its caller, or nullopt: a challenge was the answer.
Task<std::optional<SessionAddress>> admit(RuntimeService& service, bearer::Authorizer& authorizer,
                                          const CallContext& call, const json::object& input,
                                          net::Exchange& exchange) {
    auto found = co_await find_guarded(service, input);
    if (!call.bearer_token && (!found || !*found)) co_return fail(missing_token());
    AC_CO_TRY(auto guarded, std::move(found));
    if (!guarded) {
        // Entering the session would say so too, but only once it has started.
        co_return fail(ErrorCode::permission_denied,
                       "Authorization method mismatch. The agent is configured for a different "
                       "authorization method than what was used in your request. Check the "
                       "agent's authorization configuration and ensure your request uses the "
                       "matching method (OAuth or SigV4)");
    }
    Result<bearer::TokenHolder> holder =
        fail(ErrorCode::unauthenticated, "Missing Authentication Token");
    if (call.bearer_token)
        holder = co_await authorizer.authorize(guarded->rules, *call.bearer_token);
    if (!holder) {
        const ErrorCode code = holder.error().code;
        if (code != ErrorCode::unauthenticated && code != ErrorCode::permission_denied)
            co_return fail(std::move(holder).error());
        AC_CO_CHECK(co_await challenge(call, *guarded, holder.error(), exchange));
        co_return std::nullopt;
    }
    guarded->address.caller.proof = runtime::Caller::Proof::token;
    guarded->address.caller.user_id.clear();  // the token says who it is, not a header
    guarded->address.caller.user_token = *call.bearer_token;
    co_return std::move(guarded->address);
}

Task<> invoke(RuntimeService& service, bearer::Authorizer& authorizer, CallContext call,
              json::object input, net::Exchange& exchange, net::Body& body) {
    AC_CO_TRY(auto address, co_await admit(service, authorizer, call, input, exchange));
    if (!address) co_return Result<>{};
    co_return co_await invoke_agent(service, *std::move(address), call.request_id, exchange, body);
}

Task<> run_command(RuntimeService& service, bearer::Authorizer& authorizer, CallContext call,
                   json::object input, net::Exchange& exchange) {
    AC_CO_TRY(auto address, co_await admit(service, authorizer, call, input, exchange));
    if (!address) co_return Result<>{};
    co_return co_await stream_command(service, *std::move(address), std::move(input), call,
                                      exchange);
}

Task<> agent_card(RuntimeService& service, bearer::Authorizer& authorizer, CallContext call,
                  json::object input, net::Exchange& exchange) {
    AC_CO_TRY(auto address, co_await admit(service, authorizer, call, input, exchange));
    if (!address) co_return Result<>{};
    co_return co_await service.ask(*std::move(address), runtime::AgentCall::agent_card,
                                   call.request_id, exchange);
}

Task<> follow(RuntimeService& service, bearer::Authorizer& authorizer, CallContext call,
              json::object input, net::Exchange& exchange) {
    input = with_session_headers(call, std::move(input));
    AC_CO_TRY(auto address, co_await admit(service, authorizer, call, input, exchange));
    if (!address) co_return Result<>{};
    co_return co_await follow_mcp(service, *std::move(address), std::move(call), exchange);
}

Task<> web_socket(RuntimeService& service, bearer::Authorizer& authorizer, CallContext call,
                  json::object input, net::Exchange& exchange) {
    take_web_socket_session(*call.head, input);
    AC_CO_TRY(auto address, co_await admit(service, authorizer, call, input, exchange));
    if (!address) co_return Result<>{};
    co_return co_await service.open_web_socket(*std::move(address), call.request_id, exchange);
}

Task<> shell(RuntimeService& service, bearer::Authorizer& authorizer, CallContext call,
             json::object input, net::Exchange& exchange) {
    take_web_socket_session(*call.head, input);
    AC_CO_TRY(auto address, co_await admit(service, authorizer, call, input, exchange));
    if (!address) co_return Result<>{};
    const json::value* const name = input.if_contains("shellId");
    std::string shell_id;
    if (name != nullptr && name->is_string()) shell_id = std::string(name->get_string());
    co_return co_await service.open_shell(*std::move(address), std::move(shell_id), exchange);
}

Task<> stop_session(RuntimeService& service, bearer::Authorizer& authorizer, CallContext call,
                    json::object input, net::Exchange& exchange) {
    AC_CO_TRY(auto address, co_await admit(service, authorizer, call, input, exchange));
    if (!address) co_return Result<>{};
    const std::string session = address->session.text();
    AC_CO_CHECK(co_await service.stop_session(*std::move(address)));
    net::Response response{.status = 200, .headers = {}, .body = "{}"};
    response.headers.add("Content-Type", "application/json");
    response.headers.add("X-Amzn-Bedrock-AgentCore-Runtime-Session-Id", session);
    co_return co_await exchange.respond(std::move(response));
}

Task<> describe(RuntimeService& service, CallContext call, json::object input,
                net::Exchange& exchange) {
    AC_CO_TRY(const auto guarded, co_await find_guarded(service, input));
    if (!guarded)
        co_return fail(ErrorCode::not_found,
                       "the runtime's callers sign with SigV4: it has no "
                       "protected-resource metadata");
    AC_CO_TRY(std::string issuer, bearer::issuer_of(guarded->rules.discovery_url));
    const std::string arn = runtime_arn(guarded->address.scope, guarded->address.runtime);
    json::object out;
    out["resource"] = call.base_url + "/runtimes/" + percent_encode(arn) + "/invocations";
    out["authorization_servers"] = json::array{std::move(issuer)};
    out["bearer_methods_supported"] = json::array{"header"};
    if (!guarded->rules.scopes.empty())
        out["scopes_supported"] = json::value_from(advertised_scopes(guarded->rules));
    net::Response response{.body = json::serialize(out)};
    response.headers.add("Content-Type", "application/json");
    co_return co_await exchange.respond(std::move(response));
}

}  // namespace

void bind_runtime_tokens(Api& api, RuntimeService& service, bearer::Authorizer& authorizer) {
    api.bind_unsigned("InvokeAgentRuntime", [&](CallContext call, json::object input,
                                                net::Exchange& exchange, net::Body& body) {
        return invoke(service, authorizer, std::move(call), std::move(input), exchange, body);
    });
    api.bind_unsigned("InvokeAgentRuntimeCommand", [&](CallContext call, json::object input,
                                                       net::Exchange& exchange, net::Body&) {
        return run_command(service, authorizer, std::move(call), std::move(input), exchange);
    });
    api.bind_unsigned("GetAgentCard", [&](CallContext call, json::object input,
                                          net::Exchange& exchange, net::Body&) {
        return agent_card(service, authorizer, std::move(call), std::move(input), exchange);
    });
    for (const std::string_view method : {"GET", "DELETE"})
        api.bind_unsigned_extension(
            method, kMcpUri,
            [&](CallContext call, json::object input, net::Exchange& exchange, net::Body&) {
                return follow(service, authorizer, std::move(call), std::move(input), exchange);
            });
    api.bind_unsigned_extension(
        "GET", "/runtimes/{agentRuntimeArn}/ws",
        [&](CallContext call, json::object input, net::Exchange& exchange, net::Body&) {
            return web_socket(service, authorizer, std::move(call), std::move(input), exchange);
        });
    api.bind_unsigned_extension(
        "GET", "/runtimes/{agentRuntimeArn}/ws/shells",
        [&](CallContext call, json::object input, net::Exchange& exchange, net::Body&) {
            return shell(service, authorizer, std::move(call), std::move(input), exchange);
        });
    api.bind_unsigned("StopRuntimeSession", [&](CallContext call, json::object input,
                                                net::Exchange& exchange, net::Body&) {
        return stop_session(service, authorizer, std::move(call), std::move(input), exchange);
    });
    api.bind_open("GET", kMetadataUri,
                  [&](CallContext call, json::object input, net::Exchange& exchange, net::Body&) {
                      return describe(service, std::move(call), std::move(input), exchange);
                  });
}

}  // namespace ac::wire
