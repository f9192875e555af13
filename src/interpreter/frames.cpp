#include "interpreter/frames.h"

#include <boost/json.hpp>
#include <cstdint>

#include "interpreter/limits.h"

namespace ac::interpreter {
namespace {

namespace json = boost::json;

constexpr std::size_t kHeadBytes = 8;
constexpr std::size_t kDepthMax = 16;
constexpr std::size_t kBufferKeptMax = std::size_t{1} << 20;

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
    const std::size_t have = buffer_.size() - offset_;
    if (have < kHeadBytes) return std::nullopt;
    const std::size_t header_bytes = get_u32(buffer_.data() + offset_);
    const std::size_t body_bytes = get_u32(buffer_.data() + offset_ + 4);
    if (header_bytes > kFrameHeaderBytesMax || body_bytes > kFrameBodyBytesMax)
        return broken("a frame over its bound");
    const std::size_t total = kHeadBytes + header_bytes + body_bytes;
    if (have < total) {
        // A file comes in one frame: room for it at once, not by doubling.
        if (buffer_.capacity() < offset_ + total) buffer_.reserve(offset_ + total);
        return std::nullopt;
    }
    json::parse_options options;
    options.max_depth = kDepthMax;
    boost::system::error_code error;
    const std::string_view text(buffer_.data() + offset_ + kHeadBytes, header_bytes);
    json::value value = json::parse(text, error, {}, options);
    if (error || !value.is_object()) return broken("a frame whose header is no JSON object");
    Frame frame{.header = std::move(value.get_object()), .body = {}};
    frame.body = buffer_.substr(offset_ + kHeadBytes + header_bytes, body_bytes);
    offset_ += total;
    if (offset_ == buffer_.size() && buffer_.capacity() > kBufferKeptMax) {
        buffer_ = std::string();  // a file went by: its room is not kept
        offset_ = 0;
    }
    if (offset_ == buffer_.size() || offset_ > buffer_.size() / 2) {
        buffer_.erase(0, offset_);
        offset_ = 0;
    }
    return frame;
}

}  // namespace ac::interpreter
