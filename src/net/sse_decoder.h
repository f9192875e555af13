#pragma once
// Takes server-sent events out of a byte stream (WHATWG HTML, 9.2.6), in any pieces. Lines end with
// LF, CR or CRLF; a BOM at the start, comments and unknown fields are skipped; `id` and `retry` are
// not kept, nobody here reconnects.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ac::net {

struct SseEvent {
    std::string event;  // empty: none was named, "message" by the standard
    std::string data;
};

class SseDecoder final {
  public:
    // `event_bytes_max` bounds one line and the data of one event.
    explicit SseDecoder(std::size_t event_bytes_max) : event_bytes_max_(event_bytes_max) {}

    void feed(std::string_view bytes);
    // The next whole event, nullopt when more bytes are needed. too_large: the stream cannot go on.
    Result<std::optional<SseEvent>> next();
    // Whether the bytes so far end between two events: what follows an unfinished one is dropped by
    // the standard, and is a broken stream to those who care.
    bool is_between_events() const {
        return offset_ == buffer_.size() && !has_data_ && current_.event.empty();
    }

  private:
    std::optional<std::string_view> next_line();
    void take_field(std::string_view line);

    const std::size_t event_bytes_max_;
    std::string buffer_;
    std::size_t offset_ = 0;   // of the first byte not used
    std::size_t scanned_ = 0;  // up to here there is no end of a line
    bool skips_lf_ = false;    // the line ended with CR: an LF belongs to it
    bool at_start_ = true;
    bool has_data_ = false;
    SseEvent current_;
};

}  // namespace ac::net
