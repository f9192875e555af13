#include "wire/s3_payload.h"

#include <fmt/format.h>

#include <charconv>
#include <span>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "wire/s3_chunked.h"
#include "wire/s3_error.h"
#include "wire/s3_limits.h"

namespace ac::wire {
namespace {

constexpr std::string_view kSignedChunks = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
constexpr std::string_view kSignedChunksTrailer = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
constexpr std::string_view kUnsignedChunksTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

class Sink {
  public:
    virtual ~Sink() = default;
    virtual Task<> write(std::string_view bytes) = 0;
};

class BlobSink final : public Sink {
  public:
    explicit BlobSink(storage::BlobWriter& writer) : writer_(writer) {}
    Task<> write(std::string_view bytes) override { return writer_.write(bytes); }

  private:
    storage::BlobWriter& writer_;
};

class TextSink final : public Sink {
  public:
    Task<> write(std::string_view bytes) override {
        text.append(bytes);
        co_return Result<>{};
    }
    std::string text;
};

std::optional<std::uint64_t> number_of(std::string_view text) {
    std::uint64_t value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size())
        return std::nullopt;
    return value;
}

std::unexpected<Error> too_large() {
    return s3_fail(ErrorCode::too_large, "EntityTooLarge",
                   "Your proposed upload exceeds the maximum allowed size");
}

std::unexpected<Error> bad_digest(std::string_view what) {
    return s3_fail(ErrorCode::invalid_argument, "BadDigest",
                   fmt::format("The {} you specified did not match what we received.", what));
}

Result<> set_payload_kind(PayloadTerms& terms, std::string_view content_sha256,
                          const sigv4::Verified& verified) {
    if (content_sha256 == kSignedChunks || content_sha256 == kSignedChunksTrailer) {
        terms.is_chunked = true;
        terms.chunk_seed = verified;
        return {};
    }
    if (content_sha256 == kUnsignedChunksTrailer) {
        terms.is_chunked = true;
        return {};
    }
    if (content_sha256.starts_with(sigv4::kStreamingPrefix))
        return s3_fail(ErrorCode::not_implemented, "NotImplemented",
                       fmt::format("{} is not implemented.", percent_encode(content_sha256)));
    if (!content_sha256.empty() && content_sha256 != sigv4::kUnsignedPayload)
        terms.sha256_hex = content_sha256;
    return {};
}

Result<> set_checksum(PayloadTerms& terms, const net::Headers& headers) {
    for (const net::Header& header : headers) {
        const auto kind = checksum_of_header(header.name);
        if (!kind) continue;
        if (terms.checksum_kind)
            return s3_fail(ErrorCode::invalid_argument, "InvalidRequest",
                           "Expecting a single x-amz-checksum- header.");
        terms.checksum_kind = kind;
        terms.checksum = header.value;
    }
    if (const auto trailer = headers.find("x-amz-trailer"); trailer && !terms.checksum_kind) {
        terms.checksum_kind = checksum_of_header(trim(*trailer));
        if (!terms.checksum_kind)
            return s3_fail(ErrorCode::invalid_argument, "InvalidRequest",
                           "The value specified in the x-amz-trailer header is not supported");
    }
    return {};
}

Result<> check_trailer(const PayloadTerms& terms, const net::Headers& trailer,
                       std::string& expected) {
    if (!terms.checksum_kind || !expected.empty()) return {};
    expected = trailer.get(header_of(*terms.checksum_kind));
    if (expected.empty())
        return s3_fail(ErrorCode::invalid_argument, "InvalidRequest",
                       "The checksum that x-amz-trailer announced did not come");
    return {};
}

// Reads the body to its end through the decoder (if any) into the sink.
Task<Received> pump(net::Body& body, PayloadTerms& terms, Sink& sink, std::uint64_t bytes_max) {
    if (terms.length && *terms.length > bytes_max) co_return too_large();
    std::optional<S3ChunkDecoder> decoder;
    if (terms.is_chunked) decoder.emplace(std::move(terms.chunk_seed));
    const auto checksum =
        terms.checksum_kind ? make_checksum(*terms.checksum_kind) : std::unique_ptr<S3Checksum>();
    std::string buffer(kS3StepBytes, '\0');
    std::string content;
    Received received;
    while (true) {
        AC_CO_TRY(const std::size_t n, co_await body.read_some(buffer));
        if (n == 0) break;
        std::string_view bytes(buffer.data(), n);
        if (decoder) {
            content.clear();
            AC_CO_CHECK(decoder->feed(bytes, content));
            bytes = content;
        }
        received.size += bytes.size();
        if (received.size > bytes_max) co_return too_large();
        if (checksum) checksum->update(bytes);
        AC_CO_CHECK(co_await sink.write(bytes));
    }
    if ((decoder && !decoder->finished()) || (terms.length && *terms.length != received.size))
        co_return s3_fail(
            ErrorCode::invalid_argument, "IncompleteBody",
            "You did not provide the number of bytes specified by the Content-Length HTTP header");
    if (!checksum) co_return received;
    if (decoder) {
        AC_CO_CHECK(check_trailer(terms, decoder->trailer(), terms.checksum));
    }
    if (checksum->finish_base64() != terms.checksum)
        co_return bad_digest(header_of(*terms.checksum_kind));
    received.checksum = {{std::string(header_of(*terms.checksum_kind)), terms.checksum}};
    co_return received;
}

Result<> check_digests(const PayloadTerms& terms, std::string_view sha256, std::string_view md5) {
    if (terms.md5_hex && *terms.md5_hex != md5) return bad_digest("Content-MD5");
    if (terms.sha256_hex && *terms.sha256_hex != sha256)
        return s3_fail(ErrorCode::invalid_argument, "XAmzContentSHA256Mismatch",
                       "The provided 'x-amz-content-sha256' header does not match what was "
                       "computed.");
    return {};
}

}  // namespace

