#include "wire/converse_output.h"

#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "wire/event_stream.h"
#include "wire/json_members.h"

namespace ac::wire {
namespace {

namespace json = boost::json;

struct BlockWriter {
    json::object operator()(models::TextBlock& block) const {
        return {{"text", std::move(block.text)}};
    }
    json::object operator()(models::ToolUseBlock& block) const {
        json::object tool{{"toolUseId", std::move(block.id)}, {"name", std::move(block.name)}};
        tool["input"] = std::move(block.input);
        return {{"toolUse", std::move(tool)}};
    }
    json::object operator()(models::ReasoningBlock& block) const {
        json::object reasoning;
        if (!block.redacted.empty()) {
            reasoning["redactedContent"] = std::move(block.redacted);
        } else {
            json::object text{{"text", std::move(block.text)}};
            if (!block.signature.empty()) text["signature"] = std::move(block.signature);
            reasoning["reasoningText"] = std::move(text);
        }
        return {{"reasoningContent", std::move(reasoning)}};
    }
    json::object operator()(models::ImageBlock& block) const {
        json::object source{{"bytes", std::move(block.bytes)}};
        json::object image{{"format", std::move(block.format)}};
        image["source"] = std::move(source);
        return {{"image", std::move(image)}};
    }
    // What a model never answers.
    json::object operator()(const models::DocumentBlock&) const { return {}; }
    json::object operator()(const models::ToolResultBlock&) const { return {}; }
    json::object operator()(const models::CachePointBlock&) const { return {}; }
};

json::object usage_output(const models::Usage& usage) {
    json::object out{{"inputTokens", usage.input_tokens},
                     {"outputTokens", usage.output_tokens},
                     {"totalTokens", usage.total_tokens()}};
    if (usage.cache_read_input_tokens > 0)
        out["cacheReadInputTokens"] = usage.cache_read_input_tokens;
    if (usage.cache_write_input_tokens > 0)
        out["cacheWriteInputTokens"] = usage.cache_write_input_tokens;
    return out;
}

json::object metrics_output(Milliseconds latency) {
    return {{"latencyMs", static_cast<std::int64_t>(latency.count())}};
}

// What the paths name, under the names that they name it by; null where there is nothing.
json::object selected_fields(json::object fields, const std::string& stop_sequence,
                             const FieldPaths& paths) {
    if (!stop_sequence.empty()) fields["stop_sequence"] = stop_sequence;
    json::object out;
    const json::value all(std::move(fields));
    for (const std::string& path : paths) {
        if (path.size() < 2 || path.front() != '/') continue;
        boost::system::error_code error;
        const json::value* found = all.find_pointer(path, error);
        json::object* into = &out;
        std::string_view rest = std::string_view(path).substr(1);
        for (auto slash = rest.find('/'); slash != rest.npos; slash = rest.find('/')) {
            json::value& next = (*into)[rest.substr(0, slash)];
            if (!next.is_object()) next.emplace_object();
            into = &next.get_object();
            rest.remove_prefix(slash + 1);
        }
        (*into)[rest] = !error && found != nullptr ? *found : json::value();
    }
    return out;
}

json::object delta_output(const models::BlockDelta& delta) {
    json::object out;
    if (const auto* text = std::get_if<models::TextDelta>(&delta.delta)) {
        out["text"] = text->text;
    } else if (const auto* input = std::get_if<models::ToolInputDelta>(&delta.delta)) {
        out["toolUse"].emplace_object()["input"] = input->json;
    } else {
        const auto& reasoning = std::get<models::ReasoningDelta>(delta.delta);
        json::object& inner = out["reasoningContent"].emplace_object();
        if (!reasoning.redacted.empty()) {
            inner["redactedContent"] = to_base64(reasoning.redacted);
        } else if (!reasoning.signature.empty()) {
            inner["signature"] = reasoning.signature;
        } else {
            inner["text"] = reasoning.text;
        }
    }
    return out;
}

std::optional<ConverseEvent> block_start(const models::BlockStart& start) {
    if (start.kind != models::BlockStart::Kind::tool_use) return std::nullopt;
    json::object tool{{"toolUseId", start.tool_use_id}, {"name", start.tool_name}};
    ConverseEvent event{.type = "contentBlockStart", .payload = {}};
    event.payload["start"].emplace_object()["toolUse"] = std::move(tool);
    event.payload["contentBlockIndex"] = start.index;
    return event;
}

}  // namespace

FieldPaths field_paths_from(const json::object& input) {
    FieldPaths paths;
    if (const auto* list = array_in(input, "additionalModelResponseFieldPaths"))
        for (const json::value& path : *list) paths.push_back(to_text(path.as_string()));
    return paths;
}

json::object converse_output(models::ChatAnswer answer, const FieldPaths& paths) {
    json::array content;
    for (auto& block : answer.message.content) {
        json::object written = std::visit(BlockWriter{}, block);
        if (!written.empty()) content.emplace_back(std::move(written));
    }
    json::object message{{"role", "assistant"}};
    message["content"] = std::move(content);
    json::object out;
    out["output"].emplace_object()["message"] = std::move(message);
    out["stopReason"] = models::to_string(answer.stop_reason);
    out["usage"] = usage_output(answer.usage);
    out["metrics"] = metrics_output(answer.latency);
    if (!paths.empty())
        out["additionalModelResponseFields"] =
            selected_fields(std::move(answer.additional_fields), answer.stop_sequence, paths);
    return out;
}

std::optional<ConverseEvent> converse_event(const models::ChatEvent& event,
                                            const FieldPaths& paths) {
    if (const auto* start = std::get_if<models::BlockStart>(&event)) return block_start(*start);
    ConverseEvent out;
    if (std::holds_alternative<models::MessageStart>(event)) {
        out.type = "messageStart";
        out.payload["role"] = "assistant";
    } else if (const auto* delta = std::get_if<models::BlockDelta>(&event)) {
        out.type = "contentBlockDelta";
        out.payload["delta"] = delta_output(*delta);
        out.payload["contentBlockIndex"] = delta->index;
    } else if (const auto* end = std::get_if<models::BlockStop>(&event)) {
        out.type = "contentBlockStop";
        out.payload["contentBlockIndex"] = end->index;
    } else if (const auto* stop = std::get_if<models::MessageStop>(&event)) {
        out.type = "messageStop";
        out.payload["stopReason"] = models::to_string(stop->reason);
        if (!paths.empty())
            out.payload["additionalModelResponseFields"] =
                selected_fields(stop->additional_fields, stop->stop_sequence, paths);
    } else {
        const auto& metadata = std::get<models::Metadata>(event);
        out.type = "metadata";
        out.payload["usage"] = usage_output(metadata.usage);
        out.payload["metrics"] = metrics_output(metadata.latency);
    }
    return out;
}

std::string_view ConverseEvents::content_type() const {
    return kEventStreamType;
}

std::string ConverseEvents::encode(const models::ChatEvent& event) {
    const auto said = converse_event(event, paths_);
    return said ? encode_event(said->type, json::serialize(said->payload)) : std::string();
}

std::string ConverseEvents::error(const Error& error) {
    return encode_stream_error(error, operation_);
}

}  // namespace ac::wire
