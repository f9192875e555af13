#include "wire/api.h"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <unordered_map>

#include "base/encoding.h"
#include "base/log.h"
#include "crypto/wipe.h"
#include "wire/codec.h"
#include "wire/error_map.h"
#include "wire/identified_exchange.h"
#include "wire/lifted_texts.h"
#include "wire/limits.h"
#include "wire/query.h"
#include "wire/router.h"
#include "wire/tables/operations.h"

namespace ac::wire {
namespace {

// Operations that take or give secrets are all below it.
constexpr std::string_view kSecretsUri = "/identities/";

// What has read or written an input or output has left pieces of it on the stack.
void forget_on_stack(const OperationSpec& operation) {
    if (operation.uri.starts_with(kSecretsUri)) wipe_stack();
}

struct Target {
    const OperationSpec* operation = nullptr;  // nullptr: an extension
    Handler handler;
    StreamHandler stream;
    StreamHandler unsigned_stream;
    std::string extension = {};  // "GET /x/..."
};

class ApiOverTables final : public Api {
  public:
    ApiOverTables() {
        for (const OperationSpec& operation : operations()) {
            router_.add(operation.method, operation.uri, targets_.size());
            by_name_.emplace(operation.name, targets_.size());
            targets_.push_back({.operation = &operation});
        }
        for (const tables::RouteAlias& alias : tables::route_aliases())
            router_.add(alias.method, alias.uri, by_name_.at(alias.operation));
        bind_extension("GET", "/x/operations",
                       [this](CallContext, json::object, net::Exchange& exchange, net::Body&) {
                           return answer_operations(operation_list(), exchange);
                       });
    }

    void bind(std::string_view operation, Handler handler) override {
        Target& target = target_of(operation);
        AC_ASSERT(!is_bound(target) && target.operation->input != nullptr);
        target.handler = std::move(handler);
    }

    void bind_stream(std::string_view operation, StreamHandler handler) override {
        Target& target = target_of(operation);
        AC_ASSERT(!is_bound(target) && target.operation->input != nullptr);
        target.stream = std::move(handler);
    }

    void bind_extension(std::string_view method, std::string_view uri,
                        StreamHandler handler) override {
        router_.add(method, uri, targets_.size());
        targets_.push_back({.operation = nullptr,
                            .stream = std::move(handler),
                            .extension = std::string(method) + ' ' + std::string(uri)});
    }

    void bind_unsigned(std::string_view operation, StreamHandler handler) override {
        Target& target = target_of(operation);
        AC_ASSERT(!target.unsigned_stream);
        target.unsigned_stream = std::move(handler);
    }

    void bind_unsigned_extension(std::string_view method, std::string_view uri,
                                 StreamHandler handler) override {
        const std::string name = std::string(method) + ' ' + std::string(uri);
        const auto found = std::ranges::find(targets_, name, &Target::extension);
        AC_ASSERT(found != targets_.end() && !found->unsigned_stream);
        found->unsigned_stream = std::move(handler);
    }

    void bind_open(std::string_view method, std::string_view uri, StreamHandler handler) override {
        router_.add(method, uri, targets_.size());
        targets_.push_back({.operation = nullptr, .stream = handler, .unsigned_stream = handler});
    }

    bool takes_unsigned(const net::RequestHead& head) const override {
        const RouteMatch route = router_.find(head.method, head.path());
        return route.outcome == RouteMatch::Outcome::found &&
               targets_[route.target].unsigned_stream != nullptr;
    }

    void guard_with(const Gate& gate) override { gate_ = &gate; }

    bool implements(std::string_view operation) const override {
        const auto found = by_name_.find(operation);
        return found != by_name_.end() && is_bound(targets_[found->second]);
    }

    std::vector<std::string_view> unimplemented() const override {
        std::vector<std::string_view> out;
        for (const OperationSpec& operation : operations())
            if (!implements(operation.name)) out.push_back(operation.name);
        return out;
    }

