#include "wire/anthropic_output.h"

#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "wire/event_stream.h"
#include "wire/invoke_chunk.h"

namespace ac::wire {
namespace {

namespace json = boost::json;
using models::StopReason;

std::string_view stop_reason_text(StopReason reason) {
    switch (reason) {
        case StopReason::guardrail_intervened:
        case StopReason::content_filtered:
            return "refusal";
        case StopReason::malformed_model_output:
        case StopReason::malformed_tool_use:
            return "end_turn";
        default:
            return models::to_string(reason);
    }
}

json::value text_or_null(const std::string& text) {
    return text.empty() ? json::value() : json::value(text);
}

json::object usage_output(const models::Usage& usage) {
    return {{"input_tokens", usage.input_tokens},
            {"output_tokens", usage.output_tokens},
            {"cache_creation_input_tokens", usage.cache_write_input_tokens},
            {"cache_read_input_tokens", usage.cache_read_input_tokens}};
}

json::object redacted_block(const std::string& bytes) {
    return {{"type", "redacted_thinking"}, {"data", to_base64(bytes)}};
}

struct BlockWriter {
    json::object operator()(models::TextBlock& block) const {
        return {{"type", "text"}, {"text", std::move(block.text)}};
    }
    json::object operator()(models::ToolUseBlock& block) const {
        json::object out{{"type", "tool_use"}, {"id", block.id}, {"name", block.name}};
        out["input"] = std::move(block.input);
        return out;
    }
    json::object operator()(models::ReasoningBlock& block) const {
        if (!block.redacted.empty()) return redacted_block(block.redacted);
        return {{"type", "thinking"}, {"thinking", block.text}, {"signature", block.signature}};
    }
    json::object operator()(const auto&) const { return {}; }
};

class SseEncoder final : public ChatEncoder {
  public:
    explicit SseEncoder(AnthropicAnswer about) : events_(std::move(about)) {}
    std::string_view content_type() const override { return "text/event-stream; charset=utf-8"; }
    std::string encode(const models::ChatEvent& event) override {
        std::string text;
        for (const json::object& part : events_.next(event))
            text += sse(part.at("type").as_string(), json::serialize(part));
        return text;
    }
    std::string end() override { return {}; }
    std::string error(const Error& error) override {
        return sse("error", anthropic_error(error, {}).body);
    }

  private:
    static std::string sse(std::string_view type, const std::string& data) {
        std::string text = "event: ";
        text.append(type).append("\ndata: ").append(data).append("\n\n");
        return text;
    }
    AnthropicEvents events_;
};

class ChunkEncoder final : public ChatEncoder {
  public:
    ChunkEncoder(AnthropicAnswer about, const OperationSpec* operation)
        : events_(std::move(about)), operation_(operation) {}
    std::string_view content_type() const override { return kEventStreamType; }
    std::string encode(const models::ChatEvent& event) override {
        std::string bytes;
        for (json::object& part : events_.next(event)) {
            if (part.at("type") == "message_stop")
                part["amazon-bedrock-invocationMetrics"] = invocation_metrics(events_.metadata());
            bytes += encode_chunk(json::serialize(part));
        }
        return bytes;
    }
    std::string end() override { return {}; }
    std::string error(const Error& error) override {
        return encode_stream_error(error, operation_);
    }

