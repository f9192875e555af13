#pragma once
// WebSocket (RFC 6455) as bytes: what either end sends is cut into messages, and messages become
// frames. No extension is spoken. The handshake is HTTP's; only its proof is here. Relays that do
// not look at messages use runtime/frame_meter instead.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "net/web_socket_heads.h"

namespace ac::net {

struct WebSocketMessage {
    enum class Kind : std::uint8_t { text, binary, close, ping, pong };
    Kind kind = Kind::binary;
    std::string payload;
    bool operator==(const WebSocketMessage&) const = default;
};

class WebSocketDecoder final {
  public:
    using Sender = WebSocketSender;

    WebSocketDecoder(Sender sender, std::size_t message_bytes_max)
        : sender_(sender),
          message_bytes_max_(message_bytes_max),
          heads_(sender, WebSocketHeads::Compression::refused) {}

    // too_large: a message is over the bound, also in fragments; invalid_argument: not WebSocket.
    // After an Error nothing further is taken; messages before it are there.
    Result<> feed(std::string_view bytes);
    // The next whole message.
    std::optional<WebSocketMessage> next();

  private:
    Result<> begin_frame(const WebSocketFrame& frame);
    void take_payload(std::string_view bytes);
    void end_frame();

    const Sender sender_;
    const std::size_t message_bytes_max_;
    WebSocketHeads heads_;
    std::optional<WebSocketFrame> frame_;  // whose payload comes
    std::uint64_t payload_left_ = 0;
    std::size_t payload_taken_ = 0;
    std::string control_;                      // of the control frame under way
    std::optional<WebSocketMessage> message_;  // under way, in fragments
    std::deque<WebSocketMessage> ready_;
    bool failed_ = false;
};

// One whole message as one frame. `mask`: a client's, four unpredictable bytes; empty: a server's.
std::string encode_web_socket(WebSocketMessage::Kind kind, std::string_view payload,
                              std::string_view mask = {});
// A close message's payload: its code and reason (cut at 123 bytes); and back, nullopt: no code.
std::string web_socket_close(std::uint16_t code, std::string_view reason);
std::optional<std::uint16_t> web_socket_close_code(std::string_view payload);

// Sec-WebSocket-Accept for a Sec-WebSocket-Key (4.2.2).
std::string web_socket_accept(std::string_view key);

}  // namespace ac::net
