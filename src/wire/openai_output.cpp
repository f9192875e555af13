#include "wire/openai_output.h"

#include <bit>
#include <boost/json/serialize.hpp>
#include <cstring>

#include "base/encoding.h"

namespace ac::wire {
namespace {

namespace json = boost::json;
using models::StopReason;

std::string_view finish_reason(StopReason reason) {
    switch (reason) {
        case StopReason::tool_use:
            return "tool_calls";
        case StopReason::max_tokens:
        case StopReason::model_context_window_exceeded:
            return "length";
        case StopReason::content_filtered:
        case StopReason::guardrail_intervened:
            return "content_filter";
        default:
            return "stop";
    }
}

json::object usage_output(const models::Usage& usage) {
    json::object out{{"prompt_tokens", usage.total_tokens() - usage.output_tokens},
                     {"completion_tokens", usage.output_tokens},
                     {"total_tokens", usage.total_tokens()}};
    out["prompt_tokens_details"].emplace_object()["cached_tokens"] = usage.cache_read_input_tokens;
    return out;
}

json::object call_output(const models::ToolUseBlock& call) {
    json::object out{{"id", call.id}, {"type", "function"}};
    json::object& function = out["function"].emplace_object();
    function["name"] = call.name;
    function["arguments"] = json::serialize(call.input);
    return out;
}

class SseEncoder final : public ChatEncoder {
  public:
    explicit SseEncoder(OpenAiAnswer about) : about_(std::move(about)) {}
    std::string_view content_type() const override { return "text/event-stream; charset=utf-8"; }
    std::string encode(const models::ChatEvent& event) override;
    std::string end() override { return "data: [DONE]\n\n"; }
    std::string error(const Error& error) override {
        return "data: " + openai_error(error).body + "\n\n";
    }

  private:
    json::object chunk() const;
    std::string choice(json::object delta, json::value finish = nullptr) const;
    std::string begin_block(const models::BlockStart& start);
    std::string delta(const models::BlockDelta& delta) const;

