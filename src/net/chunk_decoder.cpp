#include "net/chunk_decoder.h"

namespace ac::net {
namespace {

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// What may stand in an extension or a trailer field; anything else, a bare CR or LF above all,
// is where parsers come to disagree.
bool is_line_char(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return c == '\t' || (byte >= 0x20 && byte != 0x7f);
}

// 15 hex digits: a size of 2^60 at most, far over every body bound and far from overflow.
constexpr std::size_t kSizeDigitsMax = 15;

std::unexpected<Error> broken(const char* what) {
    return fail(ErrorCode::invalid_argument, what);
}

}  // namespace

Result<std::size_t> ChunkDecoder::eat_framing(std::string_view in) {
    std::size_t eaten = 0;
    while (eaten < in.size() && state_ != State::content && state_ != State::done) {
        AC_CHECK(step(in[eaten]));
        ++eaten;
    }
    return eaten;
}

void ChunkDecoder::took(std::uint64_t bytes) {
    AC_ASSERT(state_ == State::content && bytes <= left_);
    left_ -= bytes;
    if (left_ == 0) state_ = State::content_cr;
}

Result<> ChunkDecoder::step(char c) {
    switch (state_) {
        case State::size:
        case State::blank:
        case State::extension:
        case State::size_lf:
            return step_size(c);
        case State::content_cr:
            if (c != '\r') return broken("a chunk is longer than its size says");
            state_ = State::content_lf;
            return {};
        case State::content_lf:
            if (c != '\n') return broken("a chunk does not end in CRLF");
            state_ = State::size;
            digits_ = line_bytes_ = 0;
            return {};
        case State::trailer_start:
        case State::trailer:
        case State::trailer_lf:
        case State::end_lf:
            return step_trailer(c);
        case State::content:
        case State::done:
            break;
    }
    return {};
}

Result<> ChunkDecoder::step_size(char c) {
    if (++line_bytes_ > kLineBytesMax) return broken("a chunk's size line is too long");
    if (state_ == State::size_lf) {
        if (c != '\n') return broken("a chunk's size line does not end in CRLF");
        state_ = left_ == 0 ? State::trailer_start : State::content;
        return {};
    }
    if (state_ == State::extension || state_ == State::blank) {
        if (c == '\r')
            state_ = State::size_lf;
        else if (c == ';')
            state_ = State::extension;
        else if (state_ == State::blank ? c != ' ' && c != '\t' : !is_line_char(c))
            return broken("a chunk extension is malformed");
        return {};
    }
    if (const int digit = hex_value(c); digit >= 0) {
        if (++digits_ > kSizeDigitsMax) return broken("a chunk size is too large");
        left_ = left_ * 16 + static_cast<unsigned>(digit);
        return {};
    }
    if (digits_ == 0) return broken("a chunk has no size");
    if (c == '\r')
        state_ = State::size_lf;
    else if (c == ';')
        state_ = State::extension;
    else if (c == ' ' || c == '\t')  // bad form, but receivers must live with it (7.1.1)
        state_ = State::blank;
    else
        return broken("a chunk size is not hexadecimal");
    return {};
}

Result<> ChunkDecoder::step_trailer(char c) {
    if (++trailer_bytes_ > kTrailerBytesMax) return broken("the trailer is too long");
    switch (state_) {
        case State::trailer_start:
            if (c == '\r') {
                state_ = State::end_lf;
                return {};
            }
            if (c == ' ' || c == '\t') return broken("a trailer field is folded over two lines");
            state_ = State::trailer;
            [[fallthrough]];
        case State::trailer:
            if (c == '\r')
                state_ = State::trailer_lf;
            else if (!is_line_char(c))
                return broken("a trailer field has control characters");
            return {};
        case State::trailer_lf:
            if (c != '\n') return broken("a trailer field does not end in CRLF");
            state_ = State::trailer_start;
            return {};
        default:
            if (c != '\n') return broken("the chunked body does not end in CRLF");
            state_ = State::done;
            return {};
    }
}

}  // namespace ac::net
