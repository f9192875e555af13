#pragma once
// Undoes aws-chunked, the body coding of S3 uploads that are signed or checksummed as they go:
//
//   hex-size[;chunk-signature=64-hex] CRLF data CRLF ... 0[;chunk-signature=...] CRLF
//   [name:value CRLF ...] CRLF
//
// A machine without I/O: feed() it bytes, it appends content. Source of the coding and of what is
// signed: "Signature Calculations: Transferring Payload in Multiple Chunks" and "... with trailing
// headers" in the Amazon S3 API Reference.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/hash.h"
#include "net/http_message.h"
#include "sigv4/verifier.h"

namespace ac::wire {

class S3ChunkDecoder final {
  public:
    // With `seed`, the verified request header, every chunk and the trailer must carry a valid
    // signature.
    explicit S3ChunkDecoder(std::optional<sigv4::Verified> seed);

    // Appends content to `content`, at most as much as `coded` is long. Errors, after which the
    // decoder is useless: invalid_argument (broken coding), unauthenticated (wrong signature),
    // both with S3's code as reason.
    Result<> feed(std::string_view coded, std::string& content);
    // The last chunk and the trailer have been seen, and their signatures are right.
    bool finished() const { return state_ == State::done; }
    const net::Headers& trailer() const { return trailer_; }

  private:
    enum class State { size_line, data, data_end, trailer_line, done };

    // Takes bytes up to LF into line_; true when the line is complete (without its CR LF).
    Result<bool> take_line(std::string_view& coded);
    Result<> start_chunk();
    Result<> end_chunk();
    Result<> take_trailer_line();
    Result<> end_trailer();
    Result<> check_chunk();
    Result<> check_signature(std::string expected, std::string_view given);

    State state_ = State::size_line;
    std::optional<sigv4::Verified> seed_;
    std::string previous_signature_;  // each signature signs the one before
    std::string line_;
    std::uint64_t left_ = 0;  // of the current chunk's data
    bool last_ = false;       // the current chunk is the empty one
    std::string chunk_signature_;
    Hasher chunk_hash_;
    net::Headers trailer_;
    std::string trailer_text_;  // as it is signed
    std::string trailer_signature_;
};

}  // namespace ac::wire