    OpenAiAnswer about_;
    int calls_ = 0;
};

json::object SseEncoder::chunk() const {
    return {{"id", about_.id},
            {"object", "chat.completion.chunk"},
            {"created", about_.created},
            {"model", about_.model}};
}

std::string SseEncoder::choice(json::object delta, json::value finish) const {
    json::object choice{{"index", 0}};
    choice["delta"] = std::move(delta);
    choice["logprobs"] = nullptr;
    choice["finish_reason"] = std::move(finish);
    json::object out = chunk();
    out["choices"].emplace_array().emplace_back(std::move(choice));
    if (about_.includes_usage) out["usage"] = nullptr;
    return "data: " + json::serialize(out) + "\n\n";
}

std::string SseEncoder::begin_block(const models::BlockStart& start) {
    if (start.kind != models::BlockStart::Kind::tool_use) return {};
    json::object call{{"index", calls_++}, {"id", start.tool_use_id}, {"type", "function"}};
    json::object& function = call["function"].emplace_object();
    function["name"] = start.tool_name;
    function["arguments"] = "";
    json::object delta;
    delta["tool_calls"].emplace_array().emplace_back(std::move(call));
    return choice(std::move(delta));
}

std::string SseEncoder::delta(const models::BlockDelta& delta) const {
    json::object out;
    if (const auto* text = std::get_if<models::TextDelta>(&delta.delta)) {
        out["content"] = text->text;
    } else if (const auto* input = std::get_if<models::ToolInputDelta>(&delta.delta)) {
        json::object call{{"index", calls_ - 1}};
        call["function"].emplace_object()["arguments"] = input->json;
        out["tool_calls"].emplace_array().emplace_back(std::move(call));
    } else {
        // As the servers that show reasoning do it; OpenAI's own hides it.
        const auto& reasoning = std::get<models::ReasoningDelta>(delta.delta);
        if (reasoning.text.empty()) return {};
        out["reasoning_content"] = reasoning.text;
    }
    return choice(std::move(out));
}

std::string SseEncoder::encode(const models::ChatEvent& event) {
    if (std::holds_alternative<models::MessageStart>(event)) {
        json::object first{{"role", "assistant"}, {"content", ""}};
        return choice(std::move(first));
    }
    if (const auto* start = std::get_if<models::BlockStart>(&event)) return begin_block(*start);
    if (const auto* piece = std::get_if<models::BlockDelta>(&event)) return delta(*piece);
    if (const auto* stop = std::get_if<models::MessageStop>(&event))
        return choice({}, json::value(finish_reason(stop->reason)));
    const auto* metadata = std::get_if<models::Metadata>(&event);
    if (metadata == nullptr || !about_.includes_usage) return {};
    json::object out = chunk();
    out["choices"] = json::array();
    out["usage"] = usage_output(metadata->usage);
    return "data: " + json::serialize(out) + "\n\n";
}

json::object message_output(const models::Message& message) {
    std::string text;
    std::string reasoning;
    json::array calls;
    for (const auto& block : message.content) {
        if (const auto* part = std::get_if<models::TextBlock>(&block)) text += part->text;
        if (const auto* part = std::get_if<models::ReasoningBlock>(&block)) reasoning += part->text;
        if (const auto* call = std::get_if<models::ToolUseBlock>(&block))
            calls.emplace_back(call_output(*call));
    }
    json::object out{{"role", "assistant"}};
    out["content"] = text.empty() && !calls.empty() ? json::value() : json::value(text);
    out["refusal"] = nullptr;
    if (!reasoning.empty()) out["reasoning_content"] = std::move(reasoning);
    if (!calls.empty()) out["tool_calls"] = std::move(calls);
    return out;
}

// 32-bit floats, little-endian.
std::string float_bytes(const std::vector<float>& vector) {
    static_assert(std::endian::native == std::endian::little);
    std::string bytes(vector.size() * sizeof(float), '\0');
    std::memcpy(bytes.data(), vector.data(), bytes.size());
    return bytes;
}

}  // namespace

json::object openai_completion(models::ChatAnswer answer, const OpenAiAnswer& about) {
    json::object choice{{"index", 0}};
    choice["message"] = message_output(answer.message);
    choice["logprobs"] = nullptr;
    choice["finish_reason"] = finish_reason(answer.stop_reason);
    json::object out{{"id", about.id},
                     {"object", "chat.completion"},
                     {"created", about.created},
                     {"model", about.model}};
    out["choices"].emplace_array().emplace_back(std::move(choice));
    out["usage"] = usage_output(answer.usage);
    return out;
}

std::unique_ptr<ChatEncoder> make_openai_sse(OpenAiAnswer about) {
    return std::make_unique<SseEncoder>(std::move(about));
}

json::object openai_embeddings(const models::Embeddings& made, std::string_view model,
                               bool as_base64) {
    json::array data;
    for (const auto& vector : made.vectors) {
        json::object item{{"object", "embedding"}, {"index", data.size()}};
        if (as_base64) {
            item["embedding"] = to_base64(float_bytes(vector));
        } else {
            json::array& numbers = item["embedding"].emplace_array();
            numbers.reserve(vector.size());
            for (const float x : vector) numbers.emplace_back(static_cast<double>(x));
        }
        data.emplace_back(std::move(item));
    }
    json::object out{{"object", "list"}, {"model", model}};
    out["data"] = std::move(data);
    out["usage"] = {{"prompt_tokens", made.input_tokens}, {"total_tokens", made.input_tokens}};
    return out;
}

json::object openai_model(const models::ModelInfo& info) {
    return {{"id", info.id}, {"object", "model"}, {"created", 0}, {"owned_by", info.provider}};
}

OpenAiError openai_error(const Error& error) {
    struct Row {
        int status;
        std::string_view type;
        std::string_view code;
    };
    const Row row = [&]() -> Row {
        switch (error.code) {
            case ErrorCode::invalid_argument:
                return {400, "invalid_request_error", ""};
            case ErrorCode::unauthenticated:
                return {401, "invalid_request_error", "invalid_api_key"};
            case ErrorCode::permission_denied:
                return {403, "invalid_request_error", "access_denied"};
            case ErrorCode::not_found:
                return {404, "invalid_request_error", "model_not_found"};
            case ErrorCode::not_implemented:
                return {404, "invalid_request_error", "unknown_url"};
            case ErrorCode::too_large:
                return {413, "invalid_request_error", "request_too_large"};
            case ErrorCode::throttled:
            case ErrorCode::quota_exceeded:
                return {429, "rate_limit_error", "rate_limit_exceeded"};
            case ErrorCode::busy:
            case ErrorCode::unavailable:
                return {503, "server_error", "model_unavailable"};
            case ErrorCode::deadline_exceeded:
                return {504, "server_error", "model_timeout"};
            case ErrorCode::guest_failed:
                return {502, "server_error", "model_error"};
            default:
                return {500, "server_error", ""};
        }
    }();
    json::object inner;
    inner["message"] =
        error.code == ErrorCode::internal ? "Internal server error" : json::string(error.message);
    inner["type"] = row.type;
    inner["param"] = error.fields.empty() ? json::value() : json::value(error.fields[0].path);
    inner["code"] = row.code.empty() ? json::value() : json::value(row.code);
    json::object body;
    body["error"] = std::move(inner);
    return {.status = row.status, .body = json::serialize(body)};
}

}  // namespace ac::wire
