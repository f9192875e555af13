#include "net/web_socket_heads.h"

#include <algorithm>
#include <string>

namespace ac::net {
namespace {

constexpr unsigned char kFinal = 0x80;
constexpr unsigned char kCompressed = 0x40;
constexpr unsigned char kReserved = 0x30;
constexpr unsigned char kOpcode = 0x0f;
constexpr unsigned char kMasked = 0x80;
constexpr unsigned char kLength = 0x7f;
constexpr unsigned char kLength16 = 126;
constexpr unsigned char kLength64 = 127;
constexpr unsigned char kBinary = 0x2;
constexpr unsigned char kClose = 0x8;
constexpr unsigned char kPong = 0xa;

std::unexpected<Error> not_a_frame(const char* why) {
    return fail(ErrorCode::invalid_argument, std::string("not a WebSocket frame: ") + why);
}

std::size_t length_bytes(unsigned char length) {
    return length == kLength64 ? 8 : length == kLength16 ? 2 : 0;
}

}  // namespace

std::size_t WebSocketHeads::bytes_wanted() const {
    if (size_ < 2) return 2;
    const bool is_masked = (head_[1] & kMasked) != 0;
    return 2 + length_bytes(head_[1] & kLength) + (is_masked ? kWebSocketMaskBytes : 0);
}

Result<WebSocketFrame> WebSocketHeads::read_frame() {
    WebSocketFrame frame{.opcode = static_cast<unsigned char>(head_[0] & kOpcode),
                         .is_final = (head_[0] & kFinal) != 0};
    const unsigned reserved =
        kReserved | (compression_ == Compression::refused ? unsigned{kCompressed} : 0U);
    if ((head_[0] & reserved) != 0) return not_a_frame("reserved bits are set");
    if (frame.opcode > kPong || (frame.opcode > kBinary && frame.opcode < kClose))
        return not_a_frame("its opcode is reserved");
    const bool is_masked = (head_[1] & kMasked) != 0;
    if (is_masked != (sender_ == WebSocketSender::client))
        return not_a_frame(is_masked ? "it is masked" : "it is not masked");
    const unsigned char length = head_[1] & kLength;
    const std::size_t extended = length_bytes(length);
    if (extended == 0) frame.payload_bytes = length;
    for (std::size_t i = 0; i < extended; ++i)
        frame.payload_bytes = frame.payload_bytes << 8 | head_[2 + i];
    if (is_masked)
        std::copy_n(head_.begin() + static_cast<std::ptrdiff_t>(2 + extended), kWebSocketMaskBytes,
                    frame.mask.begin());
    if (frame.is_control()) {
        if (!frame.is_final || frame.payload_bytes > kWebSocketControlBytesMax)
            return not_a_frame("a control frame is whole and short");
        return frame;
    }
    if (frame.is_continuation() != in_message_) return not_a_frame("a fragment is out of order");
    in_message_ = !frame.is_final;
    return frame;
}

Result<std::optional<WebSocketFrame>> WebSocketHeads::take(std::string_view& bytes) {
    while (!bytes.empty()) {
        head_[size_++] = static_cast<unsigned char>(bytes.front());
        bytes.remove_prefix(1);
        if (size_ < bytes_wanted()) continue;
        size_ = 0;
        AC_TRY(const WebSocketFrame frame, read_frame());
        return frame;
    }
    return std::nullopt;
}

}  // namespace ac::net
