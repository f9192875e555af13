#include "models/anthropic_decoder.h"

#include <array>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>

#include "base/encoding.h"
#include "models/json_view.h"
#include "models/limits.h"
#include "models/tool_id.h"
#include "net/sse_decoder.h"

namespace ac::models {
namespace {

StopReason reason_of(std::string_view text) {
    if (text == "refusal") return StopReason::content_filtered;
    return stop_reason_from(text).value_or(StopReason::end_turn);
}

// What the API calls its own errors, as the status it would have had.
int status_of(std::string_view type) {
    if (type == "invalid_request_error") return 400;
    if (type == "authentication_error" || type == "permission_error") return 403;
    if (type == "not_found_error") return 404;
    if (type == "rate_limit_error") return 429;
    if (type == "timeout_error") return 504;
    if (type == "overloaded_error") return 529;
    return 500;
}

class AnthropicDecoder final : public ChatDecoder {
  public:
    explicit AnthropicDecoder(std::string provider)
        : provider_(std::move(provider)), sse_(kSseLineBytesMax) {}

    Result<> feed(std::string_view bytes, EventQueue& out) override;
    Result<> end(EventQueue& out) override {
        if (out.is_complete()) return {};
        return fail(failed("broke off its answer"));
    }

  private:
    Result<> take(const json::object& event, EventQueue& out);
    Result<> start_block(const json::object& event, EventQueue& out);
    Result<> take_delta(const json::object& event, EventQueue& out);
    void take_usage(const json::object& usage);
    Error failed(std::string what) const {
        return model_failed("model provider " + provider_ + " " + std::move(what));
    }

    const std::string provider_;
    net::SseDecoder sse_;
    Usage usage_;
    StopReason reason_ = StopReason::end_turn;
    std::string stop_sequence_;
    bool is_skipping_ = false;  // a block of a kind that has no word here
};

Result<> AnthropicDecoder::feed(std::string_view bytes, EventQueue& out) {
    sse_.feed(bytes);
    while (!out.is_complete()) {
        auto event = sse_.next();
        if (!event) return fail(failed("answered too large an event"));
        if (!*event) return {};
        std::array<unsigned char, 4096> memory;
        json::monotonic_resource resource(memory.data(), memory.size());
        boost::system::error_code error;
        const json::value value =
            json::parse((*event)->data, error, &resource, {.max_depth = kJsonDepthMax});
        const auto* object = error ? nullptr : value.if_object();
        if (object == nullptr) return fail(failed("answered an event that is no JSON object"));
        AC_CHECK(take(*object, out));
    }
    return {};
}

void AnthropicDecoder::take_usage(const json::object& usage) {
    const auto keep = [&](std::string_view name, std::int64_t& into) {
        if (usage.contains(name)) into = std::max(into, count_in(usage, name));
    };
    keep("input_tokens", usage_.input_tokens);
    keep("output_tokens", usage_.output_tokens);
    keep("cache_read_input_tokens", usage_.cache_read_input_tokens);
    keep("cache_creation_input_tokens", usage_.cache_write_input_tokens);
}

Result<> AnthropicDecoder::take(const json::object& event, EventQueue& out) {
    const std::string_view type = text_view_in(event, "type");
    if (const auto* usage = object_in(event, "usage")) take_usage(*usage);
    if (type == "message_start") {
        const auto* message = object_in(event, "message");
        const auto* usage = message != nullptr ? object_in(*message, "usage") : nullptr;
        if (usage != nullptr) take_usage(*usage);
        out.start_message();
    } else if (type == "content_block_start") {
        return start_block(event, out);
    } else if (type == "content_block_delta") {
        return take_delta(event, out);
    } else if (type == "content_block_stop") {
        if (!std::exchange(is_skipping_, false)) out.end_block();
    } else if (type == "message_delta") {
        if (const auto* delta = object_in(event, "delta")) {
            reason_ = reason_of(text_view_in(*delta, "stop_reason"));
            stop_sequence_ = text_in(*delta, "stop_sequence");
        }
    } else if (type == "message_stop") {
        if (!out.is_started()) return fail(failed("answered nothing"));
        out.stop({.reason = reason_, .stop_sequence = stop_sequence_});
        out.metadata(usage_);
    } else if (type == "error") {
        const auto* error = object_in(event, "error");
        const std::string_view kind = error != nullptr ? text_view_in(*error, "type") : "";
        return fail(error_of_status(provider_, status_of(kind),
                                    error != nullptr ? text_view_in(*error, "message") : ""));
    }
    return {};
}

Result<> AnthropicDecoder::start_block(const json::object& event, EventQueue& out) {
    const auto* block = object_in(event, "content_block");
    if (block == nullptr) return fail(failed("began a block that is none"));
    if (out.is_stopped() || out.blocks() >= kAnswerBlocksMax)
        return fail(failed("answered too many blocks"));
    const std::string_view type = text_view_in(*block, "type");
    out.end_block();
    is_skipping_ = false;
    if (type == "text") {
        out.text(text_view_in(*block, "text"));
    } else if (type == "tool_use") {
        out.start_tool(tool_id_or_new(text_view_in(*block, "id"), out.tools() + 1),
                       text_in(*block, "name"));
    } else if (type == "thinking") {
        out.reasoning({.text = text_in(*block, "thinking")});
    } else if (type == "redacted_thinking") {
        const auto bytes = from_base64(text_view_in(*block, "data"));
        if (!bytes) return fail(failed("answered reasoning that is no base64"));
        out.reasoning({.redacted = *bytes});
    } else {
        is_skipping_ = true;
    }
    return {};
}

Result<> AnthropicDecoder::take_delta(const json::object& event, EventQueue& out) {
    if (is_skipping_) return {};
    const auto* delta = object_in(event, "delta");
    if (delta == nullptr) return fail(failed("answered a delta that is none"));
    if (out.is_stopped()) return fail(failed("went on after the end of its answer"));
    const std::string_view type = text_view_in(*delta, "type");
    if (type == "text_delta") {
        out.text(text_view_in(*delta, "text"));
    } else if (type == "input_json_delta") {
        if (!out.tool_input(text_view_in(*delta, "partial_json")))
            return fail(failed("gave input to a tool that it had not called"));
    } else if (type == "thinking_delta") {
        out.reasoning({.text = text_in(*delta, "thinking")});
    } else if (type == "signature_delta") {
        out.reasoning({.signature = text_in(*delta, "signature")});
    }
    return {};
}

}  // namespace

std::unique_ptr<ChatDecoder> make_anthropic_decoder(std::string provider) {
    return std::make_unique<AnthropicDecoder>(std::move(provider));
}

}  // namespace ac::models