    asio::awaitable<std::string_view, Executor> serve(net::Exchange& given, CallContext context,
                                                      net::Body& body) override {
        IdentifiedExchange exchange(given, context.request_id);
        context.head = &exchange.request();
        const std::string request_id = context.request_id;
        RouteMatch route = router_.find(context.head->method, context.head->path());
        if (route.outcome != RouteMatch::Outcome::found) {
            co_await answer(exchange, no_route(route));
            co_return "-";
        }
        const Target& target = targets_[route.target];
        context.operation = target.operation;
        const std::string_view name = target.operation ? target.operation->name : "extension";
        const auto done = co_await run(target, context, route, exchange, body);
        if (done) co_return name;
        log_failure(done.error(), target.operation, request_id);
        if (exchange.started()) {
            exchange.abort();
        } else {
            co_await answer(exchange, error_response(done.error(), target.operation));
        }
        co_return name;
    }

    Detached serve_error(net::Exchange& given, CallContext context, Error error) override {
        IdentifiedExchange exchange(given, context.request_id);
        const net::RequestHead& head = exchange.request();
        const RouteMatch route = router_.find(head.method, head.path());
        const OperationSpec* operation = route.outcome == RouteMatch::Outcome::found
                                             ? targets_[route.target].operation
                                             : nullptr;
        log_failure(error, operation, context.request_id);
        co_await answer(exchange, error_response(error, operation));
    }

  private:
    static bool is_bound(const Target& target) { return target.handler || target.stream; }

    Target& target_of(std::string_view operation) {
        const auto found = by_name_.find(operation);
        AC_ASSERT(found != by_name_.end());
        return targets_[found->second];
    }

    static net::Response no_route(const RouteMatch& route) {
        switch (route.outcome) {
            case RouteMatch::Outcome::wrong_method: {
                auto response = exception_response("UnknownOperationException", 405,
                                                   "This path does not take that method");
                std::string allowed;
                for (const std::string& method : route.methods)
                    allowed += (allowed.empty() ? "" : ", ") + method;
                response.headers.add("Allow", std::move(allowed));
                return response;
            }
            case RouteMatch::Outcome::malformed: {
                const Error error{.code = ErrorCode::invalid_argument,
                                  .message = "The path is not percent-encoded UTF-8",
                                  .reason = "CannotParse"};
                return error_response(error, nullptr);
            }
            default:
                return exception_response("UnknownOperationException", 404,
                                          "No operation of the API has this path");
        }
    }

    // The context goes to the handler.
    Task<> run(const Target& target, CallContext& context, RouteMatch& route,
               net::Exchange& exchange, net::Body& body) {
        if (!context.is_signed && !target.unsigned_stream)
            co_return fail(ErrorCode::unauthenticated, "this operation wants a signed request");
        if (target.operation == nullptr)
            co_return co_await run_extension(target, std::move(context), std::move(route), exchange,
                                             body);
        const OperationSpec& operation = *target.operation;
        if (!is_bound(target))
            co_return fail(ErrorCode::not_implemented,
                           std::string(operation.name) + " is not implemented by agentcored yet");
        const BodyUse use = body_use(operation);
        const StreamHandler& stream = context.is_signed ? target.stream : target.unsigned_stream;
        const bool reads = use == BodyUse::json || (use == BodyUse::raw && target.handler);
        std::string text;
        LiftedTexts lifted;
        if (reads) {
            AC_CO_TRY(text, co_await read_all(body, body_bytes_max(operation)));
        }
        if (takes_files(operation)) {
            text = LiftedTexts::lift(std::move(text), random_, lifted);
        }
        auto decoded =
            codec_.decode(operation, route.labels, *context.head, reads ? &text : nullptr, random_);
        forget_on_stack(operation);
        AC_CO_TRY(json::object input, std::move(decoded));
        if (gate_ != nullptr && context.is_signed) {
            AC_CO_CHECK(gate_->admit(context, input, {}));
        }
        if (stream) {
            net::Body& rest = takes_files(operation) ? lifted : body;
            auto task = stream(std::move(context), std::move(input), exchange, rest);
            co_return co_await std::move(task);
        }
        auto task = target.handler(std::move(context), std::move(input));
        auto waiting = operation.plane == Plane::models ? while_wanted(std::move(task), exchange)
                                                        : std::move(task);
        AC_CO_TRY(const json::object output, co_await std::move(waiting));
        net::Response response = codec_.encode(operation, output);
        forget_on_stack(operation);
        co_await answer(exchange, std::move(response));
        co_return Result<>();
    }

