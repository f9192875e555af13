#pragma once
// The framing between the daemon and a session's agent (guest/agentcored_guest/frames.py): two
// little-endian u32, the lengths of a JSON object and of the bytes behind it. The agent runs beside
// strangers' code: what it says is believed in nothing but its bounds.

#include <boost/json/object.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ac::interpreter {

struct Frame {
    boost::json::object header;
    std::string body;
};

// The head and the JSON; the body follows as it is.
std::string encode_head(const boost::json::object& header, std::size_t body_bytes);

// Takes bytes in any pieces and gives whole frames. After an error there is nothing more.
class FrameDecoder final {
  public:
    void feed(std::string_view bytes) { buffer_.append(bytes); }
    // A body that does not come with its header can be read straight to where it stays: while this
    // is not empty, the next bytes belong in there, and commit() says how many have come.
    std::span<char> room();
    void commit(std::size_t bytes) { filled_ += bytes; }
    // nullopt: not a whole frame yet. guest_failed: over a bound, or no JSON object.
    Result<std::optional<Frame>> next();

  private:
    Result<bool> take_head();

    std::string buffer_;
    std::size_t offset_ = 0;
    std::optional<Frame> frame_;  // whose body is still on its way
    std::size_t filled_ = 0;      // of its body
};

}  // namespace ac::interpreter
