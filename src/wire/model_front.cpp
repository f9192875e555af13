#include "wire/model_front.h"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <set>

#include "base/encoding.h"
#include "base/log.h"
#include "wire/anthropic_input.h"
#include "wire/anthropic_output.h"
#include "wire/chat_streaming.h"
#include "wire/identified_exchange.h"
#include "wire/json_text.h"
#include "wire/limits.h"
#include "wire/openai_input.h"
#include "wire/openai_output.h"
#include "wire/resource_names.h"

namespace ac::wire {
namespace {

constexpr std::string_view kInvoke = "bedrock:InvokeModel";
constexpr std::string_view kStream = "bedrock:InvokeModelWithResponseStream";

enum class Family { openai, anthropic };

struct Place {
    Family family = Family::openai;
    std::string_view rest;  // "chat/completions"
};

std::optional<Place> place_of(std::string_view path) {
    for (const auto& [prefix, family] :
         {std::pair<std::string_view, Family>("/v1/", Family::openai),
          {"/openai/v1/", Family::openai},
          {"/anthropic/v1/", Family::anthropic}})
        if (path.starts_with(prefix)) return Place{family, path.substr(prefix.size())};
    return std::nullopt;
}

// Where both have the same path, Anthropic's clients say who they are.
Family family_of(const net::RequestHead& head) {
    const auto place = place_of(head.path());
    const bool is_theirs = place && place->rest.starts_with("messages");
    if (is_theirs || (place && place->family == Family::anthropic)) return Family::anthropic;
    const auto& headers = head.headers;
    return headers.contains("anthropic-version") || headers.contains("x-api-key")
               ? Family::anthropic
               : Family::openai;
}

net::Response json_response(int status, std::string body) {
    net::Response response{.status = status, .headers = {}, .body = std::move(body)};
    response.headers.add("Content-Type", "application/json");
    return response;
}

models::Caller caller_of(const CallContext& call) {
    return {.account = call.scope.account,
            .runtime = call.guest_runtime,
            .session = call.guest_session};
}

Result<json::object> object_of(const std::string& text) {
    AC_TRY(auto value, parse_json(text));
    if (!value.is_object())
        return fail(ErrorCode::invalid_argument, "the request body must be a JSON object");
    return std::move(value.get_object());
}

class Front final : public ModelFront {
  public:
    Front(models::ModelService& models, const Gate& gate, Random& random)
        : models_(models), gate_(gate), random_(random) {}

    asio::awaitable<std::string_view, Executor> serve(net::Exchange& given, CallContext context,
                                                      net::Body& body) override;
    Detached serve_error(net::Exchange& given, std::string request_id, Error error) override;

  private:
    struct Route {
        std::string_view method;
        std::string_view rest;
        std::string_view name;
        Task<> (Front::*serve)(net::Exchange&, const CallContext&, json::object);
    };
    static const Route kRoutes[];

    Task<> dispatch(const Route& route, net::Exchange& exchange, const CallContext& call,
                    net::Body& body);
    Task<> chat(net::Exchange& exchange, const CallContext& call, json::object body);
    Task<> embeddings(net::Exchange& exchange, const CallContext& call, json::object body);
    Task<> list_models(net::Exchange& exchange, const CallContext& call, json::object body);
    Task<> get_model(net::Exchange& exchange, const CallContext& call, json::object body);
    Task<> messages(net::Exchange& exchange, const CallContext& call, json::object body);
    Task<> count_tokens(net::Exchange& exchange, const CallContext& call, json::object body);
    Result<> may(const CallContext& call, std::string_view action, const std::string& model) const;
    static json::object anthropic_model(const models::ModelInfo& info);
    std::string new_id(std::string_view prefix) const;

