#include "wire/openai_input.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "wire/conversation_rules.h"
#include "wire/loose_json.h"
#include "wire/openai_messages.h"
#include "wire/schema_rules.h"

namespace ac::wire {
namespace {

namespace json = boost::json;
using models::ChatRequest;

constexpr std::int64_t kTokensMax = std::numeric_limits<std::int32_t>::max();
constexpr std::size_t kToolNameBytesMax = 64;
constexpr std::size_t kStopsMax = 16;

bool is_tool_name(std::string_view name) {
    return !name.empty() && name.size() <= kToolNameBytesMax &&
           std::ranges::all_of(
               name, [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-'; });
}

Result<json::value> schema_in(const LooseObject& owner, std::string_view member) {
    AC_TRY(const auto schema, owner.need_object(member));
    json::value value = schema.json();
    if (const auto fault = find_schema_fault(value)) return schema.bad(fault->path, fault->message);
    return value;
}

Result<models::ToolSpec> tool_from(const LooseObject& given) {
    models::ToolSpec tool;
    AC_CHECK(given.choice("type", {"function"}));
    AC_TRY(const auto function, given.need_object("function"));
    AC_TRY(tool.name, function.text("name"));
    if (!is_tool_name(tool.name))
        return function.bad("name", "must be 1 to 64 of a-z, A-Z, 0-9, _ and -");
    AC_TRY(tool.description, function.text_or("description", ""));
    AC_TRY(tool.strict, function.flag("strict", false));
    tool.input_schema = json::object{{"type", "object"}, {"properties", json::object()}};
    if (function.find("parameters") != nullptr) {
        AC_TRY(tool.input_schema, schema_in(function, "parameters"));
    }
    return tool;
}

Result<> read_tool_choice(const LooseObject& body, ChatRequest& request) {
    using Kind = models::ToolChoice::Kind;
    const auto* value = body.find("tool_choice");
    if (value == nullptr) return {};
    models::ToolChoice choice;
    if (value->is_string()) {
        AC_TRY(const std::string text, body.choice("tool_choice", {"none", "auto", "required"}));
        if (text == "none") choice.kind = Kind::none;
        if (text == "required") choice.kind = Kind::any;
    } else {
        AC_TRY(const auto given, body.need_object("tool_choice"));
        AC_CHECK(given.choice("type", {"function"}));
        AC_TRY(const auto function, given.need_object("function"));
        choice.kind = Kind::tool;
        AC_TRY(choice.name, function.text("name"));
    }
    const bool needs_tools = choice.kind == Kind::any || choice.kind == Kind::tool;
    if (needs_tools && request.tools.empty())
        return body.bad("tool_choice", "is only allowed when tools are specified");
    if (!request.tools.empty()) request.tool_choice = std::move(choice);
    return {};
}

Result<> read_tools(const LooseObject& body, ChatRequest& request) {
    AC_TRY(const auto* list, body.list("tools"));
    for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
        AC_TRY(const auto given, LooseObject::from((*list)[i], fmt::format("tools.{}", i)));
        AC_TRY(auto tool, tool_from(given));
        request.tools.push_back(std::move(tool));
    }
    AC_CHECK(read_tool_choice(body, request));
    return check_tools(request);
}

Result<> read_inference(const LooseObject& body, ChatRequest& request) {
    AC_TRY(request.inference.max_tokens, body.integer("max_completion_tokens", 1, kTokensMax));
    if (!request.inference.max_tokens) {
        AC_TRY(request.inference.max_tokens, body.integer("max_tokens", 1, kTokensMax));
    }
    AC_TRY(request.inference.temperature, body.number("temperature", 0, 2));
    AC_TRY(request.inference.top_p, body.number("top_p", 0, 1));
    AC_TRY(request.inference.stop_sequences, body.texts("stop"));
    if (request.inference.stop_sequences.size() > kStopsMax)
        return body.bad("stop", fmt::format("at most {} sequences", kStopsMax));
    AC_TRY(const auto n, body.integer("n", 1, 128));
    if (n.value_or(1) != 1) return body.bad("n", "only 1 is supported by agentcored");
    AC_TRY(const bool logprobs, body.flag("logprobs", false));
    if (logprobs) return body.bad("logprobs", "is not supported by agentcored");
    for (const std::string_view name : {"seed", "presence_penalty", "frequency_penalty",
                                        "reasoning_effort", "parallel_tool_calls"})
        if (const auto* value = body.find(name)) request.additional_fields[name] = *value;
    return {};
}

Result<> read_response_format(const LooseObject& body, ChatRequest& request) {
    AC_TRY(const auto format, body.object("response_format"));
    if (!format) return {};
    AC_TRY(const std::string type, format->choice("type", {"text", "json_object", "json_schema"}));
    if (type == "text") return {};
    models::OutputFormat wanted;
    if (type == "json_schema") {
        wanted.kind = models::OutputFormat::Kind::json_schema;
        AC_TRY(const auto definition, format->need_object("json_schema"));
        AC_TRY(wanted.name, definition.text("name"));
        AC_TRY(wanted.description, definition.text_or("description", ""));
        AC_TRY(wanted.strict, definition.flag("strict", false));
        AC_TRY(wanted.schema, schema_in(definition, "schema"));
    }
    request.output_format = std::move(wanted);
    return {};
}

}  // namespace

Result<OpenAiChat> openai_chat_from(const json::object& object) {
    const LooseObject body(object, "");
    OpenAiChat chat;
    AC_TRY(chat.request.model, body.text("model"));
    if (chat.request.model.empty()) return body.bad("model", "you must provide a model parameter");
    AC_CHECK(read_openai_messages(body, chat.request));
    AC_CHECK(read_tools(body, chat.request));
    AC_CHECK(read_inference(body, chat.request));
    AC_CHECK(read_response_format(body, chat.request));
    AC_TRY(chat.streams, body.flag("stream", false));
    AC_TRY(const auto options, body.object("stream_options"));
    if (options) {
        AC_TRY(chat.includes_usage, options->flag("include_usage", false));
    }
    return chat;
}

Result<OpenAiEmbedding> openai_embedding_from(const json::object& object) {
    const LooseObject body(object, "");
    OpenAiEmbedding wanted;
    AC_TRY(wanted.request.model, body.text("model"));
    const auto* input = body.find("input");
    if (input == nullptr) return body.bad("input", "field required");
    if (const auto* list = input->if_array(); list && !list->empty() && !list->front().is_string())
        return body.bad("input", "tokens are not supported by agentcored; send text");
    AC_TRY(wanted.request.texts, body.texts("input"));
    if (wanted.request.texts.empty()) return body.bad("input", "must not be empty");
    for (const std::string& text : wanted.request.texts)
        if (text.empty()) return body.bad("input", "no text may be empty");
    AC_TRY(const std::string form, body.choice("encoding_format", {"float", "base64"}, "float"));
    wanted.as_base64 = form == "base64";
    AC_TRY(const auto dimensions, body.integer("dimensions", 1, 65536));
    if (dimensions) wanted.request.dimensions = static_cast<std::size_t>(*dimensions);
    return wanted;
}

}  // namespace ac::wire
