#include "wire/interpreter_binding.h"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/json.hpp>

#include "wire/event_stream.h"
#include "wire/interpreter_json.h"
#include "wire/json_members.h"
#include "wire/json_text.h"
#include "wire/tool_result.h"

namespace ac::wire {
namespace {

using interpreter::AgentCall;
using interpreter::InterpreterService;
using interpreter::SessionId;
using namespace asio::experimental::awaitable_operators;

constexpr std::string_view kSessionHeader = "x-amzn-code-interpreter-session-id";
// What runs shorter answers in one event. Clients that take the first event for the whole answer
// exist (the AgentCore SDK for Python and what stands on it); they never get interim events.
constexpr Milliseconds kQuietAtFirst{1000};
constexpr std::string_view kOneEventClient = "bedrock-agentcore/";

Task<json::object> create(InterpreterService& service, CallContext call, json::object input) {
    AC_CO_TRY(auto wanted, new_interpreter_from(input));
    AC_CO_TRY(const auto made, co_await service.catalog().create(call.scope, std::move(wanted)));
    co_return interpreter_output(call.scope, made);
}

Task<json::object> get(InterpreterService& service, CallContext call, json::object input) {
    AC_CO_TRY(const auto found,
              co_await service.catalog().get(call.scope, interpreter_id_from(input)));
    co_return interpreter_output(call.scope, found);
}

Task<json::object> remove(InterpreterService& service, CallContext call, json::object input) {
    auto id = interpreter_id_from(input);
    AC_CO_TRY(const auto gone, co_await service.catalog().remove(call.scope, id));
    service.sessions().end_of(call.scope, id);
    auto out = interpreter_output(call.scope, gone);
    out["status"] = "DELETING";
    co_return out;
}

template <class Item, class Encode>
json::object page_output(const interpreter::Page<Item>& page, std::string_view key, Encode encode) {
    json::array items;
    for (const Item& item : page.items) items.emplace_back(encode(item));
    json::object out;
    out[key] = std::move(items);
    if (!page.next_token.empty()) out["nextToken"] = page.next_token;
    return out;
}

Task<json::object> list(InterpreterService& service, CallContext call, json::object input) {
    AC_CO_TRY(const auto page,
              co_await service.catalog().list(call.scope, interpreter_kind_from(input),
                                              interpreter_page_from(input)));
    co_return page_output(page, "codeInterpreterSummaries",
                          [&](const auto& item) { return interpreter_output(call.scope, item); });
}

Task<json::object> start(InterpreterService& service, CallContext call, json::object input) {
    AC_CO_TRY(auto wanted, new_session_from(input));
    AC_CO_TRY(const auto session, co_await service.sessions().start(call.scope, std::move(wanted)));
    co_return session_output(session);
}

Task<json::object> get_session(InterpreterService& service, CallContext call, json::object input) {
    SessionId id(string_in(input, "sessionId"));
    AC_CO_TRY(const auto session, co_await service.sessions().get(
                                      call.scope, interpreter_id_from(input), std::move(id)));
    co_return session_output(session);
}

Task<json::object> stop_session(InterpreterService& service, CallContext call, json::object input) {
    SessionId id(string_in(input, "sessionId"));
    AC_CO_TRY(const auto session, co_await service.sessions().stop(
                                      call.scope, interpreter_id_from(input), std::move(id)));
    co_return session_output(session);
}

Task<json::object> list_sessions(InterpreterService& service, CallContext call,
                                 json::object input) {
    AC_CO_TRY(const auto page,
              co_await service.sessions().list(call.scope, session_query_from(input)));
    co_return page_output(page, "items",
                          [](const auto& session) { return session_output(session); });
}

constexpr std::size_t kForkBodyBytesMax = 4096;
constexpr int kForksMax = 16;

Task<int> fork_count_from(net::Body& body) {
    AC_CO_TRY(const std::string text, co_await net::read_all(body, kForkBodyBytesMax));
    if (text.empty()) co_return 1;
    AC_CO_TRY(const json::value value, parse_json(text));
    const json::value* const count =
        value.is_object() ? value.get_object().if_contains("count") : nullptr;
    if (value.is_object() && count == nullptr) co_return 1;
    if (count == nullptr || !count->is_int64() || count->get_int64() < 1 ||
        count->get_int64() > kForksMax)
        co_return fail(ErrorCode::invalid_argument, "count is a number from 1 to 16");
    co_return static_cast<int>(count->get_int64());
}

Task<> fork_session(InterpreterService& service, CallContext call, json::object input,
                    net::Exchange& exchange, net::Body& body) {
    AC_CO_TRY(const int count, co_await fork_count_from(body));
    SessionId id(string_in(input, "sessionId"));
    AC_CO_TRY(const auto made,
              co_await service.sessions().fork(call.scope, interpreter_id_from(input),
                                               std::move(id), static_cast<std::size_t>(count)));
    json::object out;
    out["sourceSessionId"] = string_in(input, "sessionId");
    json::array sessions;
    for (const auto& session : made.sessions) sessions.emplace_back(session_output(session));
    out["sessions"] = std::move(sessions);
    json::object languages;
    for (const auto& [language, has_state] : made.languages)
        languages[language] = has_state ? "FORKED" : "NOT_FORKED";
    out["languages"] = std::move(languages);
    net::Response response{.status = 200, .headers = {}, .body = json::serialize(out)};
    response.headers.add("Content-Type", "application/json");
    co_return co_await exchange.respond(std::move(response));
}

// One call of a tool on its way to the caller.
class ToolStream final {
  public:
    struct Address {
        Scope scope;
        interpreter::InterpreterId interpreter;
        SessionId session;
    };
    ToolStream(InterpreterService& service, Address address, net::Exchange& exchange,
               interpreter::Tool tool)
        : service_(service),
          address_(std::move(address)),
          exchange_(exchange),
          takes_first_(takes_first_event(exchange)),
          result_(tool, takes_first_ ? Pieces::refused : Pieces::allowed),
          start_(service.timer().clock().steady()),
          deadline_(start_ + patience_of(tool, service.limits())) {
        const bool runs =
            tool == interpreter::Tool::execute_code || tool == interpreter::Tool::execute_command;
        if (runs && !takes_first_) tell_from_ = start_ + kQuietAtFirst;
    }

