#include "net/web_socket.h"

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "crypto/hash.h"

namespace ac::net {
namespace {

using Kind = WebSocketMessage::Kind;

constexpr unsigned char kFinal = 0x80;
constexpr unsigned char kMasked = 0x80;
constexpr unsigned char kLength16 = 126;
constexpr unsigned char kLength64 = 127;

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

}  // namespace

Result<> WebSocketDecoder::begin_frame(const WebSocketFrame& frame) {
    frame_ = frame;
    payload_left_ = frame.payload_bytes;
    payload_taken_ = 0;
    if (frame.is_control()) {
        control_.clear();
        return {};
    }
    if (!frame.is_continuation())
        message_ = WebSocketMessage{.kind = *kind_of(frame.opcode), .payload = {}};
    if (payload_left_ > message_bytes_max_ - message_->payload.size())
        return fail(ErrorCode::too_large, "a WebSocket message is larger than " +
                                              std::to_string(message_bytes_max_) + " bytes");
    return {};
}

void WebSocketDecoder::take_payload(std::string_view bytes) {
    std::string& out = frame_->is_control() ? control_ : message_->payload;
    if (sender_ == Sender::server) {
        out += bytes;
    } else {
        for (const char byte : bytes)
            out += static_cast<char>(static_cast<unsigned char>(byte) ^
                                     frame_->mask[payload_taken_++ % kWebSocketMaskBytes]);
    }
    payload_left_ -= bytes.size();
}

void WebSocketDecoder::end_frame() {
    if (frame_->is_control()) {
        ready_.push_back({.kind = *kind_of(frame_->opcode), .payload = std::move(control_)});
    } else if (frame_->is_final) {
        ready_.push_back(*std::move(message_));
        message_.reset();
    }
    frame_.reset();
}

Result<> WebSocketDecoder::feed(std::string_view bytes) {
    if (failed_) return fail(ErrorCode::invalid_argument, "an earlier WebSocket frame was none");
    while (!bytes.empty()) {
        if (!frame_) {
            auto frame = heads_.take(bytes);
            Result<> begun;
            if (!frame)
                begun = fail(std::move(frame).error());
            else if (*frame)
                begun = begin_frame(**frame);
            failed_ = !begun;
            if (failed_) return begun;
            if (!*frame) break;
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
    AC_ASSERT(mask.empty() || mask.size() == kWebSocketMaskBytes);
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
        frame[begin + i] = static_cast<char>(frame[begin + i] ^ mask[i % kWebSocketMaskBytes]);
    return frame;
}

std::string web_socket_close(std::uint16_t code, std::string_view reason) {
    std::string payload{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
    payload += reason.substr(0, kWebSocketControlBytesMax - 2);
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
