#pragma once
// The content of an S3 request: taken from the body as it comes, with everything verified that the
// client said about it (signature of the payload or of each chunk, Content-MD5, checksums in the
// head or in the trailer, length).

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/body.h"
#include "net/http_message.h"
#include "objects/types.h"
#include "sigv4/verifier.h"
#include "storage/blob_store.h"
#include "wire/s3_checksum.h"

namespace ac::wire {

struct PayloadTerms {
    std::optional<std::string> sha256_hex;  // signed by the request's signature
    std::optional<std::string> md5_hex;
    bool is_chunked = false;                    // aws-chunked
    std::optional<sigv4::Verified> chunk_seed;  // chunks are signed
    std::optional<std::uint64_t> length;        // of the content
    std::optional<S3ChecksumKind> checksum_kind;
    std::string checksum;  // base64; empty: it comes in the trailer
};

// `content_sha256`: x-amz-content-sha256 as verified. Errors: invalid_argument InvalidDigest,
// InvalidRequest; not_implemented for signature kinds that we do not verify.
Result<PayloadTerms> payload_terms(const net::Headers& headers, std::string_view content_sha256,
                                   const sigv4::Verified& verified);

struct Received {
    std::uint64_t size = 0;
    objects::Attributes checksum;  // x-amz-checksum-..., verified; empty without one
};

// Streams the content into `writer` and seals it. Errors: invalid_argument BadDigest,
// XAmzContentSHA256Mismatch, IncompleteBody; too_large EntityTooLarge; what the body, the decoder
// and the writer say. After an error nothing may be committed.
Task<Received> receive_blob(net::Body& body, PayloadTerms terms, storage::BlobWriter& writer,
                            std::uint64_t bytes_max);

// The same for small documents; the content.
Task<std::string> receive_text(net::Body& body, PayloadTerms terms, std::size_t bytes_max);

}  // namespace ac::wire
