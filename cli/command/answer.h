#pragma once
// What is sent to an agent and how its answer is shown. Pure: bytes in, text out.

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace ac::cli {

// JSON is sent as it is; anything else becomes {"prompt": text}, as the official toolkit does.
std::string payload_of(std::string_view text);

// A JSON value with two spaces an indentation level.
std::string pretty(const boost::json::value& value);

// How one value of an answer is shown: a string as its text, an object on a line of its own
// (indented for a terminal).
std::string shown(const boost::json::value& value, bool for_terminal);

// Turns a text/event-stream, fed in pieces of any size, into text as each event ends.
class StreamPrinter final {
  public:
    explicit StreamPrinter(bool for_terminal) : for_terminal_(for_terminal) {}

    // What is to be printed now; may be empty.
    std::string feed(std::string_view bytes);
    // The rest, with a final newline when the text so far has none.
    std::string finish();

    const boost::json::array& events() const { return events_; }
    // Set once an event said that the agent failed in the middle of its answer.
    const std::optional<std::string>& error() const { return error_; }

  private:
    std::string line_ended();
    std::string event_ended();

    bool for_terminal_;
    bool after_carriage_return_ = false;
    bool ends_with_newline_ = true;
    std::string line_;
    std::optional<std::string> data_;
    boost::json::array events_;
    std::optional<std::string> error_;
};

}  // namespace ac::cli
