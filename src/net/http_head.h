#pragma once
// Reading the heads of HTTP/1.1 messages, without any I/O: HeadScanner finds where a head ends in
// what has arrived so far, the parse functions turn a whole head into values. Strict where
// leniency lets two parsers disagree about where a message ends (RFC 9112 2.2, 5.1, 6): lines end
// in CRLF only, no obs-fold, no space before a colon, no control characters, no repeated or
// malformed Content-Length, never both Content-Length and Transfer-Encoding.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>

#include "net/http_message.h"

namespace ac::net {

// How the end of a message's content is known.
enum class Coding { none, length, chunked, until_close };

struct Framing {
    Coding coding = Coding::none;
    std::uint64_t length = 0;  // with Coding::length
    int version_minor = 1;     // HTTP/1.x
    bool keep_alive = true;
    bool expects_continue = false;
};

// Why a head is refused; `status` is what a server answers, `reason` is a constant text.
struct Rejection {
    int status;
    std::string_view reason;
};

class HeadScanner final {
  public:
    enum class State { incomplete, complete, malformed };

    // `text` is everything since the head's first byte; each call continues where the last ended.
    State scan(std::string_view text);
    // Bytes of the head with the empty line that ends it, when complete.
    std::size_t size() const { return line_start_; }
    // Whether the first line has ended: decides between 414 and 431 for a head that is too long.
    bool past_first_line() const { return started_ && line_start_ > 0; }
    void reset() { *this = {}; }

  private:
    std::size_t scanned_ = 0;
    std::size_t line_start_ = 0;
    bool started_ = false;  // a line with content was seen
};

// `text` is one whole head as HeadScanner delimits it. `out` keeps its storage between calls; on a
// rejection its content means nothing. An absolute-form target is turned into origin form and its
// authority replaces Host (RFC 9112 3.2.2).
std::expected<Framing, Rejection> parse_request_head(std::string_view text,
                                                     std::size_t header_count_max,
                                                     RequestHead& out);

enum class ResponseTo { head, other };

// Rejection::status is 502 throughout. 1xx parse like every other status.
std::expected<Framing, Rejection> parse_response_head(std::string_view text,
                                                      std::size_t header_count_max, ResponseTo to,
                                                      ResponseHead& out);

// RFC 9110 5.6.2, 5.5.
bool is_token(std::string_view text);
bool is_field_value(std::string_view text);
// Visible ASCII without '#': any form of request target.
bool is_target(std::string_view text);

}  // namespace ac::net