Result<PayloadTerms> payload_terms(const net::Headers& headers, std::string_view content_sha256,
                                   const sigv4::Verified& verified) {
    PayloadTerms terms;
    AC_CHECK(set_payload_kind(terms, content_sha256, verified));
    AC_CHECK(set_checksum(terms, headers));
    const auto length =
        headers.find(terms.is_chunked ? "x-amz-decoded-content-length" : "content-length");
    if (length) terms.length = number_of(*length);
    if (terms.is_chunked && !terms.length)
        return s3_fail(ErrorCode::invalid_argument, "InvalidRequest",
                       "x-amz-decoded-content-length is missing or not a number.");
    if (const auto md5 = headers.find("content-md5")) {
        const auto digest = from_base64(*md5);
        if (!digest || digest->size() != 16)
            return s3_fail(ErrorCode::invalid_argument, "InvalidDigest",
                           "The Content-MD5 you specified is not valid.");
        terms.md5_hex = to_hex(std::as_bytes(std::span(*digest)));
    }
    return terms;
}

Task<Received> receive_blob(net::Body& body, PayloadTerms terms, storage::BlobWriter& writer,
                            std::uint64_t bytes_max) {
    BlobSink sink(writer);
    AC_CO_TRY(Received received, co_await pump(body, terms, sink, bytes_max));
    // The store hashes what it writes anyway.
    AC_CO_TRY(const storage::BlobInfo blob, co_await writer.seal());
    AC_CO_CHECK(check_digests(terms, blob.id.sha256, blob.md5));
    co_return received;
}

Task<std::string> receive_text(net::Body& body, PayloadTerms terms, std::size_t bytes_max) {
    TextSink sink;
    AC_CO_CHECK(co_await pump(body, terms, sink, bytes_max));
    AC_CO_CHECK(check_digests(terms, sha256_hex(sink.text), md5_hex(sink.text)));
    co_return std::move(sink.text);
}

}  // namespace ac::wire
