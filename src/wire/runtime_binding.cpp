#include "wire/runtime_binding.h"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/json.hpp>
#include <charconv>

#include "runtime/proxy_headers.h"
#include "wire/runtime_commands.h"
#include "wire/runtime_invoking.h"
#include "wire/runtime_json.h"

namespace ac::wire {
namespace {

using runtime::RuntimeId;
using runtime::RuntimeService;

std::string text_in(const json::object& input, std::string_view name) {
    const json::value* value = input.if_contains(name);
    if (value == nullptr || !value->is_string()) return {};
    return std::string(value->get_string().data(), value->get_string().size());
}

RuntimeId id_in(const json::object& input) {
    return RuntimeId(text_in(input, "agentRuntimeId"));
}

template <class Item, class Encode>
json::object page_output(const runtime::Page<Item>& page, std::string_view key, Encode encode) {
    json::array items;
    for (const Item& item : page.items) items.emplace_back(encode(item));
    json::object out;
    out[key] = std::move(items);
    if (!page.next_token.empty()) out["nextToken"] = page.next_token;
    return out;
}

Task<json::object> create(RuntimeService& service, CallContext call, json::object input) {
    AC_CO_TRY(auto wanted, new_runtime_from(input));
    AC_CO_TRY(auto view, co_await service.catalog().create(call.scope, std::move(wanted)));
    co_return runtime_receipt(call.scope, view);
}

Task<json::object> update(RuntimeService& service, CallContext call, json::object input) {
    AC_CO_TRY(auto wanted, runtime_update_from(input));
    AC_CO_TRY(auto view, co_await service.catalog().update(call.scope, std::move(wanted)));
    co_return runtime_receipt(call.scope, view);
}

Task<json::object> get(RuntimeService& service, CallContext call, json::object input) {
    AC_CO_TRY(auto view,
              co_await service.catalog().get(call.scope, id_in(input), version_from(input)));
    co_return runtime_output(call.scope, view);
}

Task<json::object> remove(RuntimeService& service, CallContext call, json::object input) {
    const auto version = version_from(input);
    const RuntimeId id = id_in(input);
    AC_CO_CHECK(
        co_await service.catalog().remove(call.scope, id, version, idempotency_from(input)));
    json::object out;
    out["status"] = "DELETING";
    out["agentRuntimeId"] = id.text();
    if (version) out["agentRuntimeVersion"] = std::to_string(*version);
    co_return out;
}

Task<json::object> list(RuntimeService& service, CallContext call, json::object input) {
    AC_CO_TRY(auto page, co_await service.catalog().list(call.scope, page_request_from(input)));
    co_return page_output(page, "agentRuntimes",
                          [&](const auto& view) { return runtime_summary(call.scope, view); });
}

Task<json::object> list_versions(RuntimeService& service, CallContext call, json::object input) {
    AC_CO_TRY(auto page, co_await service.catalog().list_versions(call.scope, id_in(input),
                                                                  page_request_from(input)));
    co_return page_output(page, "agentRuntimes",
                          [&](const auto& view) { return runtime_summary(call.scope, view); });
}

Task<json::object> create_endpoint(RuntimeService& service, CallContext call, json::object input) {
    AC_CO_TRY(auto view,
              co_await service.catalog().create_endpoint(call.scope, new_endpoint_from(input)));
    co_return endpoint_output(call.scope, view);
}

Task<json::object> update_endpoint(RuntimeService& service, CallContext call, json::object input) {
    AC_CO_TRY(auto view,
              co_await service.catalog().update_endpoint(call.scope, endpoint_update_from(input)));
    co_return endpoint_output(call.scope, view);
}

Task<json::object> get_endpoint(RuntimeService& service, CallContext call, json::object input) {
    AC_CO_TRY(auto view, co_await service.catalog().get_endpoint(call.scope, id_in(input),
                                                                 text_in(input, "endpointName")));
    co_return endpoint_output(call.scope, view);
}

Task<json::object> remove_endpoint(RuntimeService& service, CallContext call, json::object input) {
    const RuntimeId id = id_in(input);
    const std::string name = text_in(input, "endpointName");
    AC_CO_CHECK(
        co_await service.catalog().remove_endpoint(call.scope, id, name, idempotency_from(input)));
    json::object out;
    out["status"] = "DELETING";
    out["agentRuntimeId"] = id.text();
    out["endpointName"] = name;
    co_return out;
}

Task<json::object> list_endpoints(RuntimeService& service, CallContext call, json::object input) {
    AC_CO_TRY(auto page, co_await service.catalog().list_endpoints(call.scope, id_in(input),
                                                                   page_request_from(input)));
    co_return page_output(page, "runtimeEndpoints",
                          [&](const auto& view) { return endpoint_output(call.scope, view); });
}

Task<> invoke(RuntimeService& service, CallContext call, json::object input,
              net::Exchange& exchange, net::Body& body) {
    AC_CO_TRY(auto address, session_address_from(call.scope, input));
    co_return co_await invoke_agent(service, std::move(address), call.request_id, exchange, body);
}

Task<> run_command(RuntimeService& service, CallContext call, json::object input,
                   net::Exchange& exchange) {
    AC_CO_TRY(auto address, session_address_from(call.scope, input));
    co_return co_await stream_command(service, std::move(address), std::move(input), call,
                                      exchange);
}

Task<> agent_card(RuntimeService& service, CallContext call, json::object input,
                  net::Exchange& exchange) {
    AC_CO_TRY(auto address, session_address_from(call.scope, input));
    co_return co_await service.ask(std::move(address), runtime::AgentCall::agent_card,
                                   call.request_id, exchange);
}

// What MCP clients send beside their requests, to the same URL.
Task<> follow(RuntimeService& service, CallContext call, json::object input,
              net::Exchange& exchange) {
    input = with_session_headers(call, std::move(input));
    AC_CO_TRY(auto address, session_address_from(call.scope, input));
    co_return co_await follow_mcp(service, std::move(address), std::move(call), exchange);
}

Task<json::object> stop_session(RuntimeService& service, CallContext call, json::object input) {
    AC_CO_TRY(auto address, session_address_from(call.scope, input));
    AC_CO_CHECK(co_await service.stop_session(address));
    json::object out;
    out["runtimeSessionId"] = address.session.text();
    out["statusCode"] = 200;
    co_return out;
}

net::Response text_response(std::string_view type, std::string body) {
    net::Response response{.body = std::move(body)};
    response.headers.add("Content-Type", std::string(type));
    return response;
}

// Lines leave as they come, one JSON object each; the head waits for the first ones, so that an
// unknown runtime is still answered as an error.
Task<> send_lines(net::Exchange& exchange, std::vector<runtime::LogLine> lines) {
    if (!exchange.started()) {
        net::ResponseHead head;
        head.headers.add("Content-Type", "application/x-ndjson");
        AC_CO_CHECK(co_await exchange.start(std::move(head)));
    }
    std::string text;
    for (const runtime::LogLine& line : lines) text += json::serialize(log_output(line)) + '\n';
    if (text.empty()) co_return Result<>{};
    co_return co_await exchange.write(text);
}

Task<> logs(RuntimeService& service, CallContext call, json::object input,
            net::Exchange& exchange) {
    runtime::LogQuery query{.scope = call.scope,
                            .runtime = id_in(input),
                            .session = text_in(input, "session"),
                            .follow = text_in(input, "follow") == "true"};
    if (auto qualifier = text_in(input, "qualifier"); !qualifier.empty())
        query.endpoint = std::move(qualifier);
    const std::string tail = text_in(input, "tail");
    std::from_chars(tail.data(), tail.data() + tail.size(), query.tail);
    auto sink = [&exchange](std::vector<runtime::LogLine> lines) {
        return send_lines(exchange, std::move(lines));
    };
    if (!query.follow) {
        AC_CO_CHECK(co_await service.read_logs(std::move(query), sink));
        co_return co_await exchange.finish();
    }
    // A quiet agent writes nothing by which a reader's absence could be noticed.
    using namespace asio::experimental::awaitable_operators;
    auto ended = co_await (service.read_logs(std::move(query), sink) || exchange.wait_closed());
    if (ended.index() == 1) co_return fail(ErrorCode::cancelled, "the reader went away");
    AC_CO_CHECK(std::get<0>(std::move(ended)));
    co_return co_await exchange.finish();
}

Task<> build_log(RuntimeService& service, CallContext call, json::object input,
                 net::Exchange& exchange) {
    json::object named;
    named["agentRuntimeVersion"] = text_in(input, "version");
    AC_CO_TRY(std::string text,
              co_await service.build_log(call.scope, id_in(input), version_from(named)));
    net::Response response = text_response("text/plain; charset=utf-8", std::move(text));
    co_return co_await exchange.respond(std::move(response));
}

Task<> sessions(RuntimeService& service, CallContext call, json::object input,
                net::Exchange& exchange) {
    AC_CO_TRY(const auto views, co_await service.sessions(call.scope, id_in(input)));
    json::array items;
    for (const runtime::SessionView& view : views) items.emplace_back(session_output(view));
    json::object out;
    out["sessions"] = std::move(items);
    net::Response response = text_response("application/json", json::serialize(out));
    co_return co_await exchange.respond(std::move(response));
}

Task<> web_socket(RuntimeService& service, CallContext call, json::object input,
                  net::Exchange& exchange) {
    take_web_socket_session(*call.head, input);
    AC_CO_TRY(auto address, session_address_from(call.scope, input));
    co_return co_await service.open_web_socket(std::move(address), call.request_id, exchange);
}

Task<> shell(RuntimeService& service, CallContext call, json::object input,
             net::Exchange& exchange) {
    take_web_socket_session(*call.head, input);
    AC_CO_TRY(auto address, session_address_from(call.scope, input));
    co_return co_await service.open_shell(std::move(address), text_in(input, "shellId"), exchange);
}

// Tags of runtimes and their endpoints.
class RuntimeTags final : public TagOwner {
  public:
    explicit RuntimeTags(RuntimeService& service) : service_(service) {}