    Task<> run(AgentCall& call) {
        bool is_last = false;
        while (!is_last) {
            const SteadyTime until = std::min(tell_from_, deadline_);
            if (until > now()) {
                (void)co_await (call.wait() || service_.timer().sleep_until(until));
            } else {
                AC_CO_CHECK(co_await call.wait());
            }
            auto taken = take_all(call);
            if (!taken) result_.end_broken(taken.error().message);
            is_last = !taken || *taken;
            if (is_last) break;
            if (now() >= deadline_) {
                service_.sessions().give_up(address_.scope, address_.interpreter, address_.session);
                deadline_ = SteadyTime::max();
            }
            if (now() < tell_from_) continue;
            tell_from_ = now();
            const std::string piece = result_.interim();
            if (!piece.empty()) {
                AC_CO_CHECK(co_await write(piece));
            }
        }
        co_return co_await tell();
    }

  private:
    static bool takes_first_event(const net::Exchange& exchange) {
        const auto agent = exchange.request().headers.get("User-Agent");
        return agent.find(kOneEventClient) != std::string_view::npos;
    }

    SteadyTime now() const { return service_.timer().clock().steady(); }

    Result<bool> take_all(AgentCall& call) {
        while (true) {
            AC_TRY(auto event, call.take());
            if (!event) return false;
            if (result_.add(*std::move(event))) return true;
        }
    }

    // `bytes` outlive the Task.
    Task<> write(std::string_view bytes) {
        if (!exchange_.started()) {
            net::ResponseHead head;
            head.headers.add("Content-Type", std::string(kEventStreamType));
            head.headers.add(std::string(kSessionHeader), address_.session.text());
            AC_CO_CHECK(co_await exchange_.start(std::move(head)));
        }
        co_return co_await exchange_.write(bytes);
    }

    Task<> tell() {
        std::string event;
        for (result_.next_event(event); !event.empty(); result_.next_event(event)) {
            AC_CO_CHECK(co_await write(event));
        }
        co_return co_await exchange_.finish();
    }

