#pragma once
// Asymmetric keys and the signature algorithms of JOSE (RFC 7518, RFC 8037). A key knows its kind,
// and an algorithm works with one kind of key only: there is no way to verify with the wrong one.
// Keys are values that share one immutable object; thread-safe.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ac {

enum class KeyKind { rsa, p256, p384, p521, ed25519 };

// There is neither "none" nor HMAC here: a token that names one of them names nothing.
enum class SignatureAlgorithm {
    rs256,
    rs384,
    rs512,
    ps256,
    ps384,
    ps512,
    es256,
    es384,
    es512,
    eddsa
};

std::string_view to_string(SignatureAlgorithm algorithm);  // "RS256"
std::optional<SignatureAlgorithm> signature_algorithm_from(std::string_view name);
KeyKind key_kind_for(SignatureAlgorithm algorithm);

inline constexpr int kRsaBitsMin = 2048;
inline constexpr int kRsaBitsMax = 16384;  // verification takes milliseconds above it

// Numbers are big-endian bytes.
struct RsaNumbers {
    std::string modulus;
    std::string exponent;
};

// x alone for Ed25519. Each has the length of the curve's field.
struct CurvePoint {
    std::string x;
    std::string y;
};

std::size_t coordinate_bytes(KeyKind kind);  // 0 for RSA

class PublicKey final {
  public:
    // invalid_argument: too small, too large, even modulus or exponent, a point that is not on the
    // curve or of the wrong length.
    static Result<PublicKey> from_rsa(const RsaNumbers& numbers);
    static Result<PublicKey> from_point(KeyKind kind, const CurvePoint& point);

    KeyKind kind() const;
    RsaNumbers rsa_numbers() const;  // kind() must be rsa
    CurvePoint point() const;        // kind() must not be rsa

    // False also when `algorithm` is not for this kind of key. ECDSA signatures are r and s, each
    // as long as the field (RFC 7518 3.4); PSS salts as long as the hash (3.5).
    bool verify(SignatureAlgorithm algorithm, std::string_view message,
                std::string_view signature) const;

  private:
    friend class PrivateKey;
    struct State;
    explicit PublicKey(std::shared_ptr<const State> state) : state_(std::move(state)) {}
    std::shared_ptr<const State> state_;
};

class PrivateKey final {
  public:
    // RSA keys have 2048 bits. Takes up to a second for RSA.
    static PrivateKey generate(KeyKind kind);
    // DER. invalid_argument when it is no key of a kind that we know.
    static Result<PrivateKey> from_pkcs8(std::string_view der);
    std::string to_pkcs8() const;  // secret

    KeyKind kind() const { return public_key().kind(); }
    const PublicKey& public_key() const { return public_key_; }
    // `algorithm` must be for this kind of key (asserted).
    std::string sign(SignatureAlgorithm algorithm, std::string_view message) const;

  private:
    explicit PrivateKey(PublicKey key) : public_key_(std::move(key)) {}
    PublicKey public_key_;  // its State holds both halves
};

}  // namespace ac
