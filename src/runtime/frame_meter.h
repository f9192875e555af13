#pragma once
// Watches one direction of a WebSocket (RFC 6455 section 5) as bytes pass: finds where frames begin
// and end and refuses what no frame may be. Nothing is changed or held back.

#include <cstdint>
#include <string_view>

#include "net/web_socket_heads.h"

namespace ac::runtime {

class FrameMeter final {
  public:
    using Sender = net::WebSocketSender;

    FrameMeter(Sender sender, std::uint64_t frame_bytes_max)
        : frame_bytes_max_(frame_bytes_max),
          heads_(sender, net::WebSocketHeads::Compression::passes) {}

    // too_large: a frame's payload is over the bound; invalid_argument: not WebSocket.
    Result<> take(std::string_view bytes);
    // Nothing of a frame is outstanding.
    bool is_between_frames() const { return heads_.is_between() && payload_left_ == 0; }

  private:
    const std::uint64_t frame_bytes_max_;
    net::WebSocketHeads heads_;
    std::uint64_t payload_left_ = 0;
};

}  // namespace ac::runtime
