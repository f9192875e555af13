#pragma once
// A call of a session's tool, and how an agent is asked for it.

#include <boost/json/object.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "interpreter/limits.h"

namespace ac::interpreter {

enum class Tool {
    execute_code,
    execute_command,
    read_files,
    write_files,
    list_files,
    remove_files,
    start_command,
    get_task,
    stop_task,
};

// A file of a writeFiles; its bytes are in ToolCall::bytes, behind those of the file before it.
struct FileEntry {
    std::string path;
    std::size_t size = 0;
};

struct ToolCall {
    Tool tool = Tool::execute_code;
    std::string text;      // the code, or the command
    std::string language;  // python, javascript, typescript
    bool clear = false;    // forget what the language's process knows first
    std::vector<std::string> paths;
    std::vector<FileEntry> files;
    std::string bytes;
    std::string folder;
    std::string task;
};

struct AgentRequest {
    boost::json::object header;
    std::string body;
};

// invalid_argument: a file is over its bound.
Result<AgentRequest> to_request(ToolCall call, const InterpreterLimits& limits);
// How long the agent may take before it is given up.
Seconds patience_of(Tool tool, const InterpreterLimits& limits);

}  // namespace ac::interpreter
