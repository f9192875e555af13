#pragma once
// JSON Web Tokens (RFC 7519) in the compact form, signed (RFC 7515), parsed strictly (RFC 8725):
// one algorithm list without "none" and HMAC, one spelling of base64url, every member once, unknown
// critical headers refused, keys that a token brings along (jwk, jku, x5u, x5c) never looked at.
//
//   AC_TRY(auto token, parse_jwt(text));          // nothing is proven yet
//   AC_CHECK(verify_signature(token, keys));      // now it is the issuer's
//   AC_CHECK(check_times(token.claims, now));     // and in time
//   ... then issuer and audience, which only the caller knows.
//
// Errors are unauthenticated; messages say what is wrong and never quote the token.

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/jwks.h"
#include "crypto/signature.h"

namespace ac {

inline constexpr std::size_t kJwtBytesMax = 128 * 1024;
// How far the clocks of issuer and verifier may be apart.
inline constexpr Seconds kClockSkew{60};

struct Jwt {
    SignatureAlgorithm algorithm;
    std::optional<std::string> key_id;
    std::string type;  // "typ", empty when absent
    boost::json::object claims;
    std::string signed_part;  // what the signature is over
    std::string signature;
};

Result<Jwt> parse_jwt(std::string_view token);

// With reason "UnknownKey" when no key of the set fits: a newer set may have it.
inline constexpr std::string_view kUnknownKey = "UnknownKey";
Result<> verify_signature(const Jwt& token, const Jwks& keys);
Result<> verify_signature(const Jwt& token, const PublicKey& key);

// exp must be there and to come, nbf and iat, where given, past; each a number of seconds between
// 1970 and 9999 (RFC 7519 section 2 allows fractions).
Result<> check_times(const boost::json::object& claims, WallTime now, Seconds skew = kClockSkew);

// A claim that is a string; nullopt when it is absent or anything else.
std::optional<std::string_view> text_claim(const boost::json::object& claims,
                                           std::string_view name);
// A claim that is a string or a list of strings (aud); empty when it is absent or anything else.
std::vector<std::string_view> list_claim(const boost::json::object& claims, std::string_view name);
// A claim that is a number of seconds since 1970.
std::optional<WallTime> time_claim(const boost::json::object& claims, std::string_view name);

struct JwtSigning {
    const PrivateKey& key;
    SignatureAlgorithm algorithm;
    std::string_view key_id;
    std::string_view type = "JWT";
};
std::string sign_jwt(const boost::json::object& claims, const JwtSigning& with);

}  // namespace ac