  private:
    AnthropicEvents events_;
    const OperationSpec* operation_;
};

}  // namespace

json::object anthropic_message(models::ChatAnswer answer, const AnthropicAnswer& about) {
    json::array content;
    for (auto& block : answer.message.content) {
        json::object written = std::visit(BlockWriter{}, block);
        if (!written.empty()) content.emplace_back(std::move(written));
    }
    json::object out{{"id", about.id},
                     {"type", "message"},
                     {"role", "assistant"},
                     {"model", about.model},
                     {"content", std::move(content)},
                     {"stop_reason", stop_reason_text(answer.stop_reason)},
                     {"stop_sequence", text_or_null(answer.stop_sequence)}};
    out["usage"] = usage_output(answer.usage);
    return out;
}

json::object AnthropicEvents::begin_message() const {
    json::object message{{"id", about_.id},          {"type", "message"},
                         {"role", "assistant"},      {"model", about_.model},
                         {"content", json::array()}, {"stop_reason", nullptr},
                         {"stop_sequence", nullptr}};
    message["usage"] = usage_output({});
    json::object event{{"type", "message_start"}};
    event["message"] = std::move(message);
    return event;
}

void AnthropicEvents::begin_block(const models::BlockStart& start, std::vector<json::object>& out) {
    using Kind = models::BlockStart::Kind;
    block_is_pending_ = start.kind == Kind::reasoning;
    if (block_is_pending_) return;
    json::object block{{"type", "text"}, {"text", ""}};
    if (start.kind == Kind::tool_use) {
        block = {{"type", "tool_use"}, {"id", start.tool_use_id}, {"name", start.tool_name}};
        block["input"] = json::object();
    }
    out.push_back({{"type", "content_block_start"}, {"index", start.index}});
    out.back()["content_block"] = std::move(block);
}

void AnthropicEvents::add_delta(const models::BlockDelta& delta, std::vector<json::object>& out) {
    const auto* reasoning = std::get_if<models::ReasoningDelta>(&delta.delta);
    const bool redacted = reasoning != nullptr && !reasoning->redacted.empty();
    if (block_is_pending_) {
        block_is_pending_ = false;
        json::object block{{"type", "thinking"}, {"thinking", ""}, {"signature", ""}};
        if (redacted) block = redacted_block(reasoning->redacted);
        out.push_back({{"type", "content_block_start"}, {"index", delta.index}});
        out.back()["content_block"] = std::move(block);
    }
    if (redacted) return;
    json::object piece;
    if (const auto* text = std::get_if<models::TextDelta>(&delta.delta)) {
        piece = {{"type", "text_delta"}, {"text", text->text}};
    } else if (const auto* input = std::get_if<models::ToolInputDelta>(&delta.delta)) {
        piece = {{"type", "input_json_delta"}, {"partial_json", input->json}};
    } else if (!reasoning->signature.empty()) {
        piece = {{"type", "signature_delta"}, {"signature", reasoning->signature}};
    } else {
        piece = {{"type", "thinking_delta"}, {"thinking", reasoning->text}};
    }
    out.push_back({{"type", "content_block_delta"}, {"index", delta.index}});
    out.back()["delta"] = std::move(piece);
}

void AnthropicEvents::end_message(std::vector<json::object>& out) {
    json::object delta{{"stop_reason", stop_reason_text(stop_.reason)}};
    delta["stop_sequence"] = text_or_null(stop_.stop_sequence);
    out.push_back({{"type", "message_delta"}});
    out.back()["delta"] = std::move(delta);
    out.back()["usage"] = usage_output(metadata_.usage);
    out.push_back({{"type", "message_stop"}});
}

std::vector<json::object> AnthropicEvents::next(const models::ChatEvent& event) {
    std::vector<json::object> out;
    if (std::holds_alternative<models::MessageStart>(event)) {
        out.push_back(begin_message());
    } else if (const auto* start = std::get_if<models::BlockStart>(&event)) {
        begin_block(*start, out);
    } else if (const auto* delta = std::get_if<models::BlockDelta>(&event)) {
        add_delta(*delta, out);
    } else if (const auto* end = std::get_if<models::BlockStop>(&event)) {
        if (block_is_pending_) {
            models::BlockDelta empty{.index = end->index, .delta = models::ReasoningDelta{}};
            add_delta(empty, out);
        }
        out.push_back({{"type", "content_block_stop"}, {"index", end->index}});
    } else if (const auto* stop = std::get_if<models::MessageStop>(&event)) {
        stop_ = *stop;
    } else {
        metadata_ = std::get<models::Metadata>(event);
        end_message(out);
    }
    return out;
}

std::unique_ptr<ChatEncoder> make_anthropic_sse(AnthropicAnswer about) {
    return std::make_unique<SseEncoder>(std::move(about));
}

std::unique_ptr<ChatEncoder> make_anthropic_chunks(AnthropicAnswer about,
                                                   const OperationSpec* operation) {
    return std::make_unique<ChunkEncoder>(std::move(about), operation);
}

AnthropicError anthropic_error(const Error& error, std::string_view request_id) {
    struct Row {
        std::string_view type;
        int status;
    };
    const Row row = [&]() -> Row {
        switch (error.code) {
            case ErrorCode::invalid_argument:
                return {"invalid_request_error", 400};
            case ErrorCode::unauthenticated:
                return {"authentication_error", 401};
            case ErrorCode::permission_denied:
                return {"permission_error", 403};
            case ErrorCode::not_found:
            case ErrorCode::not_implemented:
                return {"not_found_error", 404};
            case ErrorCode::too_large:
                return {"request_too_large", 413};
            case ErrorCode::throttled:
            case ErrorCode::quota_exceeded:
                return {"rate_limit_error", 429};
            case ErrorCode::busy:
            case ErrorCode::unavailable:
                return {"overloaded_error", 529};
            case ErrorCode::deadline_exceeded:
                return {"timeout_error", 504};
            default:
                return {"api_error", 500};
        }
    }();
    json::object inner{{"type", row.type}};
    inner["message"] =
        error.code == ErrorCode::internal ? "Internal server error" : json::string(error.message);
    json::object body{{"type", "error"}};
    body["error"] = std::move(inner);
    if (!request_id.empty()) body["request_id"] = request_id;
    return {.status = row.status, .body = json::serialize(body)};
}

}  // namespace ac::wire
