#include "interpreter/tool_call.h"

#include <boost/json.hpp>

namespace ac::interpreter {
namespace {

namespace json = boost::json;

constexpr std::size_t kCallBytesMax = 2 * kFileBytesMax;

std::string_view operation_of(Tool tool) {
    switch (tool) {
        case Tool::execute_code:
            return "execute";
        case Tool::execute_command:
            return "command";
        case Tool::read_files:
            return "read";
        case Tool::write_files:
            return "write";
        case Tool::list_files:
            return "list";
        case Tool::remove_files:
            return "remove";
        case Tool::start_command:
            return "start_task";
        case Tool::get_task:
            return "get_task";
        case Tool::stop_task:
            return "stop_task";
    }
    return "";
}

std::unexpected<Error> too_large(const std::string& what) {
    Error error{.code = ErrorCode::invalid_argument, .message = what};
    error.fields.push_back({"arguments.content", what});
    return fail(std::move(error));
}

Result<> add_files(AgentRequest& request, ToolCall call) {
    json::array list;
    for (const FileEntry& file : call.files) {
        if (file.size > kFileBytesMax)
            return too_large("a file is at most 100000000 bytes: " + file.path.substr(0, 200));
        list.push_back({{"path", file.path}, {"size", file.size}});
    }
    if (call.bytes.size() > kCallBytesMax)
        return too_large("the files of a call are at most 200000000 bytes");
    request.header["files"] = std::move(list);
    request.body = std::move(call.bytes);
    return {};
}

}  // namespace

Result<AgentRequest> to_request(ToolCall call, const InterpreterLimits& limits) {
    AgentRequest request;
    request.header["op"] = operation_of(call.tool);
    request.header["outputBytes"] = limits.output_bytes_max;
    request.header["seconds"] =
        call.tool == Tool::start_command ? limits.task_max.count() : limits.execution_max.count();
    switch (call.tool) {
        case Tool::execute_code:
            request.header["language"] = call.language;
            request.header["clear"] = call.clear;
            [[fallthrough]];
        case Tool::execute_command:
        case Tool::start_command:
            request.body = std::move(call.text);
            break;
        case Tool::read_files:
        case Tool::remove_files:
            request.header["paths"] = json::value_from(call.paths);
            break;
        case Tool::write_files:
            AC_CHECK(add_files(request, std::move(call)));
            break;
        case Tool::list_files:
            request.header["path"] = call.folder;
            break;
        case Tool::get_task:
        case Tool::stop_task:
            request.header["task"] = call.task;
            break;
    }
    return request;
}

// Executions of one language wait for one another, and a queue of them is the caller's own doing.
Seconds patience_of(Tool tool, const InterpreterLimits& limits) {
    const bool is_quick = tool == Tool::get_task || tool == Tool::stop_task;
    return is_quick ? limits.answer_grace : limits.execution_max + limits.answer_grace;
}

}  // namespace ac::interpreter
