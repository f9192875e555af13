#include "crypto/jwks.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "base/encoding.h"
#include "base/strict_json.h"
#include "crypto/base64url.h"
#include "crypto/hash.h"

namespace ac {
namespace {

namespace json = boost::json;

constexpr std::size_t kDepthMax = 8;
constexpr std::size_t kKeyIdBytesMax = 1024;
constexpr std::array<std::string_view, 7> kPrivateMembers = {"d", "p", "q", "dp", "dq", "qi", "k"};

struct Curve {
    std::string_view name;
    std::string_view type;
    KeyKind kind;
};
constexpr std::array<Curve, 4> kCurves = {{{"P-256", "EC", KeyKind::p256},
                                           {"P-384", "EC", KeyKind::p384},
                                           {"P-521", "EC", KeyKind::p521},
                                           {"Ed25519", "OKP", KeyKind::ed25519}}};

std::unexpected<Error> refuse(std::string message) {
    return fail(ErrorCode::invalid_argument, std::move(message));
}

// nullopt: absent; an error: there, but no string.
Result<std::optional<std::string_view>> text_in(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    if (value == nullptr) return std::nullopt;
    if (!value->is_string()) return refuse(std::string(name) + " is not a string");
    return std::string_view(value->get_string().data(), value->get_string().size());
}

Result<std::string> bytes_in(const json::object& object, std::string_view name) {
    AC_TRY(const auto text, text_in(object, name));
    if (!text) return refuse(std::string(name) + " is missing");
    auto bytes = from_base64url_strict(*text);
    if (!bytes || bytes->empty()) return refuse(std::string(name) + " is not base64url");
    return *std::move(bytes);
}

Result<PublicKey> key_in(const json::object& object) {
    AC_TRY(const auto type, text_in(object, "kty"));
    if (type == "RSA") {
        AC_TRY(auto modulus, bytes_in(object, "n"));
        AC_TRY(auto exponent, bytes_in(object, "e"));
        return PublicKey::from_rsa(
            {.modulus = std::move(modulus), .exponent = std::move(exponent)});
    }
    AC_TRY(const auto name, text_in(object, "crv"));
    for (const Curve& curve : kCurves) {
        if (curve.type != type || curve.name != name) continue;
        CurvePoint point;
        AC_TRY(point.x, bytes_in(object, "x"));
        if (curve.kind != KeyKind::ed25519) {
            AC_TRY(point.y, bytes_in(object, "y"));
        }
        return PublicKey::from_point(curve.kind, point);
    }
    return refuse("the kind of key is not supported");
}

// What the key's publisher allows it for.
Result<> check_purpose(const json::object& object) {
    AC_TRY(const auto use, text_in(object, "use"));
    if (use && *use != "sig") return refuse("the key is not for signatures");
    const json::value* operations = object.if_contains("key_ops");
    if (operations == nullptr) return {};
    if (!operations->is_array()) return refuse("key_ops is not a list");
    for (const json::value& operation : operations->get_array())
        if (operation == "verify") return {};
    return refuse("the key is not for verifying");
}

json::object members_of(const PublicKey& key) {
    json::object out;  // in the order of RFC 7638
    if (key.kind() == KeyKind::rsa) {
        const RsaNumbers numbers = key.rsa_numbers();
        out["e"] = to_base64url(numbers.exponent);
        out["kty"] = "RSA";
        out["n"] = to_base64url(numbers.modulus);
        return out;
    }
    const Curve& curve = *std::ranges::find(kCurves, key.kind(), &Curve::kind);
    const CurvePoint point = key.point();
    out["crv"] = curve.name;
    out["kty"] = curve.type;
    out["x"] = to_base64url(point.x);
    if (!point.y.empty()) out["y"] = to_base64url(point.y);
    return out;
}

}  // namespace

Result<Jwk> parse_jwk(const json::object& object) {
    for (const std::string_view name : kPrivateMembers)
        if (object.contains(name)) return refuse("the key holds its private half");
    AC_CHECK(check_purpose(object));
    AC_TRY(const auto id, text_in(object, "kid"));
    if (id && id->size() > kKeyIdBytesMax) return refuse("kid is too long");
    AC_TRY(const auto name, text_in(object, "alg"));
    std::optional<SignatureAlgorithm> algorithm;
    if (name) {
        algorithm = signature_algorithm_from(*name);
        if (!algorithm) return refuse("the key's algorithm is not supported");
    }
    AC_TRY(auto key, key_in(object));
    if (algorithm && key_kind_for(*algorithm) != key.kind())
        return refuse("the key does not fit its algorithm");
    return Jwk{.id = std::string(id.value_or("")), .algorithm = algorithm, .key = std::move(key)};
}

json::object to_json(const Jwk& jwk) {
    json::object out = members_of(jwk.key);
    out["use"] = "sig";
    if (!jwk.id.empty()) out["kid"] = jwk.id;
    if (jwk.algorithm) out["alg"] = to_string(*jwk.algorithm);
    return out;
}

std::string jwk_thumbprint(const PublicKey& key) {
    return to_base64url(as_text(sha256(json::serialize(members_of(key)))));
}

Result<Jwks> Jwks::parse(std::string_view text) {
    if (text.size() > kJwksBytesMax) return refuse("the key set is too long");
    auto parsed = parse_strict_json(text, kDepthMax);
    if (!parsed) return refuse("the key set is not valid JSON: " + parsed.error().message);
    const json::object* object = parsed->if_object();
    const json::value* keys = object == nullptr ? nullptr : object->if_contains("keys");
    if (keys == nullptr || !keys->is_array()) return refuse("the key set has no list of keys");
    if (keys->get_array().size() > kJwksKeysMax) return refuse("the key set has too many keys");
    Jwks out;
    for (const json::value& item : keys->get_array()) {
        if (!item.is_object()) return refuse("a key of the set is no object");
        if (auto jwk = parse_jwk(item.get_object())) out.keys_.push_back(*std::move(jwk));
    }
    return out;
}

std::vector<const Jwk*> Jwks::candidates(const std::optional<std::string>& id,
                                         SignatureAlgorithm algorithm) const {
    std::vector<const Jwk*> out;
    for (const Jwk& jwk : keys_) {
        if (id && jwk.id != *id) continue;
        if (jwk.key.kind() != key_kind_for(algorithm)) continue;
        if (jwk.algorithm && *jwk.algorithm != algorithm) continue;
        if (out.size() < kCandidatesMax) out.push_back(&jwk);
    }
    return out;
}

}  // namespace ac
