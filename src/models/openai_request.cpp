#include "models/openai_request.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"

namespace ac::models {
namespace {

// Words of Anthropic's models on Bedrock, which agents written for those send to whatever model
// they get.
constexpr std::array<std::string_view, 5> kForeignFields = {
    "thinking", "anthropic_beta", "anthropic_version", "reasoning_config", "inferenceConfig"};

json::object text_part(std::string_view text) {
    return {{"type", "text"}, {"text", text}};
}

json::object image_part(const ImageBlock& image) {
    const std::string url = "data:image/" + image.format + ";base64," + to_base64(image.bytes);
    return {{"type", "image_url"}, {"image_url", json::object{{"url", url}}}};
}

bool is_text_format(std::string_view format) {
    return format == "txt" || format == "md" || format == "csv" || format == "html" ||
           format.empty();
}

std::string document_text(const DocumentBlock& document) {
    std::string out = "<document name=\"" + document.name + "\">\n";
    if (!document.context.empty()) out += "<context>" + document.context + "</context>\n";
    out += document.text.empty() ? document.bytes : document.text;
    return out + "\n</document>";
}

Result<json::object> document_part(const DocumentBlock& document) {
    if (!document.text.empty() || is_text_format(document.format)) {
        if (!is_valid_utf8(document.bytes))
            return fail(ErrorCode::invalid_argument,
                        "document " + document.name + " is no UTF-8 text");
        return text_part(document_text(document));
    }
    if (document.format != "pdf")
        return fail(ErrorCode::invalid_argument,
                    "this model takes no documents of format " + document.format);
    const std::string bytes = "data:application/pdf;base64," + to_base64(document.bytes);
    return json::object{
        {"type", "file"},
        {"file", json::object{{"filename", document.name + ".pdf"}, {"file_data", bytes}}}};
}

// Parts of one message that stand for themselves; plain text is a string, which every server takes.
json::value content_of(json::array parts) {
    const bool all_text = std::ranges::all_of(
        parts, [](const json::value& part) { return part.as_object().at("type") == "text"; });
    if (!all_text) return parts;
    std::string text;
    for (const json::value& part : parts) {
        if (!text.empty()) text += "\n";
        text += part.as_object().at("text").as_string();
    }
    return json::value(text);
}

// A tool's result is text here; its pictures go into a message of their own.
Result<json::object> tool_message(const ToolResultBlock& result, json::array& pictures) {
    std::string text;
    for (const ToolResultContent& content : result.content) {
        if (!text.empty()) text += "\n";
        if (const auto* plain = std::get_if<TextBlock>(&content)) {
            text += plain->text;
        } else if (const auto* value = std::get_if<JsonBlock>(&content)) {
            text += json::serialize(value->value);
        } else if (const auto* image = std::get_if<ImageBlock>(&content)) {
            pictures.push_back(image_part(*image));
        } else {
            AC_TRY(auto part, document_part(std::get<DocumentBlock>(content)));
            if (part.at("type") == "text")
                text += part.at("text").as_string();
            else
                pictures.push_back(std::move(part));
        }
    }
    if (result.is_error && !text.starts_with("Error")) text = "Error: " + text;
    return json::object{{"role", "tool"}, {"tool_call_id", result.id}, {"content", text}};
}

Result<> add_user(const Message& message, json::array& out) {
    json::array parts;
    for (const ContentBlock& block : message.content) {
        if (const auto* text = std::get_if<TextBlock>(&block)) {
            parts.push_back(text_part(text->text));
        } else if (const auto* image = std::get_if<ImageBlock>(&block)) {
            parts.push_back(image_part(*image));
        } else if (const auto* document = std::get_if<DocumentBlock>(&block)) {
            AC_TRY(auto part, document_part(*document));
            parts.push_back(std::move(part));
        } else if (const auto* result = std::get_if<ToolResultBlock>(&block)) {
            AC_TRY(auto tool, tool_message(*result, parts));
            out.push_back(std::move(tool));  // before what the user says besides
        }
    }
    if (!parts.empty())
        out.push_back(json::object{{"role", "user"}, {"content", content_of(std::move(parts))}});
    return {};
}

// Reasoning is left out: servers refuse or ignore what they thought before.
void add_assistant(const Message& message, json::array& out) {
    std::string text;
    json::array calls;
    for (const ContentBlock& block : message.content) {
        if (const auto* plain = std::get_if<TextBlock>(&block)) text += plain->text;
        const auto* tool = std::get_if<ToolUseBlock>(&block);
        if (tool == nullptr) continue;
        calls.push_back(json::object{
            {"id", tool->id},
            {"type", "function"},
            {"function",
             json::object{{"name", tool->name}, {"arguments", json::serialize(tool->input)}}}});
    }
    json::object made{{"role", "assistant"}};
    if (text.empty() && !calls.empty())
        made["content"] = nullptr;
    else
        made["content"] = text;
    if (!calls.empty()) made["tool_calls"] = std::move(calls);
    out.push_back(std::move(made));
}

Result<json::array> messages_of(const ChatRequest& request) {
    json::array out;
    std::string system;
    for (const SystemBlock& block : request.system) {
        const auto* text = std::get_if<TextBlock>(&block);
        if (text == nullptr) continue;
        if (!system.empty()) system += "\n\n";
        system += text->text;
    }
    if (!system.empty()) out.push_back(json::object{{"role", "system"}, {"content", system}});
    for (const Message& message : request.messages) {
        if (message.role == Role::assistant) {
            add_assistant(message, out);
            continue;
        }
        AC_CHECK(add_user(message, out));
    }
    return out;
}

json::value tool_choice_of(const ToolChoice& choice) {
    switch (choice.kind) {
        case ToolChoice::Kind::automatic:
            return "auto";
        case ToolChoice::Kind::any:
            return "required";
        case ToolChoice::Kind::none:
            return "none";
        case ToolChoice::Kind::tool:
            break;
    }
    return json::object{{"type", "function"}, {"function", json::object{{"name", choice.name}}}};
}

void add_tools(const ChatRequest& request, json::object& out) {
    if (request.tools.empty()) return;
    json::array tools;
    for (const ToolSpec& tool : request.tools) {
        json::object function{{"name", tool.name}, {"parameters", tool.input_schema}};
        if (!tool.description.empty()) function["description"] = tool.description;
        if (tool.strict) function["strict"] = true;
        tools.push_back(json::object{{"type", "function"}, {"function", std::move(function)}});
    }
    out["tools"] = std::move(tools);
    if (request.tool_choice) out["tool_choice"] = tool_choice_of(*request.tool_choice);
}

void add_format(const OutputFormat& format, json::object& out) {
    if (format.kind == OutputFormat::Kind::json_object) {
        out["response_format"] = json::object{{"type", "json_object"}};
        return;
    }
    json::object schema{{"name", format.name.empty() ? "answer" : format.name},
                        {"schema", format.schema},
                        {"strict", format.strict}};
    if (!format.description.empty()) schema["description"] = format.description;
    out["response_format"] =
        json::object{{"type", "json_schema"}, {"json_schema", std::move(schema)}};
}

}  // namespace

Result<json::object> openai_request(const ChatRequest& request, const OpenAiDialect& dialect) {
    json::object out;
    for (const auto& [name, value] : request.additional_fields)
        if (std::ranges::find(kForeignFields, std::string_view(name)) == kForeignFields.end())
            out[name] = value;
    out["model"] = request.model;
    AC_TRY(out["messages"], messages_of(request));
    add_tools(request, out);
    const InferenceConfig& inference = request.inference;
    if (inference.max_tokens) out[dialect.max_tokens_field] = *inference.max_tokens;
    if (inference.temperature) out["temperature"] = *inference.temperature;
    if (inference.top_p) out["top_p"] = *inference.top_p;
    if (!inference.stop_sequences.empty())
        out["stop"] = json::array(inference.stop_sequences.begin(), inference.stop_sequences.end());
    if (request.output_format) add_format(*request.output_format, out);
    out["stream"] = dialect.streams;
    if (dialect.streams)
        out["stream_options"] = json::object{{"include_usage", true}};
    else
        out.erase("stream_options");
    return out;
}

}  // namespace ac::models