    bool owns(std::string_view arn) const override { return arn.find(":runtime/") != arn.npos; }
    Task<TagMap> tags(Scope scope, std::string arn) override {
        AC_CO_TRY(auto resource, runtime_resource_from(scope, arn));
        AC_CO_TRY(const auto tags, co_await service_.catalog().tags(scope, std::move(resource)));
        co_return TagMap(tags.begin(), tags.end());
    }
    Task<> add_tags(Scope scope, std::string arn, TagMap tags) override {
        AC_CO_TRY(auto resource, runtime_resource_from(scope, arn));
        runtime::Tags own(tags.begin(), tags.end());
        co_return co_await service_.catalog().add_tags(scope, std::move(resource), std::move(own));
    }
    Task<> remove_tags(Scope scope, std::string arn, std::vector<std::string> keys) override {
        AC_CO_TRY(auto resource, runtime_resource_from(scope, arn));
        co_return co_await service_.catalog().remove_tags(scope, std::move(resource),
                                                          std::move(keys));
    }

  private:
    RuntimeService& service_;
};

using Operation = Task<json::object> (*)(RuntimeService&, CallContext, json::object);

void bind_all(Api& api, RuntimeService& service,
              std::initializer_list<std::pair<std::string_view, Operation>> operations) {
    for (const auto& [name, operation] : operations) {
        api.bind(name, [&service, operation](CallContext call, json::object input) {
            return operation(service, std::move(call), std::move(input));
        });
    }
}

using Extension = Task<> (*)(RuntimeService&, CallContext, json::object, net::Exchange&);

void bind_extension(Api& api, RuntimeService& service, std::string_view uri, Extension extension) {
    api.bind_extension("GET", uri,
                       [&service, extension](CallContext call, json::object input,
                                             net::Exchange& exchange, net::Body&) {
                           return extension(service, std::move(call), std::move(input), exchange);
                       });
}

}  // namespace

void bind_runtime(Api& api, RuntimeService& service) {
    bind_all(api, service,
             {{"CreateAgentRuntime", create},
              {"UpdateAgentRuntime", update},
              {"GetAgentRuntime", get},
              {"DeleteAgentRuntime", remove},
              {"ListAgentRuntimes", list},
              {"ListAgentRuntimeVersions", list_versions},
              {"CreateAgentRuntimeEndpoint", create_endpoint},
              {"UpdateAgentRuntimeEndpoint", update_endpoint},
              {"GetAgentRuntimeEndpoint", get_endpoint},
              {"DeleteAgentRuntimeEndpoint", remove_endpoint},
              {"ListAgentRuntimeEndpoints", list_endpoints},
              {"StopRuntimeSession", stop_session}});
    api.bind_stream("InvokeAgentRuntime", [&service](CallContext call, json::object input,
                                                     net::Exchange& exchange, net::Body& body) {
        return invoke(service, std::move(call), std::move(input), exchange, body);
    });
    api.bind_stream("GetAgentCard", [&service](CallContext call, json::object input,
                                               net::Exchange& exchange, net::Body&) {
        return agent_card(service, std::move(call), std::move(input), exchange);
    });
    api.bind_stream("InvokeAgentRuntimeCommand", [&service](CallContext call, json::object input,
                                                            net::Exchange& exchange, net::Body&) {
        return run_command(service, std::move(call), std::move(input), exchange);
    });
    for (const std::string_view method : {"GET", "DELETE"})
        api.bind_extension(
            method, kMcpUri,
            [&service](CallContext call, json::object input, net::Exchange& exchange, net::Body&) {
                return follow(service, std::move(call), std::move(input), exchange);
            });
    bind_extension(api, service, "/runtimes/{agentRuntimeArn}/ws", web_socket);
    bind_extension(api, service, "/runtimes/{agentRuntimeArn}/ws/shells", shell);
    bind_extension(api, service, "/x/runtimes/{agentRuntimeId}/logs", logs);
    bind_extension(api, service, "/x/runtimes/{agentRuntimeId}/build-log", build_log);
    bind_extension(api, service, "/x/runtimes/{agentRuntimeId}/sessions", sessions);
}

std::unique_ptr<TagOwner> make_runtime_tags(RuntimeService& service) {
    return std::make_unique<RuntimeTags>(service);
}

}  // namespace ac::wire
