#include "models/anthropic_request.h"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"

namespace ac::models {
namespace {

// The API wants a bound in every request; this is what its smallest current models can write.
constexpr std::int64_t kMaxTokens = 4096;

json::object text_block(std::string_view text) {
    return {{"type", "text"}, {"text", text}};
}

json::object base64_source(std::string media_type, const std::string& bytes) {
    return {{"type", "base64"}, {"media_type", media_type}, {"data", to_base64(bytes)}};
}

json::object image_block(const ImageBlock& image) {
    return {{"type", "image"}, {"source", base64_source("image/" + image.format, image.bytes)}};
}

Result<json::object> document_block(const DocumentBlock& document) {
    json::object block{{"type", "document"}, {"title", document.name}};
    if (!document.context.empty()) block["context"] = document.context;
    if (document.wants_citations) block["citations"] = json::object{{"enabled", true}};
    if (document.format == "pdf" && document.text.empty()) {
        block["source"] = base64_source("application/pdf", document.bytes);
        return block;
    }
    const bool is_plain = document.format == "txt" || document.format == "md" ||
                          document.format == "csv" || document.format == "html" ||
                          !document.text.empty();
    const std::string& text = document.text.empty() ? document.bytes : document.text;
    if (!is_plain || !is_valid_utf8(text))
        return fail(ErrorCode::invalid_argument,
                    "this model takes no documents of format " + document.format);
    block["source"] = json::object{{"type", "text"}, {"media_type", "text/plain"}, {"data", text}};
    return block;
}

Result<json::object> tool_result_block(const ToolResultBlock& result) {
    json::array content;
    for (const ToolResultContent& part : result.content) {
        if (const auto* text = std::get_if<TextBlock>(&part)) {
            content.push_back(text_block(text->text));
        } else if (const auto* value = std::get_if<JsonBlock>(&part)) {
            content.push_back(text_block(json::serialize(value->value)));
        } else if (const auto* image = std::get_if<ImageBlock>(&part)) {
            content.push_back(image_block(*image));
        } else {
            AC_TRY(auto block, document_block(std::get<DocumentBlock>(part)));
            content.push_back(std::move(block));
        }
    }
    json::object block{
        {"type", "tool_result"}, {"tool_use_id", result.id}, {"content", std::move(content)}};
    if (result.is_error) block["is_error"] = true;
    return block;
}

json::object reasoning_block(const ReasoningBlock& reasoning) {
    if (!reasoning.redacted.empty())
        return {{"type", "redacted_thinking"}, {"data", to_base64(reasoning.redacted)}};
    return {{"type", "thinking"}, {"thinking", reasoning.text}, {"signature", reasoning.signature}};
}

json::object cache_control(const std::string& ttl) {
    json::object control{{"type", "ephemeral"}};
    if (!ttl.empty()) control["ttl"] = ttl;
    return control;
}

// A cache point is a mark on the block before it.
void mark_cached(json::array& blocks, const std::string& ttl) {
    if (!blocks.empty()) blocks.back().as_object()["cache_control"] = cache_control(ttl);
}

Result<> add_block(const ContentBlock& block, json::array& out) {
    if (const auto* text = std::get_if<TextBlock>(&block)) {
        out.push_back(text_block(text->text));
    } else if (const auto* image = std::get_if<ImageBlock>(&block)) {
        out.push_back(image_block(*image));
    } else if (const auto* document = std::get_if<DocumentBlock>(&block)) {
        AC_TRY(auto made, document_block(*document));
        out.push_back(std::move(made));
    } else if (const auto* tool = std::get_if<ToolUseBlock>(&block)) {
        out.push_back(json::object{
            {"type", "tool_use"}, {"id", tool->id}, {"name", tool->name}, {"input", tool->input}});
    } else if (const auto* result = std::get_if<ToolResultBlock>(&block)) {
        AC_TRY(auto made, tool_result_block(*result));
        out.push_back(std::move(made));
    } else if (const auto* reasoning = std::get_if<ReasoningBlock>(&block)) {
        // Without its signature the API refuses it.
        if (!reasoning->signature.empty() || !reasoning->redacted.empty())
            out.push_back(reasoning_block(*reasoning));
    } else {
        mark_cached(out, std::get<CachePointBlock>(block).ttl);
    }
    return {};
}

json::array system_of(const ChatRequest& request) {
    json::array out;
    for (const SystemBlock& block : request.system) {
        if (const auto* text = std::get_if<TextBlock>(&block))
            out.push_back(text_block(text->text));
        else
            mark_cached(out, std::get<CachePointBlock>(block).ttl);
    }
    return out;
}

json::array tools_of(const ChatRequest& request) {
    json::array out;
    for (const ToolSpec& tool : request.tools) {
        json::object made{{"name", tool.name}, {"input_schema", tool.input_schema}};
        if (!tool.description.empty()) made["description"] = tool.description;
        if (tool.strict) made["strict"] = true;
        out.push_back(std::move(made));
        if (tool.cache_after) mark_cached(out, "");
    }
    return out;
}

json::object tool_choice_of(const ToolChoice& choice) {
    switch (choice.kind) {
        case ToolChoice::Kind::automatic:
            return {{"type", "auto"}};
        case ToolChoice::Kind::any:
            return {{"type", "any"}};
        case ToolChoice::Kind::none:
            return {{"type", "none"}};
        case ToolChoice::Kind::tool:
            break;
    }
    return {{"type", "tool"}, {"name", choice.name}};
}

void add_options(const ChatRequest& request, json::object& out) {
    const InferenceConfig& inference = request.inference;
    out["max_tokens"] = inference.max_tokens.value_or(kMaxTokens);
    if (inference.temperature) out["temperature"] = *inference.temperature;
    if (inference.top_p) out["top_p"] = *inference.top_p;
    if (!inference.stop_sequences.empty())
        out["stop_sequences"] =
            json::array(inference.stop_sequences.begin(), inference.stop_sequences.end());
    if (!request.tools.empty()) out["tools"] = tools_of(request);
    if (request.tool_choice && !request.tools.empty())
        out["tool_choice"] = tool_choice_of(*request.tool_choice);
    if (request.output_format && request.output_format->kind == OutputFormat::Kind::json_schema) {
        out["output_config"] =
            json::object{{"format", json::object{{"type", "json_schema"},
                                                 {"schema", request.output_format->schema}}}};
    }
}

}  // namespace

Result<json::object> anthropic_request(const ChatRequest& request) {
    json::object out = request.additional_fields;
    out["model"] = request.model;
    if (auto system = system_of(request); !system.empty()) out["system"] = std::move(system);
    json::array messages;
    for (const Message& message : request.messages) {
        json::array content;
        for (const ContentBlock& block : message.content) AC_CHECK(add_block(block, content));
        messages.push_back(json::object{{"role", message.role == Role::user ? "user" : "assistant"},
                                        {"content", std::move(content)}});
    }
    out["messages"] = std::move(messages);
    add_options(request, out);
    return out;
}

}  // namespace ac::models
