#include "wire/s3_chunked.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "wire/s3_limits.h"

namespace ac::wire {
namespace {

constexpr std::string_view kSignature = "chunk-signature=";
constexpr std::string_view kTrailerSignature = "x-amz-trailer-signature";

std::unexpected<Error> broken(std::string message) {
    return std::unexpected(Error{.code = ErrorCode::invalid_argument,
                                 .message = "aws-chunked: " + std::move(message),
                                 .reason = "InvalidRequest"});
}

}  // namespace

S3ChunkDecoder::S3ChunkDecoder(std::optional<sigv4::Verified> seed) : seed_(std::move(seed)) {
    if (seed_) previous_signature_ = seed_->signature;
}

Result<> S3ChunkDecoder::feed(std::string_view coded, std::string& content) {
    while (!coded.empty()) {
        if (state_ == State::data) {
            const auto part = coded.substr(
                0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, coded.size())));
            if (seed_) chunk_hash_.update(part);
            content.append(part);
            left_ -= part.size();
            coded.remove_prefix(part.size());
            if (left_ == 0) state_ = State::data_end;
            continue;
        }
        if (state_ == State::done) {
            // Some clients end the trailer with one line end too many.
            if (coded.find_first_not_of("\r\n") != std::string_view::npos)
                return broken("bytes after the end");
            return {};
        }
        AC_TRY(const bool complete, take_line(coded));
        if (!complete) return {};
        Result<> taken;
        if (state_ == State::size_line)
            taken = start_chunk();
        else if (state_ == State::data_end)
            taken = end_chunk();
        else
            taken = take_trailer_line();
        if (!taken) return taken;
        line_.clear();
    }
    return {};
}

Result<bool> S3ChunkDecoder::take_line(std::string_view& coded) {
    const std::size_t end = coded.find('\n');
    const auto part = coded.substr(0, end == std::string_view::npos ? coded.size() : end + 1);
    if (line_.size() + part.size() > kChunkLineBytesMax) return broken("a line is too long");
    line_ += part;
    coded.remove_prefix(part.size());
    if (end == std::string_view::npos) return false;
    line_.pop_back();
    if (line_.ends_with('\r')) line_.pop_back();
    return true;
}

Result<> S3ChunkDecoder::start_chunk() {
    const std::string_view line = line_;
    const std::string_view size = line.substr(0, line.find(';'));
    const auto parsed = std::from_chars(size.data(), size.data() + size.size(), left_, 16);
    if (size.empty() || size.size() > 15 || parsed.ec != std::errc() ||
        parsed.ptr != size.data() + size.size())
        return broken("a chunk size is not a hexadecimal number");
    std::string_view extension = line.substr(std::min(size.size() + 1, line.size()));
    chunk_signature_.clear();
    if (extension.starts_with(kSignature)) chunk_signature_ = extension.substr(kSignature.size());
    last_ = left_ == 0;
    chunk_hash_ = Hasher();
    if (!last_) {
        state_ = State::data;
        return {};
    }
    AC_CHECK(check_chunk());
    state_ = State::trailer_line;
    return {};
}

Result<> S3ChunkDecoder::end_chunk() {
    if (!line_.empty()) return broken("a chunk is longer than its size");
    AC_CHECK(check_chunk());
    state_ = State::size_line;
    return {};
}

Result<> S3ChunkDecoder::take_trailer_line() {
    if (line_.empty()) return end_trailer();
    const std::string_view line = line_;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return broken("a trailer line has no colon");
    const std::string name = to_lower(trim(line.substr(0, colon)));
    const std::string value(trim(line.substr(colon + 1)));
    if (name == kTrailerSignature) {
        trailer_signature_ = value;
        return {};
    }
    if (trailer_.size() >= kTrailerFieldsMax) return broken("too many trailer lines");
    trailer_text_ += name + ":" + value + "\n";
    trailer_.add(name, value);
    return {};
}

Result<> S3ChunkDecoder::end_trailer() {
    if (seed_ && (trailer_.size() > 0 || !trailer_signature_.empty()))
        AC_CHECK(
            check_signature(sigv4::trailer_signature(*seed_, previous_signature_, trailer_text_),
                            trailer_signature_));
    state_ = State::done;
    return {};
}

Result<> S3ChunkDecoder::check_chunk() {
    if (!seed_) return {};
    return check_signature(
        sigv4::chunk_signature(*seed_, previous_signature_, chunk_hash_.finish_hex()),
        chunk_signature_);
}

Result<> S3ChunkDecoder::check_signature(std::string expected, std::string_view given) {
    if (!equal_in_constant_time(expected, given))
        return std::unexpected(
            Error{.code = ErrorCode::unauthenticated,
                  .message = "The chunk signature we calculated does not match the one provided.",
                  .reason = "SignatureDoesNotMatch"});
    previous_signature_ = std::move(expected);
    return {};
}

}  // namespace ac::wire
