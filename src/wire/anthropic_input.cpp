#include "wire/anthropic_input.h"

#include <fmt/format.h>

#include <limits>

#include "wire/anthropic_blocks.h"
#include "wire/conversation_rules.h"
#include "wire/converse_input.h"
#include "wire/schema_rules.h"

namespace ac::wire {
namespace {

namespace json = boost::json;
using models::ChatRequest;

constexpr std::int64_t kTokensMax = std::numeric_limits<std::int32_t>::max();

Result<> read_system(const LooseObject& body, ChatRequest& request) {
    if (body.find("system") == nullptr) return {};
    if (body.find("system")->is_string() && body.find("system")->get_string().empty()) return {};
    AC_TRY(auto content, anthropic_content(body, "system"));
    for (auto& block : content) {
        if (auto* text = std::get_if<models::TextBlock>(&block)) {
            request.system.emplace_back(std::move(*text));
        } else if (auto* point = std::get_if<models::CachePointBlock>(&block)) {
            request.system.emplace_back(std::move(*point));
        } else {
            return body.bad("system", "only text blocks");
        }
    }
    return {};
}

Result<> read_messages(const LooseObject& body, ChatRequest& request) {
    AC_TRY(const auto* list, body.list("messages"));
    if (list == nullptr) return body.bad("messages", "field required");
    for (std::size_t i = 0; i < list->size(); ++i) {
        AC_TRY(const auto given, LooseObject::from((*list)[i], fmt::format("messages.{}", i)));
        AC_TRY(const std::string role, given.choice("role", {"user", "assistant"}));
        AC_TRY(auto content, anthropic_content(given, "content"));
        if (content.empty() && i + 1 < list->size())
            return given.bad("content", "all messages must have non-empty content");
        if (content.empty()) continue;  // the beginning of an answer may be empty
        request.messages.push_back(
            {.role = role == "user" ? models::Role::user : models::Role::assistant,
             .content = std::move(content)});
    }
    return {};
}

Result<models::ToolSpec> tool_from(const LooseObject& given) {
    models::ToolSpec tool;
    AC_TRY(const std::string type, given.text_or("type", "custom"));
    if (type != "custom")
        return given.bad("type",
                         fmt::format("tools of type {} are not supported by agentcored", type));
    AC_TRY(tool.name, given.text("name"));
    AC_TRY(tool.description, given.text_or("description", ""));
    AC_TRY(tool.strict, given.flag("strict", false));
    AC_TRY(const auto schema, given.need_object("input_schema"));
    tool.input_schema = schema.json();
    const auto* type_of = schema.find("type");
    if (type_of == nullptr || *type_of != "object") return schema.bad("type", "must be \"object\"");
    if (const auto fault = find_schema_fault(tool.input_schema))
        return given.bad("input_schema" + (fault->path.empty() ? "" : "." + fault->path),
                         fault->message);
    tool.cache_after = given.find("cache_control") != nullptr;
    return tool;
}

Result<> read_tools(const LooseObject& body, ChatRequest& request) {
    AC_TRY(const auto* list, body.list("tools"));
    for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
        AC_TRY(const auto given, LooseObject::from((*list)[i], fmt::format("tools.{}", i)));
        AC_TRY(auto tool, tool_from(given));
        request.tools.push_back(std::move(tool));
    }
    AC_TRY(const auto choice, body.object("tool_choice"));
    if (choice) {
        using Kind = models::ToolChoice::Kind;
        AC_TRY(const std::string type, choice->choice("type", {"auto", "any", "tool", "none"}));
        models::ToolChoice wanted;
        if (type == "any") wanted.kind = Kind::any;
        if (type == "none") wanted.kind = Kind::none;
        if (type == "tool") {
            wanted.kind = Kind::tool;
            AC_TRY(wanted.name, choice->text("name"));
        }
        request.tool_choice = std::move(wanted);
    }
    return check_tools(request);
}

Result<> read_inference(const LooseObject& body, ChatRequest& request) {
    AC_TRY(request.inference.max_tokens, body.integer("max_tokens", 1, kTokensMax));
    if (!request.inference.max_tokens) return body.bad("max_tokens", "field required");
    AC_TRY(request.inference.temperature, body.number("temperature", 0, 1));
    AC_TRY(request.inference.top_p, body.number("top_p", 0, 1));
    AC_TRY(request.inference.stop_sequences, body.texts("stop_sequences"));
    // What only some models have a word for.
    for (const std::string_view name : {"top_k", "thinking"})
        if (const auto* value = body.find(name)) request.additional_fields[name] = *value;
    return {};
}

// "output_config": {"format": ...}, and "output_format" as it was called before.
Result<> read_output_format(const LooseObject& body, ChatRequest& request) {
    AC_TRY(auto config, body.object("output_config"));
    AC_TRY(auto format, config ? config->object("format") : body.object("output_format"));
    if (!format) return {};
    AC_CHECK(format->choice("type", {"json_schema"}));
    AC_TRY(const auto schema, format->need_object("schema"));
    models::OutputFormat wanted{.kind = models::OutputFormat::Kind::json_schema};
    wanted.schema = schema.json();
    wanted.strict = true;
    if (const auto fault = find_schema_fault(wanted.schema))
        return schema.bad(fault->path, fault->message);
    request.output_format = std::move(wanted);
    return {};
}

}  // namespace

Result<ChatRequest> anthropic_request(const json::object& object) {
    const LooseObject body(object, "");
    ChatRequest request;
    AC_TRY(request.model, body.text_or("model", ""));
    AC_CHECK(read_inference(body, request));
    AC_CHECK(read_system(body, request));
    AC_CHECK(read_messages(body, request));
    AC_CHECK(read_tools(body, request));
    AC_CHECK(read_output_format(body, request));
    AC_CHECK(settle_conversation(request));
    return request;
}

}  // namespace ac::wire
