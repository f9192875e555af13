#include "models/converse_decoder.h"

#include <boost/json/parse.hpp>

#include "base/encoding.h"
#include "models/json_view.h"
#include "models/limits.h"
#include "models/tool_id.h"
#include "net/event_stream.h"

namespace ac::models {
namespace {

// "throttlingException" in a stream is what its status would have been outside.
int status_of(std::string_view exception) {
    if (exception == "throttlingException") return 429;
    if (exception == "validationException") return 400;
    if (exception == "serviceUnavailableException") return 503;
    if (exception == "modelTimeoutException") return 408;
    if (exception == "internalServerException") return 500;
    return 424;
}

class ConverseDecoder final : public ChatDecoder {
  public:
    explicit ConverseDecoder(std::string provider) : provider_(std::move(provider)) {}

    Result<> feed(std::string_view bytes, EventQueue& out) override;
    Result<> end(EventQueue& out) override {
        if (out.is_complete()) return {};
        return fail(failed("broke off its answer"));
    }

  private:
    Result<> take(const net::EventMessage& message, EventQueue& out);
    Result<> take_event(std::string_view type, const json::object& event, EventQueue& out);
    Result<> take_delta(const json::object& event, EventQueue& out);
    Error failed(std::string what) const {
        return model_failed("model provider " + provider_ + " " + std::move(what));
    }

    const std::string provider_;
    net::EventDecoder frames_;
};

Result<> ConverseDecoder::feed(std::string_view bytes, EventQueue& out) {
    frames_.feed(bytes);
    while (!out.is_complete()) {
        auto message = frames_.next();
        if (!message) return fail(failed("answered a broken event stream"));
        if (!*message) return {};
        AC_CHECK(take(**message, out));
    }
    return {};
}

Result<> ConverseDecoder::take(const net::EventMessage& message, EventQueue& out) {
    const std::string_view kind = message.header(":message-type");
    if (kind == "exception")
        return fail(error_of_status(provider_, status_of(message.header(":exception-type")),
                                    message.payload));
    if (kind == "error")
        return fail(failed("answered an error: " + std::string(message.header(":error-message"))));
    boost::system::error_code error;
    const json::value value = json::parse(message.payload, error, {}, {.max_depth = kJsonDepthMax});
    const auto* object = error ? nullptr : value.if_object();
    if (object == nullptr) return fail(failed("answered an event that is no JSON object"));
    return take_event(message.header(":event-type"), *object, out);
}

Result<> ConverseDecoder::take_event(std::string_view type, const json::object& event,
                                     EventQueue& out) {
    if (type == "messageStart") {
        out.start_message();
    } else if (type == "contentBlockStart") {
        const auto* start = object_in(event, "start");
        const auto* tool = start != nullptr ? object_in(*start, "toolUse") : nullptr;
        if (out.is_stopped() || out.blocks() >= kAnswerBlocksMax)
            return fail(failed("answered too many blocks"));
        if (tool != nullptr)
            out.start_tool(tool_id_or_new(text_view_in(*tool, "toolUseId"), out.tools() + 1),
                           text_in(*tool, "name"));
    } else if (type == "contentBlockDelta") {
        return take_delta(event, out);
    } else if (type == "contentBlockStop") {
        out.end_block();
    } else if (type == "messageStop") {
        MessageStop stop{
            .reason =
                stop_reason_from(text_view_in(event, "stopReason")).value_or(StopReason::end_turn)};
        if (const auto* fields = object_in(event, "additionalModelResponseFields"))
            stop.additional_fields = *fields;
        out.stop(std::move(stop));
    } else if (type == "metadata") {
        if (!out.is_stopped()) return fail(failed("counted before it had ended"));
        Usage usage;
        if (const auto* counts = object_in(event, "usage"))
            usage = {.input_tokens = count_in(*counts, "inputTokens"),
                     .output_tokens = count_in(*counts, "outputTokens"),
                     .cache_read_input_tokens = count_in(*counts, "cacheReadInputTokens"),
                     .cache_write_input_tokens = count_in(*counts, "cacheWriteInputTokens")};
        out.metadata(usage);
    }
    return {};
}

Result<> ConverseDecoder::take_delta(const json::object& event, EventQueue& out) {
    const auto* delta = object_in(event, "delta");
    if (delta == nullptr) return fail(failed("answered a delta that is none"));
    if (out.is_stopped()) return fail(failed("went on after the end of its answer"));
    out.text(text_view_in(*delta, "text"));
    if (const auto* tool = object_in(*delta, "toolUse")) {
        if (!out.tool_input(text_view_in(*tool, "input")))
            return fail(failed("gave input to a tool that it had not called"));
    }
    if (const auto* reasoning = object_in(*delta, "reasoningContent")) {
        const auto redacted = from_base64(text_view_in(*reasoning, "redactedContent"));
        if (!redacted) return fail(failed("answered reasoning that is no base64"));
        out.reasoning({.text = text_in(*reasoning, "text")});
        out.reasoning({.signature = text_in(*reasoning, "signature")});
        out.reasoning({.redacted = *redacted});
    }
    return {};
}

}  // namespace

std::unique_ptr<ChatDecoder> make_converse_decoder(std::string provider) {
    return std::make_unique<ConverseDecoder>(std::move(provider));
}

}  // namespace ac::models
