#include "net/sse_decoder.h"

#include <utility>

namespace ac::net {

void SseDecoder::feed(std::string_view bytes) {
    if (offset_ == buffer_.size()) {
        buffer_.clear();
        offset_ = scanned_ = 0;
    } else if (offset_ > buffer_.size() / 2) {
        buffer_.erase(0, offset_);
        scanned_ -= offset_;
        offset_ = 0;
    }
    buffer_ += bytes;
}

std::optional<std::string_view> SseDecoder::next_line() {
    constexpr std::string_view kBom = "\xEF\xBB\xBF";
    if (skips_lf_ && offset_ < buffer_.size()) {
        skips_lf_ = false;
        if (buffer_[offset_] == '\n') ++offset_;
    }
    if (scanned_ < offset_) scanned_ = offset_;
    const auto end = buffer_.find_first_of("\r\n", scanned_);
    if (end == std::string::npos) {
        scanned_ = buffer_.size();
        return std::nullopt;
    }
    std::string_view line = std::string_view(buffer_).substr(offset_, end - offset_);
    skips_lf_ = buffer_[end] == '\r';
    offset_ = scanned_ = end + 1;
    if (std::exchange(at_start_, false) && line.starts_with(kBom)) line.remove_prefix(kBom.size());
    return line;
}

void SseDecoder::take_field(std::string_view line) {
    const auto colon = line.find(':');
    const std::string_view name = line.substr(0, colon);
    std::string_view value = colon == line.npos ? "" : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (name == "data") {
        if (std::exchange(has_data_, true)) current_.data += '\n';
        current_.data += value;
    } else if (name == "event") {
        current_.event = value;
    }
}

Result<std::optional<SseEvent>> SseDecoder::next() {
    while (const auto line = next_line()) {
        if (!line->empty()) {
            take_field(*line);
            if (current_.data.size() > event_bytes_max_) break;
            continue;
        }
        SseEvent event = std::exchange(current_, {});
        if (std::exchange(has_data_, false)) return event;
    }
    if (buffer_.size() - offset_ > event_bytes_max_ || current_.data.size() > event_bytes_max_)
        return fail(ErrorCode::too_large, "a server-sent event is larger than " +
                                              std::to_string(event_bytes_max_) + " bytes");
    return std::optional<SseEvent>();
}

}  // namespace ac::net
