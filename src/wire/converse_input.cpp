#include "wire/converse_input.h"

#include <fmt/format.h>

#include <algorithm>

#include "wire/conversation_rules.h"
#include "wire/converse_blocks.h"
#include "wire/json_members.h"
#include "wire/json_text.h"
#include "wire/schema_rules.h"

namespace ac::wire {
namespace {

namespace json = boost::json;
using models::ChatRequest;

Result<models::Message> message_from(const json::object& input, std::size_t index) {
    const std::string role = string_in(input, "role");
    if (role == "system")
        return bad_member(fmt::format("messages.{}.role", index),
                          "Messages of the system are not supported inside the conversation. Use "
                          "the system field.");
    models::Message message{.role = role == "user" ? models::Role::user : models::Role::assistant,
                            .content = {}};
    const auto& content = input.at("content").as_array();
    if (content.empty())
        return bad_member(fmt::format("messages.{}.content", index),
                          fmt::format("The content field in the Message object at messages.{} is "
                                      "empty. Add a ContentBlock object to the content field and "
                                      "try again.",
                                      index));
    for (std::size_t i = 0; i < content.size(); ++i) {
        AC_TRY(auto block, content_block_from(content[i].as_object(),
                                              fmt::format("messages.{}.content.{}", index, i)));
        message.content.push_back(std::move(block));
    }
    return message;
}

template <class Block>
bool has(const models::Message& message) {
    return std::ranges::any_of(message.content, [](const models::ContentBlock& block) {
        return std::holds_alternative<Block>(block);
    });
}

Result<> read_messages(const json::array& messages, ChatRequest& request) {
    for (std::size_t i = 0; i < messages.size(); ++i) {
        AC_TRY(auto message, message_from(messages[i].as_object(), i));
        if (has<models::DocumentBlock>(message) && !has<models::TextBlock>(message))
            return bad_member(fmt::format("messages.{}.content", i),
                              fmt::format("The message at messages.{} has a document but no text. "
                                          "Add a text block and try again.",
                                          i));
        request.messages.push_back(std::move(message));
    }
    return {};
}

Result<models::ToolSpec> tool_from(const json::object& spec, const std::string& path) {
    const json::value& schema = spec.at("inputSchema").as_object().at("json");
    const std::string at = path + ".inputSchema.json";
    const auto* object = schema.if_object();
    if (object == nullptr)
        return bad_member(at, fmt::format("The value at {} must be a JSON Schema: an object", at));
    const json::value* type = object->if_contains("type");
    if (type == nullptr || *type != "object")
        return bad_member(at + ".type", fmt::format("The value at {}.type must be one of the "
                                                    "following: object.",
                                                    at));
    if (const auto fault = find_schema_fault(schema)) {
        const std::string where = at + (fault->path.empty() ? "" : "." + fault->path);
        return bad_member(where, fmt::format("The value at {} {}", where, fault->message));
    }
    return models::ToolSpec{.name = string_in(spec, "name"),
                            .description = string_in(spec, "description"),
                            .input_schema = schema,
                            .strict = flag_in(spec, "strict")};
}

Result<> read_tools(const json::object& config, ChatRequest& request) {
    const auto& tools = config.at("tools").as_array();
    for (std::size_t i = 0; i < tools.size(); ++i) {
        const auto& [name, value] = *tools[i].as_object().begin();
        const std::string path = fmt::format("toolConfig.tools.{}", i);
        if (name == "cachePoint") {
            if (!request.tools.empty()) request.tools.back().cache_after = true;
        } else if (name == "toolSpec") {
            AC_TRY(auto tool, tool_from(value.as_object(), path + ".toolSpec"));
            request.tools.push_back(std::move(tool));
        } else {
            return bad_member(path + ".systemTool", "System tools are not supported by agentcored");
        }
    }
    if (const auto* choice = object_in(config, "toolChoice")) {
        const auto& [name, value] = *choice->begin();
        using Kind = models::ToolChoice::Kind;
        if (name == "tool") {
            request.tool_choice = {.kind = Kind::tool,
                                   .name = string_in(value.as_object(), "name")};
        } else {
            request.tool_choice = {.kind = name == "any" ? Kind::any : Kind::automatic, .name = {}};
        }
    }
    return check_tools(request);
}

void read_inference(const json::object& config, models::InferenceConfig& inference) {
    if (const auto* value = member_in(config, "maxTokens"))
        inference.max_tokens = value->as_int64();
    if (const auto* value = member_in(config, "temperature"))
        inference.temperature = value->to_number<double>();
    if (const auto* value = member_in(config, "topP")) inference.top_p = value->to_number<double>();
    if (const auto* list = array_in(config, "stopSequences"))
        for (const json::value& text : *list)
            inference.stop_sequences.push_back(to_text(text.as_string()));
}

Result<> read_output_config(const json::object& config, ChatRequest& request) {
    const auto* format = object_in(config, "textFormat");
    if (format == nullptr) return {};
    const auto& definition = format->at("structure").as_object().at("jsonSchema").as_object();
    const std::string path = "outputConfig.textFormat.structure.jsonSchema.schema";
    auto schema = parse_json(string_in(definition, "schema"));
    if (!schema || !schema->is_object())
        return bad_member(
            path, fmt::format("The value at {} must be a JSON Schema as a JSON text", path));
    if (const auto fault = find_schema_fault(*schema)) {
        const std::string where = path + (fault->path.empty() ? "" : "." + fault->path);
        return bad_member(where, fmt::format("The value at {} {}", where, fault->message));
    }
    request.output_format =
        models::OutputFormat{.kind = models::OutputFormat::Kind::json_schema,
                             .name = string_in(definition, "name"),
                             .description = string_in(definition, "description"),
                             .schema = *std::move(schema),
                             .strict = true};
    return {};
}

// What would change the answer and is not there is refused rather than left out silently.
Result<> refuse_unserved(const json::object& input) {
    if (const auto* guardrail = object_in(input, "guardrailConfig");
        guardrail != nullptr && !string_in(*guardrail, "guardrailIdentifier").empty())
        return bad_member("guardrailConfig", "agentcored has no guardrails");
    if (const auto* variables = object_in(input, "promptVariables");
        variables != nullptr && !variables->empty())
        return bad_member("promptVariables", "agentcored has no prompts to fill in");
    return {};
}

bool speaks_of_tools(const ChatRequest& request) {
    return std::ranges::any_of(request.messages, [](const models::Message& message) {
        return has<models::ToolUseBlock>(message) || has<models::ToolResultBlock>(message);
    });
}

}  // namespace

std::unexpected<Error> bad_member(std::string path, std::string message) {
    Error error{.code = ErrorCode::invalid_argument, .message = message};
    error.fields.push_back({.path = std::move(path), .message = std::move(message)});
    return fail(std::move(error));
}

std::string model_id_from(std::string_view identifier) {
    if (identifier.starts_with("arn:")) {
        const auto slash = identifier.rfind('/');
        if (slash != identifier.npos) identifier.remove_prefix(slash + 1);
    }
    return std::string(identifier);
}

Result<ChatRequest> chat_request_from(const json::object& input) {
    ChatRequest request;
    AC_CHECK(refuse_unserved(input));
    if (const auto* system = array_in(input, "system")) {
        for (std::size_t i = 0; i < system->size(); ++i) {
            AC_TRY(auto block,
                   system_block_from((*system)[i].as_object(), fmt::format("system.{}", i)));
            request.system.push_back(std::move(block));
        }
    }
    if (const auto* messages = array_in(input, "messages")) {
        AC_CHECK(read_messages(*messages, request));
    }
    if (const auto* config = object_in(input, "toolConfig")) {
        AC_CHECK(read_tools(*config, request));
    } else if (speaks_of_tools(request)) {
        return bad_member("toolConfig",
                          "The toolConfig field must be defined when using toolUse "
                          "and toolResult content blocks.");
    }
    AC_CHECK(settle_conversation(request));
    if (const auto* config = object_in(input, "inferenceConfig"))
        read_inference(*config, request.inference);
    if (const auto* config = object_in(input, "outputConfig")) {
        AC_CHECK(read_output_config(*config, request));
    }
    if (const auto* fields = member_in(input, "additionalModelRequestFields")) {
        if (!fields->is_object())
            return bad_member("additionalModelRequestFields",
                              "The value at additionalModelRequestFields must be a JSON object");
        request.additional_fields = fields->get_object();
    }
    return request;
}

}  // namespace ac::wire
