#pragma once
// The heads of WebSocket frames (RFC 6455 section 5.2) in one direction, byte for byte as they
// come: what no frame may be is refused here, for who decodes messages and for who relays them.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace ac::net {

enum class WebSocketSender : std::uint8_t { client, server };  // a client's frames are masked

inline constexpr std::size_t kWebSocketMaskBytes = 4;
inline constexpr std::uint64_t kWebSocketControlBytesMax = 125;

struct WebSocketFrame {
    unsigned char opcode = 0;
    bool is_final = true;
    std::uint64_t payload_bytes = 0;
    std::array<unsigned char, kWebSocketMaskBytes> mask{};  // of a client's

    bool is_control() const { return opcode >= 0x8; }
    bool is_continuation() const { return opcode == 0x0; }
};

class WebSocketHeads final {
  public:
    // RSV1 belongs to permessage-deflate (RFC 7692): a relay does not know whether it was agreed.
    enum class Compression : std::uint8_t { refused, passes };

    WebSocketHeads(WebSocketSender sender, Compression compression)
        : sender_(sender), compression_(compression) {}

    // Takes bytes off the front until a head is whole: the frame whose payload comes next.
    // invalid_argument: no frame.
    Result<std::optional<WebSocketFrame>> take(std::string_view& bytes);
    // No head is under way.
    bool is_between() const { return size_ == 0; }

  private:
    std::size_t bytes_wanted() const;
    Result<WebSocketFrame> read_frame();

    const WebSocketSender sender_;
    const Compression compression_;
    std::array<unsigned char, 14> head_{};
    std::size_t size_ = 0;     // bytes of head_ that have come
    bool in_message_ = false;  // a fragmented message is under way
};

}  // namespace ac::net
