#pragma once
// JSON Web Keys and sets of them (RFC 7517), public ones only. A set is somebody else's document:
// keys in it that we cannot or must not use (symmetric, too small, off the curve, for encryption,
// with their private half) are left out, as section 5 wants; a document that is not a set is an
// error.

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/signature.h"

namespace ac {

inline constexpr std::size_t kJwksBytesMax = 256 * 1024;
inline constexpr std::size_t kJwksKeysMax = 256;

struct Jwk {
    std::string id;                               // empty: the key has none
    std::optional<SignatureAlgorithm> algorithm;  // nullopt: any that fits its kind
    PublicKey key;
};

// invalid_argument: not a key, or not one to verify signatures with.
Result<Jwk> parse_jwk(const boost::json::object& object);
boost::json::object to_json(const Jwk& jwk);  // with "use": "sig"

// RFC 7638: base64url of the SHA-256 of the required members.
std::string jwk_thumbprint(const PublicKey& key);

class Jwks final {
  public:
    // invalid_argument: not JSON, a member given twice, no "keys", too many or too long.
    static Result<Jwks> parse(std::string_view text);

    Jwks() = default;
    explicit Jwks(std::vector<Jwk> keys) : keys_(std::move(keys)) {}

    // The keys that a token with this header may have been signed with; pointers live as long as
    // the set. Without a key id, every key of the kind: at most `kCandidatesMax` either way.
    std::vector<const Jwk*> candidates(const std::optional<std::string>& id,
                                       SignatureAlgorithm algorithm) const;
    const std::vector<Jwk>& keys() const { return keys_; }

    static constexpr std::size_t kCandidatesMax = 8;

  private:
    std::vector<Jwk> keys_;
};

}  // namespace ac
