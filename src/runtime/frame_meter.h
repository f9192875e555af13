#pragma once
// Watches one direction of a WebSocket (RFC 6455 section 5) as bytes pass: finds where frames begin
// and end and refuses what no frame may be. Nothing is changed or held back.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ac::runtime {

class FrameMeter final {
  public:
    enum class Sender { client, server };  // a client's frames are masked, a server's never

    FrameMeter(Sender sender, std::uint64_t frame_bytes_max)
        : sender_(sender), frame_bytes_max_(frame_bytes_max) {}

    // too_large: a frame's payload is over the bound; invalid_argument: not WebSocket.
    Result<> take(std::string_view bytes);
    // Nothing of a frame is outstanding.
    bool is_between_frames() const { return head_size_ == 0 && payload_left_ == 0; }

  private:
    std::size_t head_bytes_wanted() const;
    Result<> begin_frame();

    const Sender sender_;
    const std::uint64_t frame_bytes_max_;
    std::array<unsigned char, 14> head_{};
    std::size_t head_size_ = 0;  // bytes of head_ that have come
    std::uint64_t payload_left_ = 0;
    bool in_message_ = false;  // a fragmented message is under way
};

// A Close frame from the platform. To a guest it is masked (section 5.3), as a client's must be.
std::string close_frame(std::uint16_t code, std::string_view reason, bool masked);

}  // namespace ac::runtime
