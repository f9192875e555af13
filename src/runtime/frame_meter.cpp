#include "runtime/frame_meter.h"

#include <algorithm>
#include <string>

namespace ac::runtime {
namespace {

constexpr unsigned char kFinal = 0x80;
constexpr unsigned char kReserved23 = 0x30;  // RSV1 belongs to permessage-deflate (RFC 7692)
constexpr unsigned char kOpcode = 0x0f;
constexpr unsigned char kMasked = 0x80;
constexpr unsigned char kLength = 0x7f;
constexpr unsigned char kLength16 = 126;
constexpr unsigned char kLength64 = 127;
constexpr unsigned char kContinuation = 0x0;
constexpr unsigned char kBinary = 0x2;
constexpr unsigned char kClose = 0x8;
constexpr unsigned char kPong = 0xa;
constexpr std::size_t kMaskBytes = 4;
constexpr std::uint64_t kControlBytesMax = 125;

std::unexpected<Error> not_a_frame(const char* why) {
    return fail(ErrorCode::invalid_argument, std::string("not a WebSocket frame: ") + why);
}

}  // namespace

std::size_t FrameMeter::head_bytes_wanted() const {
    if (head_size_ < 2) return 2;
    const unsigned char length = head_[1] & kLength;
    const std::size_t extended = length == kLength64 ? 8 : length == kLength16 ? 2 : 0;
    return 2 + extended + ((head_[1] & kMasked) != 0 ? kMaskBytes : 0);
}

Result<> FrameMeter::begin_frame() {
    const unsigned char opcode = head_[0] & kOpcode;
    const bool is_final = (head_[0] & kFinal) != 0;
    const bool is_control = opcode >= kClose;
    if ((head_[0] & kReserved23) != 0) return not_a_frame("reserved bits are set");
    if (opcode > kPong || (opcode > kBinary && opcode < kClose))
        return not_a_frame("its opcode is reserved");
    if (((head_[1] & kMasked) != 0) != (sender_ == Sender::client))
        return not_a_frame(sender_ == Sender::client ? "it is not masked" : "it is masked");
    const unsigned char length = head_[1] & kLength;
    payload_left_ = length;
    if (length == kLength16 || length == kLength64) {
        payload_left_ = 0;
        for (std::size_t i = 0; i < (length == kLength16 ? 2U : 8U); ++i)
            payload_left_ = payload_left_ << 8 | head_[2 + i];
    }
    if (is_control) {
        if (!is_final || payload_left_ > kControlBytesMax)
            return not_a_frame("a control frame is whole and short");
    } else {
        if ((opcode == kContinuation) != in_message_)
            return not_a_frame("a fragment is out of order");
        in_message_ = !is_final;
    }
    if (payload_left_ > frame_bytes_max_)
        return fail(ErrorCode::too_large, "a WebSocket frame is larger than " +
                                              std::to_string(frame_bytes_max_) + " bytes");
    return {};
}

Result<> FrameMeter::take(std::string_view bytes) {
    while (!bytes.empty()) {
        if (payload_left_ > 0) {
            const auto part = std::min<std::uint64_t>(payload_left_, bytes.size());
            payload_left_ -= part;
            bytes.remove_prefix(static_cast<std::size_t>(part));
            continue;
        }
        head_[head_size_++] = static_cast<unsigned char>(bytes.front());
        bytes.remove_prefix(1);
        if (head_size_ < head_bytes_wanted()) continue;
        AC_CHECK(begin_frame());
        head_size_ = 0;
    }
    return {};
}

std::string close_frame(std::uint16_t code, std::string_view reason, bool masked) {
    reason = reason.substr(0, kControlBytesMax - 2);
    std::string frame;
    frame += static_cast<char>(kFinal | kClose);
    frame += static_cast<char>((masked ? kMasked : 0U) | static_cast<unsigned>(reason.size() + 2));
    // A mask of zeros leaves the payload readable: the guest is ours, no proxy is to be fooled.
    if (masked) frame.append(kMaskBytes, '\0');
    frame += static_cast<char>(code >> 8);
    frame += static_cast<char>(code & 0xff);
    frame += reason;
    return frame;
}

}  // namespace ac::runtime