    InterpreterService& service_;
    const Address address_;
    net::Exchange& exchange_;
    const bool takes_first_;
    ToolResult result_;
    const SteadyTime start_;
    SteadyTime deadline_;
    SteadyTime tell_from_ = SteadyTime::max();  // interim events
};

Task<> invoke(InterpreterService& service, CallContext call, json::object input,
              net::Exchange& exchange, LiftedTexts& lifted) {
    AC_CO_TRY(auto tool, tool_call_from(input, lifted));
    const interpreter::Tool kind = tool.tool;
    ToolStream::Address address{.scope = call.scope,
                                .interpreter = interpreter_id_from(input),
                                .session = SessionId(string_in(input, "sessionId"))};
    input.clear();  // files may be in it, which are on their way now
    AC_CO_TRY(const auto running,
              co_await service.sessions().call(address.scope, address.interpreter, address.session,
                                               std::move(tool)));
    ToolStream stream(service, std::move(address), exchange, kind);
    auto ended = co_await (stream.run(*running) || exchange.wait_closed());
    if (ended.index() == 0) co_return std::get<0>(std::move(ended));
    running->cancel();
    co_return fail(ErrorCode::cancelled, "the caller has gone");
}

class InterpreterTags final : public TagOwner {
  public:
    explicit InterpreterTags(InterpreterService& service) : service_(service) {}

    bool owns(std::string_view arn) const override {
        return arn.find(":code-interpreter-custom/") != arn.npos;
    }
    Task<TagMap> tags(Scope scope, std::string arn) override {
        AC_CO_TRY(auto id, id_of(scope, arn));
        co_return co_await service_.catalog().tags(scope, std::move(id));
    }
    Task<> add_tags(Scope scope, std::string arn, TagMap tags) override {
        AC_CO_TRY(auto id, id_of(scope, arn));
        co_return co_await service_.catalog().add_tags(scope, std::move(id), std::move(tags));
    }
    Task<> remove_tags(Scope scope, std::string arn, std::vector<std::string> keys) override {
        AC_CO_TRY(auto id, id_of(scope, arn));
        co_return co_await service_.catalog().remove_tags(scope, std::move(id), std::move(keys));
    }

  private:
    static Result<interpreter::InterpreterId> id_of(const Scope& scope, const std::string& arn) {
        interpreter::InterpreterId id(arn.substr(arn.rfind('/') + 1));
        if (interpreter_arn(scope, id) == arn) return id;
        return fail(ErrorCode::permission_denied, "the resource is of another account or region");
    }

    InterpreterService& service_;
};

}  // namespace

std::unique_ptr<TagOwner> make_interpreter_tags(InterpreterService& service) {
    return std::make_unique<InterpreterTags>(service);
}

void bind_interpreter(Api& api, InterpreterService& service) {
    const auto bind = [&](std::string_view operation, auto handler) {
        api.bind(operation, [&service, handler](CallContext call, json::object input) {
            return handler(service, std::move(call), std::move(input));
        });
    };
    bind("CreateCodeInterpreter", create);
    bind("GetCodeInterpreter", get);
    bind("ListCodeInterpreters", list);
    bind("DeleteCodeInterpreter", remove);
    bind("StartCodeInterpreterSession", start);
    bind("GetCodeInterpreterSession", get_session);
    bind("ListCodeInterpreterSessions", list_sessions);
    bind("StopCodeInterpreterSession", stop_session);
    api.bind_extension(
        "POST", "/x/code-interpreters/{codeInterpreterIdentifier}/sessions/{sessionId}/fork",
        [&service](CallContext call, json::object input, net::Exchange& exchange, net::Body& body) {
            return fork_session(service, std::move(call), std::move(input), exchange, body);
        });
    api.bind_stream("InvokeCodeInterpreter", [&service](CallContext call, json::object input,
                                                        net::Exchange& exchange, net::Body& body) {
        auto& lifted = dynamic_cast<LiftedTexts&>(body);  // as api.cpp does for this operation
        return invoke(service, std::move(call), std::move(input), exchange, lifted);
    });
}

}  // namespace ac::wire
