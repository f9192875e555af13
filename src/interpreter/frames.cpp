#include "interpreter/frames.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cstdint>
#include <utility>

#include "interpreter/limits.h"

namespace ac::interpreter {
namespace {

namespace json = boost::json;

constexpr std::size_t kHeadBytes = 8;
constexpr std::size_t kDepthMax = 16;

void put_u32(std::string& out, std::uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(value >> shift & 0xff);
}

std::uint32_t get_u32(const char* at) {
    std::uint32_t value = 0;
    for (int i = 3; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(at[i]);
    return value;
}

std::unexpected<Error> broken(const char* what) {
    return fail(ErrorCode::guest_failed, std::string("the session's agent sent ") + what);
}

}  // namespace

std::string encode_head(const json::object& header, std::size_t body_bytes) {
    const std::string text = json::serialize(header);
    std::string out;
    out.reserve(kHeadBytes + text.size());
    put_u32(out, static_cast<std::uint32_t>(text.size()));
    put_u32(out, static_cast<std::uint32_t>(body_bytes));
    return out + text;
}

Result<std::optional<Frame>> FrameDecoder::next() {
    if (!frame_) {
        AC_TRY(const bool is_known, take_head());
        if (!is_known) return std::nullopt;
    }
    // What was fed beside the body's own way in.
    const std::size_t missing = frame_->body.size() - filled_;
    const std::size_t taken = std::min(missing, buffer_.size() - offset_);
    buffer_.copy(frame_->body.data() + filled_, taken, offset_);
    filled_ += taken;
    offset_ += taken;
    if (offset_ == buffer_.size() || offset_ > buffer_.size() / 2) {
        buffer_.erase(0, offset_);
        offset_ = 0;
    }
    if (filled_ < frame_->body.size()) return std::nullopt;
    return std::exchange(frame_, std::nullopt);
}

Result<bool> FrameDecoder::take_head() {
    const std::size_t have = buffer_.size() - offset_;
    if (have < kHeadBytes) return false;
    const std::size_t header_bytes = get_u32(buffer_.data() + offset_);
    const std::size_t body_bytes = get_u32(buffer_.data() + offset_ + 4);
    if (header_bytes > kFrameHeaderBytesMax || body_bytes > kFrameBodyBytesMax)
        return broken("a frame over its bound");
    if (have < kHeadBytes + header_bytes) return false;
    json::parse_options options;
    options.max_depth = kDepthMax;
    boost::system::error_code error;
    const std::string_view text(buffer_.data() + offset_ + kHeadBytes, header_bytes);
    json::value value = json::parse(text, error, {}, options);
    if (error || !value.is_object()) return broken("a frame whose header is no JSON object");
    frame_ = Frame{.header = std::move(value.get_object()), .body = {}};
    // Memory is taken as the bytes come: nothing is written to what was only promised.
    // libstdc++ 12 passes the room that it made, not the size that it was asked for.
    frame_->body.resize_and_overwrite(body_bytes,
                                      [body_bytes](char*, std::size_t) { return body_bytes; });
    filled_ = 0;
    offset_ += kHeadBytes + header_bytes;
    return true;
}

std::span<char> FrameDecoder::room() {
    if (!frame_ || offset_ != buffer_.size()) return {};
    return std::span(frame_->body).subspan(filled_);
}

}  // namespace ac::interpreter
