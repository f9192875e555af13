#pragma once
// Decides whether a request was signed with a given secret. Thread-safe; derived signing keys are
// cached.

#include <array>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "crypto/hash.h"
#include "sigv4/authorization.h"

namespace ac::sigv4 {

struct Policy {
    Seconds clock_skew{300};
    Seconds presigned_expiry_max{7 * 24 * 3600};
    // Bodies that the signature does not cover (UNSIGNED-PAYLOAD, STREAMING-...): S3 only.
    bool unsigned_payload_allowed = false;
    // Tried as the port of a Host header that names none; 0: not.
    std::uint16_t port = 0;
};

// What proves the caller's identity: the key's secret, and the session token that was issued with
// it (empty for a long-term key).
struct KeyMaterial {
    std::string_view secret;
    std::string_view session_token;
};

// What S3's signed chunks go on from.
struct Verified {
    Sha256 signing_key{};
    std::string scope;
    std::string amz_date;
    std::string signature;
};

class Verifier final {
  public:
    // `body_sha256`: lower case hex of the body's hash. May be empty when x-amz-content-sha256 was
    // sent: the signature then vouches for that header, and the caller must compare it with the
    // body itself before acting on it. Errors (code unauthenticated, reason names the exception):
    // InvalidSignatureException (wrong, expired, not yet valid, an x-amz-* header or host unsigned,
    // body does not match), ExpiredTokenException (presigned, too late),
    // UnrecognizedClientException (session token).
    Result<Verified> verify(const Authorization& authorization, const net::RequestHead& head,
                            const KeyMaterial& key, std::string_view body_sha256, WallTime now,
                            const Policy& policy = {});

  private:
    Sha256 signing_key(std::string_view secret, const Authorization& authorization);

    struct Slot {
        Sha256 secret{};  // the hash of it
        std::string scope;
        Sha256 key{};
    };
    static constexpr std::size_t kSlots = 64;
    std::mutex mutex_;
    std::array<Slot, kSlots> slots_;
};

// Signature of one aws-chunked chunk, given the previous one (first: Verified::signature).
std::string chunk_signature(const Verified& seed, std::string_view previous,
                            std::string_view chunk_sha256);
// Signature over the trailing headers ("name:value\n" each) after the last chunk.
std::string trailer_signature(const Verified& seed, std::string_view previous,
                              std::string_view trailers);

}  // namespace ac::sigv4
