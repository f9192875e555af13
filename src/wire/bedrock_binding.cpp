#include "wire/bedrock_binding.h"

#include <boost/json/serialize.hpp>

#include "wire/bedrock_catalogue.h"
#include "wire/chat_streaming.h"
#include "wire/converse_input.h"
#include "wire/converse_output.h"
#include "wire/embedding_bodies.h"
#include "wire/invoke_dialect.h"
#include "wire/json_members.h"
#include "wire/json_text.h"
#include "wire/limits.h"

namespace ac::wire {
namespace {

using models::ModelService;

// What handlers work with; lives as long as the bindings.
struct Models {
    explicit Models(ModelService& to) : service(to) {}
    ModelService& service;
    Codec codec;  // Nova's bodies are Converse's
    SystemRandom random;
};

models::Caller caller_of(const CallContext& call) {
    return {.account = call.scope.account,
            .runtime = call.guest_runtime,
            .session = call.guest_session};
}

std::string model_in(const json::object& input) {
    return model_id_from(string_in(input, "modelId"));
}

Task<json::object> converse(Models& models, CallContext call, json::object input) {
    AC_CO_TRY(auto request, chat_request_from(input));
    request.model = model_in(input);
    AC_CO_TRY(auto answer,
              co_await models::answer(models.service, std::move(request), caller_of(call)));
    co_return converse_output(std::move(answer), field_paths_from(input));
}

Task<> converse_stream(Models& models, CallContext call, json::object input,
                       net::Exchange& exchange) {
    AC_CO_TRY(auto request, chat_request_from(input));
    request.model = model_in(input);
    ConverseEvents encoder(call.operation, field_paths_from(input));
    co_return co_await stream_chat(models.service, std::move(request), caller_of(call), encoder,
                                   exchange);
}

Result<json::object> body_object(const std::string& text) {
    AC_TRY(auto value, parse_json(text));
    if (!value.is_object())
        return fail(Error{.code = ErrorCode::invalid_argument,
                          .message = "body: must be a JSON object",
                          .reason = "CannotParse"});
    return std::move(value.get_object());
}

json::object invoke_output(const json::object& answer) {
    json::object out;
    out["body"] = json::serialize(answer);
    out["contentType"] = "application/json";
    return out;
}

Task<json::object> invoke_model(Models& models, CallContext call, json::object input) {
    AC_CO_TRY(const auto body, body_object(string_in(input, "body")));
    std::string model = model_in(input);
    if (const auto form = embedding_form(body, model); form != EmbeddingForm::none) {
        AC_CO_TRY(auto wanted, embedding_call_from(body, form));
        auto request = wanted.request;
        request.model = std::move(model);
        AC_CO_TRY(const auto made,
                  co_await models.service.embed(std::move(request), caller_of(call)));
        co_return invoke_output(embedding_answer(wanted, made, call.request_id));
    }
    DialectParts parts{.codec = models.codec, .random = models.random, .model = model};
    AC_CO_TRY(const auto dialect, dialect_of(body, std::move(parts)));
    AC_CO_TRY(auto request, dialect->request(body));
    request.model = std::move(model);
    AC_CO_TRY(auto answer,
              co_await models::answer(models.service, std::move(request), caller_of(call)));
    co_return invoke_output(dialect->answer(std::move(answer)));
}

// Tells the form of what is inside the frames.
class WithContentType final : public ChatEncoder {
  public:
    explicit WithContentType(std::unique_ptr<ChatEncoder> inner) : inner_(std::move(inner)) {}
    std::string_view content_type() const override { return inner_->content_type(); }
    void add_headers(net::Headers& headers) const override {
        headers.add("X-Amzn-Bedrock-Content-Type", "application/json");
    }
    std::string encode(const models::ChatEvent& event) override { return inner_->encode(event); }
    std::string end() override { return inner_->end(); }
    std::string error(const Error& error) override { return inner_->error(error); }

  private:
    std::unique_ptr<ChatEncoder> inner_;
};

Task<> invoke_model_stream(Models& models, CallContext call, json::object input,
                           net::Exchange& exchange, net::Body& payload) {
    AC_CO_TRY(const std::string text, co_await net::read_all(payload, kModelBodyBytesMax));
    AC_CO_TRY(const auto body, body_object(text));
    std::string model = model_in(input);
    if (embedding_form(body, model) != EmbeddingForm::none)
        co_return bad_member("body", "Embeddings are not streamed. Use InvokeModel");
    DialectParts parts{.codec = models.codec, .random = models.random, .model = model};
    AC_CO_TRY(const auto dialect, dialect_of(body, std::move(parts)));
    AC_CO_TRY(auto request, dialect->request(body));
    request.model = std::move(model);
    WithContentType encoder(dialect->encoder(call.operation));
    co_return co_await stream_chat(models.service, std::move(request), caller_of(call), encoder,
                                   exchange);
}

Result<models::ChatRequest> counted_request(Models& models, const json::object& input) {
    const auto& counted = input.at("input").as_object();
    if (const auto* converse = object_in(counted, "converse")) return chat_request_from(*converse);
    AC_TRY(const auto body, body_object(string_in(counted.at("invokeModel").as_object(), "body")));
    AC_TRY(const auto dialect,
           dialect_of(body,
                      {.codec = models.codec, .random = models.random, .model = model_in(input)}));
    return dialect->request(body);
}

Task<json::object> count_tokens(Models& models, CallContext call, json::object input) {
    AC_CO_TRY(auto request, counted_request(models, input));
    request.model = model_in(input);
    AC_CO_TRY(const auto count,
              co_await models.service.count_tokens(std::move(request), caller_of(call)));
    json::object out;
    out["inputTokens"] = count;
    co_return out;
}

}  // namespace

void bind_models(Api& api, ModelService& service) {
    const auto models = std::make_shared<Models>(service);
    const auto bind = [&](std::string_view operation, auto handler) {
        api.bind(operation, [models, handler](CallContext call, json::object input) {
            return handler(*models, std::move(call), std::move(input));
        });
    };
    bind("Converse", converse);
    bind("InvokeModel", invoke_model);
    bind("CountTokens", count_tokens);
    api.bind_stream("ConverseStream", [models](CallContext call, json::object input,
                                               net::Exchange& exchange, net::Body&) {
        return converse_stream(*models, std::move(call), std::move(input), exchange);
    });
    api.bind_stream(
        "InvokeModelWithResponseStream",
        [models](CallContext call, json::object input, net::Exchange& exchange, net::Body& body) {
            return invoke_model_stream(*models, std::move(call), std::move(input), exchange, body);
        });
    bind_catalogue(api, service);
}

}  // namespace ac::wire
