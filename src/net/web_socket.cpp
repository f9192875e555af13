#include "net/web_socket.h"

#include <algorithm>

#include "base/encoding.h"
#include "crypto/hash.h"

namespace ac::net {
namespace {

using Kind = WebSocketMessage::Kind;

constexpr unsigned char kFinal = 0x80;
constexpr unsigned char kReserved = 0x70;
constexpr unsigned char kOpcode = 0x0f;
constexpr unsigned char kMasked = 0x80;
constexpr unsigned char kLength = 0x7f;
constexpr unsigned char kLength16 = 126;
constexpr unsigned char kLength64 = 127;
constexpr unsigned char kContinuation = 0x0;
constexpr std::size_t kMaskBytes = 4;
constexpr std::uint64_t kControlBytesMax = 125;

std::optional<Kind> kind_of(unsigned char opcode) {
    switch (opcode) {
        case 0x1:
            return Kind::text;
        case 0x2:
            return Kind::binary;
        case 0x8:
            return Kind::close;
        case 0x9:
            return Kind::ping;
        case 0xa:
            return Kind::pong;
        default:
            return std::nullopt;
    }
}

unsigned char opcode_of(Kind kind) {
    constexpr std::array<unsigned char, 5> kOpcodes{0x1, 0x2, 0x8, 0x9, 0xa};
    return kOpcodes.at(static_cast<std::size_t>(kind));
}

std::unexpected<Error> not_a_frame(const char* why) {
    return fail(ErrorCode::invalid_argument, std::string("not a WebSocket frame: ") + why);
}

}  // namespace

std::size_t WebSocketDecoder::head_bytes_wanted() const {
    if (head_size_ < 2) return 2;
    const unsigned char length = head_[1] & kLength;
    const std::size_t extended = length == kLength64 ? 8 : length == kLength16 ? 2 : 0;
    return 2 + extended + ((head_[1] & kMasked) != 0 ? kMaskBytes : 0);
}

Result<> WebSocketDecoder::begin_frame() {
    const unsigned char opcode = head_[0] & kOpcode;
    const bool is_final = (head_[0] & kFinal) != 0;
    const auto kind = kind_of(opcode);
    if ((head_[0] & kReserved) != 0) return not_a_frame("reserved bits are set");
    if (!kind && opcode != kContinuation) return not_a_frame("its opcode is reserved");
    if (((head_[1] & kMasked) != 0) != (sender_ == Sender::client))
        return not_a_frame(sender_ == Sender::client ? "it is not masked" : "it is masked");
    const unsigned char length = head_[1] & kLength;
    payload_left_ = length;
    if (length == kLength16 || length == kLength64) {
        payload_left_ = 0;
        for (std::size_t i = 0; i < (length == kLength16 ? 2U : 8U); ++i)
            payload_left_ = payload_left_ << 8 | head_[2 + i];
    }
    payload_taken_ = 0;
    in_payload_ = true;
    if (kind && *kind >= Kind::close) {
        if (!is_final || payload_left_ > kControlBytesMax)
            return not_a_frame("a control frame is whole and short");
        control_.clear();
        return {};
    }
    if (kind.has_value() == message_.has_value()) return not_a_frame("a fragment is out of order");
    if (kind) message_ = WebSocketMessage{.kind = *kind, .payload = {}};
    if (payload_left_ > message_bytes_max_ - message_->payload.size())
        return fail(ErrorCode::too_large, "a WebSocket message is larger than " +
                                              std::to_string(message_bytes_max_) + " bytes");
    return {};
}

void WebSocketDecoder::take_payload(std::string_view bytes) {
    std::string& out = (head_[0] & kOpcode) >= 0x8 ? control_ : message_->payload;
    if (sender_ == Sender::server) {
        out += bytes;
    } else {
        const unsigned char* const mask = head_.data() + head_size_ - kMaskBytes;
        for (const char byte : bytes)
            out += static_cast<char>(static_cast<unsigned char>(byte) ^
                                     mask[payload_taken_++ % kMaskBytes]);
    }
    payload_left_ -= bytes.size();
}

void WebSocketDecoder::end_frame() {
    const unsigned char opcode = head_[0] & kOpcode;
    if (opcode >= 0x8) {
        ready_.push_back({.kind = *kind_of(opcode), .payload = std::move(control_)});
    } else if ((head_[0] & kFinal) != 0) {
        ready_.push_back(*std::move(message_));
        message_.reset();
    }
    in_payload_ = false;
    head_size_ = 0;
}

Result<> WebSocketDecoder::feed(std::string_view bytes) {
    if (failed_) return not_a_frame("an earlier one was none");
    while (!bytes.empty()) {
        if (!in_payload_) {
            head_[head_size_++] = static_cast<unsigned char>(bytes.front());
            bytes.remove_prefix(1);
            if (head_size_ < head_bytes_wanted()) continue;
            if (auto begun = begin_frame(); !begun) {
                failed_ = true;
                return begun;
            }
        }
        const auto part =
            static_cast<std::size_t>(std::min<std::uint64_t>(payload_left_, bytes.size()));
        take_payload(bytes.substr(0, part));
        bytes.remove_prefix(part);
        if (payload_left_ == 0) end_frame();
    }
    return {};
}

std::optional<WebSocketMessage> WebSocketDecoder::next() {
    if (ready_.empty()) return std::nullopt;
    WebSocketMessage message = std::move(ready_.front());
    ready_.pop_front();
    return message;
}

std::string encode_web_socket(Kind kind, std::string_view payload, std::string_view mask) {
    AC_ASSERT(mask.empty() || mask.size() == kMaskBytes);
    const unsigned masked = mask.empty() ? 0 : kMasked;
    std::string frame;
    frame.reserve(payload.size() + 14);
    frame += static_cast<char>(kFinal | opcode_of(kind));
    if (payload.size() < kLength16) {
        frame += static_cast<char>(masked | payload.size());
    } else {
        const bool is_short = payload.size() <= UINT16_MAX;
        frame += static_cast<char>(masked | (is_short ? kLength16 : kLength64));
        for (int byte = is_short ? 1 : 7; byte >= 0; --byte)
            frame += static_cast<char>(payload.size() >> (8 * byte) & 0xff);
    }
    frame += mask;
    const std::size_t begin = frame.size();
    frame += payload;
    for (std::size_t i = 0; !mask.empty() && i < payload.size(); ++i)
        frame[begin + i] = static_cast<char>(frame[begin + i] ^ mask[i % kMaskBytes]);
    return frame;
}

std::string web_socket_close(std::uint16_t code, std::string_view reason) {
    std::string payload{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
    payload += reason.substr(0, kControlBytesMax - 2);
    return payload;
}

std::optional<std::uint16_t> web_socket_close_code(std::string_view payload) {
    if (payload.size() < 2) return std::nullopt;
    return static_cast<std::uint16_t>(static_cast<unsigned char>(payload[0]) << 8 |
                                      static_cast<unsigned char>(payload[1]));
}

std::string web_socket_accept(std::string_view key) {
    Hasher hasher(Digest::sha1);
    hasher.update(key);
    hasher.update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    return to_base64(hasher.finish());
}

}  // namespace ac::net
