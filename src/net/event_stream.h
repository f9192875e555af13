#pragma once
// Frames of application/vnd.amazon.eventstream: a prelude (total length, headers length, CRC),
// headers, payload, CRC of everything before; all numbers big-endian. We write string headers only
// (type 7), which is all that AgentCore's streams use; reading skips the other types.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ac::net {

inline constexpr std::string_view kEventStreamType = "application/vnd.amazon.eventstream";

struct EventHeader {
    std::string name;   // 1 to 255 bytes
    std::string value;  // below 32 KiB
};

struct EventMessage {
    std::vector<EventHeader> headers;
    std::string payload;

    std::string_view header(std::string_view name) const;  // "" when absent
};

std::string encode_message(const EventMessage& message);

// Takes bytes in any pieces and gives whole messages. After an error the stream cannot go on.
class EventDecoder final {
  public:
    void feed(std::string_view bytes) { buffer_ += bytes; }
    // nullopt: not a whole message yet. invalid_argument: a length, a header or a checksum is
    // wrong.
    Result<std::optional<EventMessage>> next();
    // Whether bytes of an unfinished message are left (at the end of a stream: it broke off).
    bool is_empty() const { return buffer_.size() == offset_; }

  private:
    std::string buffer_;
    std::size_t offset_ = 0;
};

std::uint32_t crc32(std::string_view bytes);  // IEEE 802.3

}  // namespace ac::net
