#pragma once
// Undoes the chunked transfer coding (RFC 9112 7.1), without any I/O. It eats framing from the
// front of what has arrived and says how much content follows; the caller takes the content from
// its own buffer, so nothing is copied here. Extensions and trailer fields are checked for form,
// bounded and dropped.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace ac::net {

class ChunkDecoder final {
  public:
    // A size line with its extensions; all trailer fields together.
    static constexpr std::size_t kLineBytesMax = 4 * 1024;
    static constexpr std::size_t kTrailerBytesMax = 8 * 1024;

    // Eats framing at the front of `in` and returns how many bytes that was. Afterwards either
    // content() > 0: that many bytes of content come next (report them with took()), or
    // is_done(), or more input is needed. invalid_argument: the coding is broken.
    Result<std::size_t> eat_framing(std::string_view in);

    std::uint64_t content() const { return state_ == State::content ? left_ : 0; }
    // `bytes` <= content() of content were taken off the front of the input.
    void took(std::uint64_t bytes);
    bool is_done() const { return state_ == State::done; }

  private:
    enum class State {
        size,
        blank,
        extension,
        size_lf,
        content,
        content_cr,
        content_lf,
        trailer_start,
        trailer,
        trailer_lf,
        end_lf,
        done
    };

    Result<> step(char c);
    Result<> step_size(char c);
    Result<> step_trailer(char c);

    State state_ = State::size;
    std::uint64_t left_ = 0;
    std::size_t digits_ = 0;
    std::size_t line_bytes_ = 0;
    std::size_t trailer_bytes_ = 0;
};

}  // namespace ac::net
