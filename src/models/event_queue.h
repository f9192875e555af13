#pragma once
// Events on their way out of a decoder, in the order that models/chat.h promises whatever the
// provider does: it numbers the blocks and closes one before it opens the next.

#include <deque>
#include <optional>
#include <string>

#include "models/chat.h"

namespace ac::models {

class EventQueue final {
  public:
    // Opens the message if it is not open. All others do that too.
    void start_message();
    void text(std::string_view piece);
    void reasoning(ReasoningDelta delta);
    void start_tool(std::string id, std::string name);
    // Into the tool that is open; false when none is.
    bool tool_input(std::string_view json);
    void end_block();
    void stop(MessageStop stop);
    void metadata(const Usage& usage);

    std::optional<ChatEvent> take();
    bool empty() const { return events_.empty(); }
    bool is_started() const { return started_; }
    bool is_stopped() const { return stopped_; }
    bool is_complete() const { return complete_; }
    // Tools opened so far.
    int tools() const { return tools_; }
    int blocks() const { return next_index_; }

  private:
    void open(BlockStart::Kind kind);

    std::deque<ChatEvent> events_;
    std::optional<BlockStart::Kind> open_;
    int next_index_ = 0;
    int tools_ = 0;
    bool started_ = false;
    bool stopped_ = false;
    bool complete_ = false;
};

}  // namespace ac::models
