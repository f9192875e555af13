#include "wire/interpreter_json.h"

#include <boost/json.hpp>
#include <map>

#include "base/time_text.h"
#include "wire/file_pack.h"
#include "wire/json_members.h"
#include "wire/runtime_json.h"

namespace ac::wire {
namespace {

using interpreter::Tool;
using interpreter::ToolCall;

std::unexpected<Error> invalid(std::string_view path, std::string_view message) {
    Error error{.code = ErrorCode::invalid_argument,
                .message = std::string(path) + ": " + std::string(message)};
    error.fields.push_back({std::string(path), std::string(message)});
    return fail(std::move(error));
}

interpreter::Idempotency once_from(const json::object& input) {
    auto once = idempotency_from(input);
    return {.token = std::move(once.token), .fingerprint = std::move(once.parameters)};
}

Result<> refuse(const json::object& input, std::string_view member) {
    const auto* list = array_in(input, member);
    if (list == nullptr || list->empty()) return {};
    return fail(ErrorCode::not_implemented,
                std::string(member) + " is not supported by this version of agentcored");
}

Result<> read_network(interpreter::Interpreter& it, const json::object& network) {
    it.network = interpreter::network_mode_of(string_in(network, "networkMode"));
    const auto* vpc = object_in(network, "vpcConfig");
    const bool is_vpc = it.network == interpreter::NetworkMode::vpc;
    if (is_vpc && vpc == nullptr)
        return invalid("networkConfiguration.vpcConfig", "is required with networkMode VPC");
    if (is_vpc) it.vpc = json::serialize(*vpc);
    return {};
}

json::object network_output(const interpreter::Interpreter& it) {
    json::object out;
    out["networkMode"] = to_string(it.network);
    if (!it.vpc.empty()) out["vpcConfig"] = json::parse(it.vpc);
    return out;
}

Result<> need(const json::object& arguments, std::string_view member) {
    if (member_in(arguments, member) != nullptr) return {};
    return invalid("arguments." + std::string(member), "is required by this tool");
}

std::vector<std::string> texts_in(const json::object& object, std::string_view member) {
    std::vector<std::string> out;
    if (const auto* list = array_in(object, member))
        for (const auto& item : *list) out.push_back(to_text(item.as_string()));
    return out;
}

// A string that may have been lifted.
Result<std::string> text_of(const json::object& arguments, std::string_view member,
                            const LiftedTexts& lifted) {
    std::string text = string_in(arguments, member);
    const auto index = lifted.find(text);
    if (!index) return text;
    const std::string_view whole = lifted.text(*index);
    if (!is_plain_json_text(whole))
        return invalid("arguments." + std::string(member), "is no JSON string");
    return std::string(whole);
}

Result<> add_code(ToolCall& call, const json::object& arguments, const LiftedTexts& lifted) {
    AC_CHECK(need(arguments, "code"));
    AC_TRY(call.text, text_of(arguments, "code", lifted));
    call.language = string_in(arguments, "language");
    if (call.language.empty()) call.language = "python";
    call.clear = flag_in(arguments, "clearContext");
    const std::string runtime = string_in(arguments, "runtime");
    const bool is_python = call.language == "python";
    if (!runtime.empty() && (runtime == "python") != is_python)
        return invalid("arguments.runtime", runtime + " does not run " + call.language);
    if (runtime == "deno")
        return fail(ErrorCode::not_implemented,
                    "runtime deno is not supported by this version of agentcored: leave runtime "
                    "out, or ask for nodejs");
    return {};
}

const std::map<std::string, Tool, std::less<>>& tools() {
    static const std::map<std::string, Tool, std::less<>> kTools = {
        {"executeCode", Tool::execute_code},
        {"executeCommand", Tool::execute_command},
        {"readFiles", Tool::read_files},
        {"writeFiles", Tool::write_files},
        {"listFiles", Tool::list_files},
        {"removeFiles", Tool::remove_files},
        {"startCommandExecution", Tool::start_command},
        {"getTask", Tool::get_task},
        {"stopTask", Tool::stop_task},
    };
    return kTools;
}

}  // namespace

interpreter::InterpreterId interpreter_id_from(const json::object& input) {
    std::string name = string_in(input, "codeInterpreterId");
    if (name.empty()) name = string_in(input, "codeInterpreterIdentifier");
    if (name.starts_with("arn:"))
        if (const auto slash = name.rfind('/'); slash != std::string::npos)
            name.erase(0, slash + 1);
    return interpreter::InterpreterId(std::move(name));
}

Result<interpreter::NewInterpreter> new_interpreter_from(const json::object& input) {
    interpreter::NewInterpreter wanted;
    wanted.interpreter.name = string_in(input, "name");
    wanted.interpreter.description = string_in(input, "description");
    wanted.interpreter.role_arn = string_in(input, "executionRoleArn");
    AC_CHECK(read_network(wanted.interpreter, *object_in(input, "networkConfiguration")));
    AC_CHECK(refuse(input, "certificates"));
    AC_CHECK(refuse(input, "filesystemConfigurations"));
    if (const auto* tags = object_in(input, "tags"))
        for (const auto& [key, value] : *tags)
            wanted.tags.emplace(std::string(key), to_text(value.as_string()));
    wanted.once = once_from(input);
    return wanted;
}

Result<interpreter::NewSession> new_session_from(const json::object& input) {
    AC_CHECK(refuse(input, "certificates"));
    AC_CHECK(refuse(input, "filesystemConfigurations"));
    interpreter::NewSession wanted{.interpreter = interpreter_id_from(input),
                                   .name = string_in(input, "name"),
                                   .timeout = std::nullopt,
                                   .once = once_from(input)};
    if (const auto* timeout = member_in(input, "sessionTimeoutSeconds"))
        wanted.timeout = Seconds{timeout->to_number<std::int64_t>()};
    return wanted;
}

interpreter::PageRequest interpreter_page_from(const json::object& input) {
    const auto page = page_request_from(input);
    return {.items_max = page.items_max, .token = page.token};
}

interpreter::SessionQuery session_query_from(const json::object& input) {
    interpreter::SessionQuery query{.interpreter = interpreter_id_from(input),
                                    .status = std::nullopt,
                                    .page = interpreter_page_from(input)};
    const std::string status = string_in(input, "status");
    if (status == "READY") query.status = interpreter::SessionStatus::ready;
    if (status == "TERMINATED") query.status = interpreter::SessionStatus::terminated;
    return query;
}

interpreter::InterpreterKind interpreter_kind_from(const json::object& input) {
    const std::string type = string_in(input, "type");
    if (type == "SYSTEM") return interpreter::InterpreterKind::system;
    return type == "CUSTOM" ? interpreter::InterpreterKind::custom
                            : interpreter::InterpreterKind::any;
}

Result<ToolCall> tool_call_from(const json::object& input, LiftedTexts& lifted) {
    const auto tool = tools().find(string_in(input, "name"));
    if (tool == tools().end()) return invalid("name", "is no tool");
    // The model leaves it open; there is nothing to run in without one.
    if (string_in(input, "sessionId").empty())
        return invalid("sessionId", "is required: StartCodeInterpreterSession gives one");
    ToolCall call{.tool = tool->second};
    static const json::object kNone;
    const auto* given = object_in(input, "arguments");
    const json::object& arguments = given == nullptr ? kNone : *given;
    switch (call.tool) {
        case Tool::execute_code:
            AC_CHECK(add_code(call, arguments, lifted));
            break;
        case Tool::execute_command:
        case Tool::start_command: {
            AC_CHECK(need(arguments, "command"));
            AC_TRY(call.text, text_of(arguments, "command", lifted));
            break;
        }
        case Tool::read_files:
        case Tool::remove_files:
            AC_CHECK(need(arguments, "paths"));
            call.paths = texts_in(arguments, "paths");
            break;
        case Tool::write_files:
            AC_CHECK(need(arguments, "content"));
            AC_CHECK(pack_files(call, *array_in(arguments, "content"), lifted));
            break;
        case Tool::list_files:
            call.folder = string_in(arguments, "directoryPath");
            if (call.folder.empty()) call.folder = string_in(arguments, "path");
            break;
        case Tool::get_task:
        case Tool::stop_task:
            AC_CHECK(need(arguments, "taskId"));
            call.task = string_in(arguments, "taskId");
            break;
    }
    return call;
}

std::string interpreter_arn(const Scope& scope, const interpreter::InterpreterId& id) {
    const bool is_system = id.text() == interpreter::kSystemInterpreter;
    return "arn:aws:bedrock-agentcore:" + scope.region + ":" + (is_system ? "aws" : scope.account) +
           (is_system ? ":code-interpreter/" : ":code-interpreter-custom/") + id.text();
}

json::object interpreter_output(const Scope& scope, const interpreter::Interpreter& it) {
    json::object out;
    out["codeInterpreterId"] = it.id.text();
    out["codeInterpreterArn"] = interpreter_arn(scope, it.id);
    out["name"] = it.name;
    if (!it.description.empty()) out["description"] = it.description;
    if (!it.role_arn.empty()) out["executionRoleArn"] = it.role_arn;
    out["networkConfiguration"] = network_output(it);
    out["status"] = it.status;
    out["createdAt"] = to_epoch_ms(it.created_at);
    out["lastUpdatedAt"] = to_epoch_ms(it.updated_at);
    return out;
}

json::object session_output(const interpreter::SessionView& session) {
    json::object out;
    out["codeInterpreterIdentifier"] = session.interpreter.text();
    out["sessionId"] = session.id.text();
    if (!session.name.empty()) out["name"] = session.name;
    out["status"] = to_string(session.status);
    out["sessionTimeoutSeconds"] = session.timeout.count();
    out["createdAt"] = to_epoch_ms(session.created_at);
    out["lastUpdatedAt"] = to_epoch_ms(session.updated_at);
    return out;
}

}  // namespace ac::wire
