#pragma once
// What a tool of a session has answered, as the events of InvokeCodeInterpreter's stream.

#include <string>

#include "interpreter/agent_link.h"
#include "interpreter/tool_call.h"

namespace ac::wire {

class ToolResult final {
  public:
    explicit ToolResult(interpreter::Tool tool) : tool_(tool) {}

    // True: it was the last.
    bool add(interpreter::AgentEvent event);
    // What has come since the last time, as an event that says the work goes on; "" when nothing.
    std::string interim();
    // The whole result.
    std::string final_event();
    // The same when the session has ended under it.
    std::string broken_event(const std::string& why);

  private:
    void add_display(interpreter::AgentEvent event);
    void finish(interpreter::AgentEvent event);
    void finish_files(const interpreter::AgentEvent& event);
    void finish_listing(const interpreter::AgentEvent& event);
    void finish_task(interpreter::AgentEvent event);
    std::string encode(boost::json::object result) const;

    interpreter::Tool tool_;
    std::size_t taken_ = 0;  // bytes of output and displays
    std::string output_;
    std::string errors_;
    std::size_t told_output_ = 0;  // how much interim() has told
    std::size_t told_errors_ = 0;
    boost::json::array blocks_;  // after the text
    boost::json::object structured_;
    std::string text_;  // instead of the output's
    bool is_error_ = false;
    bool has_outputs_ = false;  // ran something
};

}  // namespace ac::wire
