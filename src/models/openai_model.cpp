#include "models/openai_model.h"

#include <atomic>
#include <boost/json/serialize.hpp>
#include <cmath>

#include "base/encoding.h"
#include "models/json_view.h"
#include "models/limits.h"
#include "models/openai_decoder.h"

namespace ac::models {
namespace {

Task<net::Headers> headers_of(KeySource* keys, std::string key) {
    net::Headers headers;
    if (key.empty()) co_return headers;
    AC_CO_TRY(const Secret secret, co_await keys->key(std::move(key)));
    headers.add("Authorization", "Bearer " + std::string(secret->view()));
    co_return headers;
}

class OpenAiChat final : public ChatModel {
  public:
    OpenAiChat(std::shared_ptr<Upstream> upstream, KeySource* keys, OpenAiOptions options,
               const Clock& clock)
        : upstream_(std::move(upstream)),
          keys_(keys),
          options_(std::move(options)),
          clock_(clock) {}

    Task<std::unique_ptr<ChatStream>> start(const ChatRequest& request,
                                            SteadyTime deadline) override;
    // The API has no way to ask.
    Task<std::int64_t> count_tokens(const ChatRequest& request, SteadyTime) override {
        co_return estimate_tokens(request);
    }

  private:
    Result<std::unique_ptr<ChatDecoder>> decoder_for(const net::ResponseHead& head) const;

    const std::shared_ptr<Upstream> upstream_;
    KeySource* const keys_;
    const OpenAiOptions options_;
    const Clock& clock_;
};

// A server that cannot stream answers whole although it was asked to stream.
Result<std::unique_ptr<ChatDecoder>> OpenAiChat::decoder_for(const net::ResponseHead& head) const {
    const std::string type = to_lower(head.headers.get("Content-Type"));
    if (type.starts_with("text/event-stream")) return make_openai_stream_decoder(options_.name);
    if (type.starts_with("application/json")) return make_openai_whole_decoder(options_.name);
    return fail(model_failed("model provider " + options_.name +
                             " answered neither an event stream nor JSON"));
}

Task<std::unique_ptr<ChatStream>> OpenAiChat::start(const ChatRequest& request,
                                                    SteadyTime deadline) {
    const CallTimes times = times_of(options_.limits, clock_, deadline);
    AC_CO_TRY(const auto body, openai_request(request, options_.dialect));
    HttpAsk call{.path = "/chat/completions", .headers = {}, .body = json::serialize(body)};
    AC_CO_TRY(call.headers, co_await headers_of(keys_, options_.key));
    if (options_.dialect.streams) call.headers.add("Accept", "text/event-stream");
    AC_CO_TRY(auto answer, co_await ask(*upstream_, options_.name, std::move(call), times));
    AC_CO_TRY(auto decoder, decoder_for(answer.head));
    co_return co_await open_http_stream(options_.name, std::move(answer), std::move(decoder), times,
                                        clock_);
}

// Of length 1, so that a dot product is a cosine.
void normalise(std::vector<float>& vector) {
    double sum = 0;
    for (const float x : vector) sum += static_cast<double>(x) * x;
    if (sum <= 0) return;
    const auto scale = static_cast<float>(1 / std::sqrt(sum));
    for (float& x : vector) x *= scale;
}

std::optional<std::vector<float>> vector_in(const json::value& item) {
    const auto* object = item.if_object();
    const auto* numbers = object != nullptr ? array_in(*object, "embedding") : nullptr;
    if (numbers == nullptr || numbers->empty()) return std::nullopt;
    std::vector<float> out;
    out.reserve(numbers->size());
    for (const json::value& number : *numbers) {
        boost::system::error_code error;
        const double value = number.to_number<double>(error);
        if (error || !std::isfinite(value)) return std::nullopt;
        out.push_back(static_cast<float>(value));
    }
    normalise(out);
    return out;
}

Result<Embeddings> embeddings_in(const json::value& value, std::size_t texts,
                                 const std::string& provider) {
    const auto failed = [&] {
        return fail(model_failed("model provider " + provider + " answered no embeddings"));
    };
    const auto* body = value.if_object();
    const auto* data = body != nullptr ? array_in(*body, "data") : nullptr;
    if (data == nullptr || data->size() != texts) return failed();
    Embeddings out;
    out.vectors.resize(texts);
    std::size_t dimensions = 0;
    for (std::size_t i = 0; i < texts; ++i) {
        const json::value& item = (*data)[i];
        const auto* object = item.if_object();
        const bool is_numbered = object != nullptr && object->contains("index");
        const std::size_t at =
            is_numbered ? static_cast<std::size_t>(count_in(*object, "index")) : i;
        auto vector = vector_in(item);
        if (!vector || at >= texts || !out.vectors[at].empty()) return failed();
        if (dimensions == 0) dimensions = vector->size();
        if (vector->size() != dimensions) return failed();
        out.vectors[at] = *std::move(vector);
    }
    if (const auto* usage = object_in(*body, "usage"))
        out.input_tokens = count_in(*usage, "prompt_tokens");
    return out;
}

class OpenAiEmbedder final : public Embedder {
  public:
    OpenAiEmbedder(std::shared_ptr<Upstream> upstream, KeySource* keys, OpenAiOptions options,
                   const Clock& clock)
        : upstream_(std::move(upstream)),
          keys_(keys),
          options_(std::move(options)),
          clock_(clock) {}

    const std::string& model() const override { return options_.name; }
    std::size_t dimensions() const override { return dimensions_; }
    Task<Embeddings> embed(const EmbedRequest& request, SteadyTime deadline) override;

  private:
    const std::shared_ptr<Upstream> upstream_;
    KeySource* const keys_;
    const OpenAiOptions options_;
    const Clock& clock_;
    std::atomic<std::size_t> dimensions_{0};
};

Task<Embeddings> OpenAiEmbedder::embed(const EmbedRequest& request, SteadyTime deadline) {
    if (request.texts.empty() || request.texts.size() > kEmbedTextsMax)
        co_return fail(ErrorCode::invalid_argument,
                       "one request embeds 1 to " + std::to_string(kEmbedTextsMax) + " texts");
    json::object body{{"model", request.model},
                      {"input", json::array(request.texts.begin(), request.texts.end())},
                      {"encoding_format", "float"}};
    if (request.dimensions) body["dimensions"] = *request.dimensions;
    const CallTimes times = times_of(options_.limits, clock_, deadline);
    HttpAsk call{.path = "/embeddings", .headers = {}, .body = json::serialize(body)};
    AC_CO_TRY(call.headers, co_await headers_of(keys_, options_.key));
    AC_CO_TRY(auto answer, co_await ask(*upstream_, options_.name, std::move(call), times));
    answer.exchange->set_deadline(times.deadline);
    AC_CO_TRY(const auto value, co_await read_json(answer, options_.name, kEmbedAnswerBytesMax));
    auto out = embeddings_in(value, request.texts.size(), options_.name);
    if (out) dimensions_ = out->vectors.front().size();
    co_return out;
}

}  // namespace

std::unique_ptr<ChatModel> make_openai_chat(std::shared_ptr<Upstream> upstream, KeySource* keys,
                                            OpenAiOptions options, const Clock& clock) {
    return std::make_unique<OpenAiChat>(std::move(upstream), keys, std::move(options), clock);
}

std::unique_ptr<Embedder> make_openai_embedder(std::shared_ptr<Upstream> upstream, KeySource* keys,
                                               OpenAiOptions options, const Clock& clock) {
    return std::make_unique<OpenAiEmbedder>(std::move(upstream), keys, std::move(options), clock);
}

}  // namespace ac::models