    // A model's work is not done for a caller who has gone.
    static Task<json::object> while_wanted(Task<json::object> work, net::Exchange& exchange) {
        using namespace asio::experimental::awaitable_operators;
        auto ended = co_await (std::move(work) || exchange.wait_closed());
        if (ended.index() == 0) co_return std::get<0>(std::move(ended));
        co_return fail(ErrorCode::cancelled, "the caller has gone");
    }

    // Labels and query parameters as strings, by their names.
    Task<> run_extension(const Target& target, CallContext context, RouteMatch route,
                         net::Exchange& exchange, net::Body& body) {
        json::object input;
        AC_CO_TRY(const auto parameters, parse_query(context.head->query()));
        for (const QueryParameter& parameter : parameters)
            input.emplace(parameter.name, parameter.value);
        for (const PathLabel& label : route.labels) input[label.name] = label.value;
        const bool is_open = target.extension.empty();
        if (gate_ != nullptr && context.is_signed && !is_open) {
            AC_CO_CHECK(gate_->admit(context, input, target.extension));
        }
        const StreamHandler& stream = context.is_signed ? target.stream : target.unsigned_stream;
        auto task = stream(std::move(context), std::move(input), exchange, body);
        co_return co_await std::move(task);
    }

    static std::size_t body_bytes_max(const OperationSpec& operation) {
        if (operation.plane == Plane::models) return kModelBodyBytesMax;
        return takes_files(operation) ? kFileBodyBytesMax : kJsonBodyBytesMax;
    }

    static bool takes_files(const OperationSpec& operation) {
        return operation.name == "InvokeCodeInterpreter";
    }

    // A client that has gone away has no use for an answer.
    static Detached answer(net::Exchange& exchange, net::Response response) {
        const auto sent = co_await exchange.respond(std::move(response));
        if (!sent) AC_LOG(debug, "response not delivered", {"reason", sent.error().message});
    }

    static void log_failure(const Error& error, const OperationSpec* operation,
                            std::string_view request_id) {
        if (error.code == ErrorCode::internal || error.code == ErrorCode::unavailable) {
            AC_LOG(error, "request failed", {"operation", operation ? operation->name : "-"},
                   {"request_id", request_id}, {"code", to_string(error.code)},
                   {"message", error.message});
        }
    }

    std::string operation_list() const {
        json::array list;
        for (const OperationSpec& operation : operations())
            list.push_back({{"name", operation.name},
                            {"plane", to_string(operation.plane)},
                            {"implemented", implements(operation.name)}});
        return json::serialize(json::object{{"operations", std::move(list)}});
    }

    static Task<> answer_operations(std::string text, net::Exchange& exchange) {
        net::Response response{.status = 200, .headers = {}, .body = std::move(text)};
        response.headers.add("Content-Type", "application/json");
        co_await answer(exchange, std::move(response));
        co_return Result<>();
    }

    const Gate* gate_ = nullptr;
    SystemRandom random_;
    Codec codec_;
    Router router_;
    std::vector<Target> targets_;
    std::unordered_map<std::string_view, std::size_t> by_name_;
};

}  // namespace

std::unique_ptr<Api> make_api(const Clock&) {
    return std::make_unique<ApiOverTables>();
}

}  // namespace ac::wire
