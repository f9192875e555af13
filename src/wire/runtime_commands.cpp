#include "wire/runtime_commands.h"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/json.hpp>

#include "runtime/proxy_headers.h"
#include "wire/event_stream.h"

namespace ac::wire {
namespace {

using runtime::CommandEnd;
using runtime::CommandRequest;
using runtime::RuntimeService;
using runtime::SessionAddress;

std::string chunk(std::string_view member, json::object content) {
    json::object event;
    event[member] = std::move(content);
    return encode_event("chunk", json::serialize(event));
}

class EventSink final : public runtime::CommandSink {
  public:
    explicit EventSink(net::Exchange& exchange) : exchange_(exchange) {}

    Task<> started(const runtime::SessionId& session) override {
        net::ResponseHead head;
        head.headers.add("Content-Type", std::string(kEventStreamType));
        head.headers.add(std::string(runtime::kSessionHeader), session.text());
        AC_CO_CHECK(co_await exchange_.start(std::move(head)));
        const std::string event = chunk("contentStart", {});
        co_return co_await exchange_.write(event);
    }
    Task<> output(std::string out, std::string errors) override {
        json::object content;
        if (!out.empty()) content["stdout"] = out;
        if (!errors.empty()) content["stderr"] = errors;
        const std::string event = chunk("contentDelta", std::move(content));
        co_return co_await exchange_.write(event);
    }
    Task<> ended(CommandEnd end) {
        const std::string event = chunk(
            "contentStop",
            {{"exitCode", end.exit_code}, {"status", end.timed_out ? "TIMED_OUT" : "COMPLETED"}});
        AC_CO_CHECK(co_await exchange_.write(event));
        co_return co_await exchange_.finish();
    }

  private:
    net::Exchange& exchange_;
};

Result<CommandRequest> request_from(const json::object& input) {
    CommandRequest request;
    const json::value* body = input.if_contains("body");
    const json::object* given = body == nullptr ? nullptr : body->if_object();
    const json::value* text = given == nullptr ? nullptr : given->if_contains("command");
    if (text == nullptr || !text->is_string())
        return fail(ErrorCode::invalid_argument, "body.command is required");
    request.text.assign(text->get_string().data(), text->get_string().size());
    if (const json::value* timeout = given->if_contains("timeout");
        timeout != nullptr && timeout->is_number()) {
        boost::system::error_code error;
        const auto seconds = timeout->to_number<std::int64_t>(error);
        if (error) return fail(ErrorCode::invalid_argument, "body.timeout is no whole number");
        request.timeout = Seconds{seconds};
    }
    return request;
}

}  // namespace

Task<> stream_command(RuntimeService& service, SessionAddress address, json::object input,
                      const CallContext& call, net::Exchange& exchange) {
    using namespace asio::experimental::awaitable_operators;
    AC_CO_TRY(CommandRequest request, request_from(input));
    EventSink sink(exchange);
    // A silent command writes nothing by which its caller's absence could be noticed.
    auto raced = co_await (service.run_command(std::move(address), std::move(request), sink) ||
                           exchange.wait_closed());
    if (raced.index() == 1) co_return fail(ErrorCode::cancelled, "the caller went away");
    auto end = std::get<0>(std::move(raced));
    if (end) co_return co_await sink.ended(*end);
    if (!exchange.started() || end.error().code == ErrorCode::cancelled)
        co_return fail(std::move(end).error());
    const std::string event = encode_stream_error(end.error(), call.operation);
    AC_CO_CHECK(co_await exchange.write(event));
    co_return co_await exchange.finish();
}

}  // namespace ac::wire