    models::ModelService& models_;
    const Gate& gate_;
    Random& random_;
};

const Front::Route Front::kRoutes[] = {
    {"POST", "chat/completions", "openai.ChatCompletions", &Front::chat},
    {"POST", "embeddings", "openai.Embeddings", &Front::embeddings},
    {"GET", "models", "ListModels", &Front::list_models},
    {"GET", "models/", "GetModel", &Front::get_model},  // and what follows
    {"POST", "messages", "anthropic.Messages", &Front::messages},
    {"POST", "messages/count_tokens", "anthropic.CountTokens", &Front::count_tokens},
};

std::string Front::new_id(std::string_view prefix) const {
    std::string id = random_uuid(random_);
    std::erase(id, '-');
    return std::string(prefix) + id;
}

asio::awaitable<std::string_view, Executor> Front::serve(net::Exchange& given, CallContext context,
                                                         net::Body& body) {
    const std::string request_id = context.request_id;
    IdentifiedExchange exchange(given, request_id);
    const net::RequestHead& head = exchange.request();
    const std::string_view rest = place_of(head.path())->rest;
    Error error{.code = ErrorCode::not_implemented,
                .message = fmt::format("Invalid URL ({} {})", head.method, head.path())};
    for (const Route& route : kRoutes) {
        const bool found = route.rest.ends_with('/')
                               ? rest.starts_with(route.rest) && rest.size() > route.rest.size()
                               : rest == route.rest;
        if (!found || head.method != route.method) continue;
        const auto done = co_await dispatch(route, exchange, context, body);
        if (done) co_return route.name;
        if (exchange.started()) {
            exchange.abort();
            co_return route.name;
        }
        error = done.error();
        co_await serve_error(given, request_id, std::move(error));
        co_return route.name;
    }
    co_await serve_error(given, request_id, std::move(error));
    co_return "-";
}

Task<> Front::dispatch(const Route& route, net::Exchange& exchange, const CallContext& call,
                       net::Body& body) {
    json::object object;
    if (route.method == "POST") {
        AC_CO_TRY(const std::string text, co_await net::read_all(body, kModelBodyBytesMax));
        AC_CO_TRY(object, object_of(text));
    }
    auto work = (this->*route.serve)(exchange, call, std::move(object));
    co_return co_await std::move(work);
}

Detached Front::serve_error(net::Exchange& given, std::string request_id, Error error) {
    IdentifiedExchange exchange(given, request_id);
    if (error.code == ErrorCode::internal || error.code == ErrorCode::unavailable)
        AC_LOG(error, "request failed", {"path", exchange.request().path()},
               {"request_id", request_id}, {"code", to_string(error.code)},
               {"message", error.message});
    net::Response response;
    if (family_of(exchange.request()) == Family::anthropic) {
        auto made = anthropic_error(error, request_id);
        response = json_response(made.status, std::move(made.body));
        response.headers.add("request-id", request_id);
    } else {
        auto made = openai_error(error);
        response = json_response(made.status, std::move(made.body));
        response.headers.add("x-request-id", request_id);
    }
    const auto sent = co_await exchange.respond(std::move(response));
    if (!sent) AC_LOG(debug, "response not delivered", {"reason", sent.error().message});
}

Result<> Front::may(const CallContext& call, std::string_view action,
                    const std::string& model) const {
    for (const std::string& resource : model_resources(model, call.scope))
        AC_CHECK(gate_.check(call, action, resource));
    return {};
}

Task<> Front::chat(net::Exchange& exchange, const CallContext& call, json::object body) {
    AC_CO_TRY(auto wanted, openai_chat_from(body));
    AC_CO_CHECK(may(call, wanted.streams ? kStream : kInvoke, wanted.request.model));
    OpenAiAnswer about{.id = new_id("chatcmpl-"),
                       .model = wanted.request.model,
                       .created = to_epoch_ms(call.now) / 1000,
                       .includes_usage = wanted.includes_usage};
    if (wanted.streams) {
        const auto encoder = make_openai_sse(std::move(about));
        co_return co_await stream_chat(models_, std::move(wanted.request), caller_of(call),
                                       *encoder, exchange);
    }
    AC_CO_TRY(auto answer,
              co_await await_chat(models_, std::move(wanted.request), caller_of(call), exchange));
    auto response =
        json_response(200, json::serialize(openai_completion(std::move(answer), about)));
    co_return co_await exchange.respond(std::move(response));
}

Task<> Front::embeddings(net::Exchange& exchange, const CallContext& call, json::object body) {
    AC_CO_TRY(auto wanted, openai_embedding_from(body));
    const std::string model = wanted.request.model;
    AC_CO_CHECK(may(call, kInvoke, model));
    AC_CO_TRY(const auto made, co_await models_.embed(std::move(wanted.request), caller_of(call)));
    auto response =
        json_response(200, json::serialize(openai_embeddings(made, model, wanted.as_base64)));
    co_return co_await exchange.respond(std::move(response));
}

json::object Front::anthropic_model(const models::ModelInfo& info) {
    return {{"type", "model"},
            {"id", info.id},
            {"display_name", info.id},
            {"created_at", "1970-01-01T00:00:00Z"}};
}

Task<> Front::list_models(net::Exchange& exchange, const CallContext& call, json::object) {
    AC_CO_CHECK(may(call, "bedrock:ListFoundationModels", ""));
    const bool is_theirs = family_of(exchange.request()) == Family::anthropic;
    json::array data;
    // One that talks and embeds is known twice by one id; these lists say nothing of either.
    std::set<std::string_view> listed;
    const auto known = models_.models();
    for (const models::ModelInfo& info : known)
        if (listed.insert(info.id).second)
            data.emplace_back(is_theirs ? anthropic_model(info) : openai_model(info));
    json::object out;
    if (is_theirs) {
        out["has_more"] = false;
        out["first_id"] = data.empty() ? json::value() : data.front().at("id");
        out["last_id"] = data.empty() ? json::value() : data.back().at("id");
    } else {
        out["object"] = "list";
    }
    out["data"] = std::move(data);
    auto response = json_response(200, json::serialize(out));
    co_return co_await exchange.respond(std::move(response));
}

Task<> Front::get_model(net::Exchange& exchange, const CallContext& call, json::object) {
    AC_CO_CHECK(may(call, "bedrock:ListFoundationModels", ""));
    const auto place = place_of(exchange.request().path());
    const std::string id =
        percent_decode(place->rest.substr(std::string_view("models/").size())).value_or("");
    for (const models::ModelInfo& info : models_.models()) {
        if (info.id != id) continue;
        const bool is_theirs = family_of(exchange.request()) == Family::anthropic;
        auto response = json_response(
            200, json::serialize(is_theirs ? anthropic_model(info) : openai_model(info)));
        co_return co_await exchange.respond(std::move(response));
    }
    co_return fail(ErrorCode::not_found, fmt::format("The model '{}' does not exist", id));
}

Task<> Front::messages(net::Exchange& exchange, const CallContext& call, json::object body) {
    AC_CO_TRY(auto request, anthropic_request(body));
    if (request.model.empty()) co_return fail(ErrorCode::invalid_argument, "model: field required");
    AnthropicAnswer about{.id = new_id("msg_"), .model = request.model};
    const auto* stream = body.if_contains("stream");
    if (stream != nullptr && !stream->is_bool() && !stream->is_null())
        co_return fail(ErrorCode::invalid_argument, "stream: must be true or false");
    const bool streams = stream != nullptr && stream->is_bool() && stream->get_bool();
    AC_CO_CHECK(may(call, streams ? kStream : kInvoke, request.model));
    if (streams) {
        const auto encoder = make_anthropic_sse(std::move(about));
        co_return co_await stream_chat(models_, std::move(request), caller_of(call), *encoder,
                                       exchange);
    }
    AC_CO_TRY(auto answer,
              co_await await_chat(models_, std::move(request), caller_of(call), exchange));
    auto response =
        json_response(200, json::serialize(anthropic_message(std::move(answer), about)));
    co_return co_await exchange.respond(std::move(response));
}

Task<> Front::count_tokens(net::Exchange& exchange, const CallContext& call, json::object body) {
    body["max_tokens"] = 1;  // which a count does not name
    AC_CO_TRY(auto request, anthropic_request(body));
    AC_CO_CHECK(may(call, "bedrock:CountTokens", request.model));
    AC_CO_TRY(const auto count, co_await models_.count_tokens(std::move(request), caller_of(call)));
    auto response = json_response(200, fmt::format("{{\"input_tokens\":{}}}", count));
    co_return co_await exchange.respond(std::move(response));
}

}  // namespace

bool is_model_front_path(std::string_view path) {
    return place_of(path).has_value();
}

std::optional<std::string> api_key_in(const net::Headers& headers) {
    if (const auto key = headers.find("x-api-key")) return std::string(trim(*key));
    const auto authorization = headers.find("Authorization");
    constexpr std::string_view kScheme = "bearer ";
    if (!authorization || authorization->size() <= kScheme.size() ||
        !equals_ignoring_case(authorization->substr(0, kScheme.size()), kScheme))
        return std::nullopt;
    return std::string(trim(authorization->substr(kScheme.size())));
}

std::unique_ptr<ModelFront> make_model_front(models::ModelService& models, const Gate& gate,
                                             Random& random) {
    return std::make_unique<Front>(models, gate, random);
}

}  // namespace ac::wire
