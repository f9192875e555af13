#include "models/converse_request.h"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"

namespace ac::models {
namespace {

json::object cache_point(const std::string& ttl) {
    json::object point{{"type", "default"}};
    if (!ttl.empty()) point["ttl"] = ttl;
    return {{"cachePoint", std::move(point)}};
}

json::object bytes_source(const std::string& bytes) {
    return {{"bytes", to_base64(bytes)}};
}

struct BlockWriter {
    json::object operator()(const TextBlock& block) const { return {{"text", block.text}}; }
    json::object operator()(const JsonBlock& block) const { return {{"json", block.value}}; }
    json::object operator()(const ImageBlock& block) const {
        return {{"image",
                 json::object{{"format", block.format}, {"source", bytes_source(block.bytes)}}}};
    }
    json::object operator()(const DocumentBlock& block) const {
        json::object document{{"name", block.name},
                              {"source", block.text.empty() ? bytes_source(block.bytes)
                                                            : json::object{{"text", block.text}}}};
        if (!block.format.empty()) document["format"] = block.format;
        if (!block.context.empty()) document["context"] = block.context;
        if (block.wants_citations) document["citations"] = json::object{{"enabled", true}};
        return {{"document", std::move(document)}};
    }
    json::object operator()(const ToolUseBlock& block) const {
        return {
            {"toolUse",
             json::object{{"toolUseId", block.id}, {"name", block.name}, {"input", block.input}}}};
    }
    json::object operator()(const ToolResultBlock& block) const {
        json::array content;
        for (const ToolResultContent& part : block.content)
            content.push_back(std::visit(*this, part));
        return {{"toolResult", json::object{{"toolUseId", block.id},
                                            {"content", std::move(content)},
                                            {"status", block.is_error ? "error" : "success"}}}};
    }
    json::object operator()(const ReasoningBlock& block) const {
        if (!block.redacted.empty())
            return {
                {"reasoningContent", json::object{{"redactedContent", to_base64(block.redacted)}}}};
        json::object text{{"text", block.text}};
        if (!block.signature.empty()) text["signature"] = block.signature;
        return {{"reasoningContent", json::object{{"reasoningText", std::move(text)}}}};
    }
    json::object operator()(const CachePointBlock& block) const { return cache_point(block.ttl); }
};

json::object inference_of(const InferenceConfig& inference) {
    json::object out;
    if (inference.max_tokens) out["maxTokens"] = *inference.max_tokens;
    if (inference.temperature) out["temperature"] = *inference.temperature;
    if (inference.top_p) out["topP"] = *inference.top_p;
    if (!inference.stop_sequences.empty())
        out["stopSequences"] =
            json::array(inference.stop_sequences.begin(), inference.stop_sequences.end());
    return out;
}

json::object tool_config_of(const ChatRequest& request) {
    json::array tools;
    for (const ToolSpec& tool : request.tools) {
        json::object spec{{"name", tool.name},
                          {"inputSchema", json::object{{"json", tool.input_schema}}}};
        if (!tool.description.empty()) spec["description"] = tool.description;
        if (tool.strict) spec["strict"] = true;
        tools.push_back(json::object{{"toolSpec", std::move(spec)}});
        if (tool.cache_after) tools.push_back(cache_point(""));
    }
    json::object config{{"tools", std::move(tools)}};
    if (!request.tool_choice) return config;
    switch (request.tool_choice->kind) {
        case ToolChoice::Kind::automatic:
            config["toolChoice"] = json::object{{"auto", json::object()}};
            break;
        case ToolChoice::Kind::any:
            config["toolChoice"] = json::object{{"any", json::object()}};
            break;
        case ToolChoice::Kind::tool:
            config["toolChoice"] =
                json::object{{"tool", json::object{{"name", request.tool_choice->name}}}};
            break;
        case ToolChoice::Kind::none:  // Converse has no word for it
            break;
    }
    return config;
}

json::object output_config_of(const OutputFormat& format) {
    json::object schema{{"schema", json::serialize(format.schema)}};
    if (!format.name.empty()) schema["name"] = format.name;
    if (!format.description.empty()) schema["description"] = format.description;
    json::object text{{"type", "json_schema"},
                      {"structure", json::object{{"jsonSchema", std::move(schema)}}}};
    return {{"textFormat", std::move(text)}};
}

}  // namespace

json::object converse_request(const ChatRequest& request) {
    const BlockWriter write;
    json::object out;
    json::array messages;
    for (const Message& message : request.messages) {
        json::array content;
        for (const ContentBlock& block : message.content)
            content.push_back(std::visit(write, block));
        messages.push_back(json::object{{"role", message.role == Role::user ? "user" : "assistant"},
                                        {"content", std::move(content)}});
    }
    out["messages"] = std::move(messages);
    json::array system;
    for (const SystemBlock& block : request.system) system.push_back(std::visit(write, block));
    if (!system.empty()) out["system"] = std::move(system);
    if (auto inference = inference_of(request.inference); !inference.empty())
        out["inferenceConfig"] = std::move(inference);
    if (!request.tools.empty()) out["toolConfig"] = tool_config_of(request);
    if (request.output_format && request.output_format->kind == OutputFormat::Kind::json_schema)
        out["outputConfig"] = output_config_of(*request.output_format);
    if (!request.additional_fields.empty())
        out["additionalModelRequestFields"] = request.additional_fields;
    return out;
}

}  // namespace ac::models
