#pragma once
// What a tool of a session has answered, as the events of InvokeCodeInterpreter's stream.

#include <optional>
#include <string>

#include "interpreter/agent_link.h"
#include "interpreter/tool_call.h"
#include "wire/file_events.h"

namespace ac::wire {

class ToolResult final {
  public:
    explicit ToolResult(interpreter::Tool tool, Pieces pieces = Pieces::allowed)
        : tool_(tool), pieces_(pieces) {}

    // True: it was the last.
    bool add(interpreter::AgentEvent event);
    // What has come since the last time, as an event that says the work goes on; "" when nothing.
    std::string interim();
    // The whole result, which may take several events: one in place of what `out` holds, or nothing
    // when there is none any more.
    void next_event(std::string& out);
    // The session has ended under it.
    void end_broken(const std::string& why);

  private:
    void add_display(interpreter::AgentEvent event);
    void finish(interpreter::AgentEvent event);
    void finish_files(interpreter::AgentEvent event);
    std::string final_event();
    void finish_listing(const interpreter::AgentEvent& event);
    void finish_task(interpreter::AgentEvent event);
    std::string encode(boost::json::object result) const;

    interpreter::Tool tool_;
    Pieces pieces_;
    std::optional<FileEvents> files_;
    bool was_told_ = false;
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
