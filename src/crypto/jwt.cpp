#include "crypto/jwt.h"

#include <array>
#include <boost/json.hpp>
#include <cmath>

#include "base/encoding.h"
#include "base/strict_json.h"
#include "crypto/base64url.h"

namespace ac {
namespace {

namespace json = boost::json;

constexpr std::size_t kDepthMax = 16;
constexpr std::size_t kHeaderBytesMax = 8 * 1024;
constexpr double kLastSecond = 253'402'300'799;  // 9999-12-31T23:59:59Z

std::unexpected<Error> refuse(std::string message) {
    return fail(ErrorCode::unauthenticated, std::move(message));
}

struct Parts {
    std::string_view header;
    std::string_view payload;
    std::string_view signature;
};

Result<Parts> split(std::string_view token) {
    if (token.size() > kJwtBytesMax) return refuse("the token is too long");
    const auto first = token.find('.');
    const auto second = first == token.npos ? first : token.find('.', first + 1);
    if (second == token.npos || token.find('.', second + 1) != token.npos)
        return refuse("the token is not three parts");
    return Parts{.header = token.substr(0, first),
                 .payload = token.substr(first + 1, second - first - 1),
                 .signature = token.substr(second + 1)};
}

Result<json::object> object_in(std::string_view part, std::string_view what) {
    const auto text = from_base64url_strict(part);
    if (!text) return refuse("the token's " + std::string(what) + " is not base64url");
    auto value = parse_strict_json(*text, kDepthMax);
    if (!value || !value->is_object())
        return refuse("the token's " + std::string(what) + " is not a JSON object" +
                      (value ? "" : ": " + value.error().message));
    return std::move(value->get_object());
}

Result<> read_header(const json::object& header, Jwt& token) {
    // Nothing that could be critical is understood here; "crit" itself must not be empty.
    if (header.contains("crit")) return refuse("the token has a critical header that is unknown");
    if (header.contains("enc") || header.contains("zip"))
        return refuse("the token is encrypted or compressed");
    if (header.contains("b64")) return refuse("the token's payload is detached");
    const json::value* name = header.if_contains("alg");
    if (name == nullptr || !name->is_string()) return refuse("the token names no algorithm");
    const auto algorithm = signature_algorithm_from(
        std::string_view(name->get_string().data(), name->get_string().size()));
    if (!algorithm) return refuse("the token's algorithm is not allowed");
    token.algorithm = *algorithm;
    if (const json::value* id = header.if_contains("kid")) {
        if (!id->is_string()) return refuse("the token's kid is not a string");
        token.key_id = std::string(id->get_string());
    }
    if (const json::value* type = header.if_contains("typ")) {
        if (!type->is_string()) return refuse("the token's typ is not a string");
        token.type = std::string(type->get_string());
    }
    return {};
}

// The one time claim `name`, if it is there. An error: it is there, but no such time.
Result<std::optional<WallTime>> time_in(const json::object& claims, std::string_view name) {
    if (!claims.contains(name)) return std::nullopt;
    const auto time = time_claim(claims, name);
    if (!time) return refuse("the token's " + std::string(name) + " is not a time");
    return time;
}

}  // namespace

Result<Jwt> parse_jwt(std::string_view token) {
    AC_TRY(const Parts parts, split(token));
    if (parts.header.size() > kHeaderBytesMax) return refuse("the token's header is too long");
    AC_TRY(const json::object header, object_in(parts.header, "header"));
    Jwt out{};
    AC_CHECK(read_header(header, out));
    AC_TRY(out.claims, object_in(parts.payload, "payload"));
    auto signature = from_base64url_strict(parts.signature);
    if (!signature || signature->empty()) return refuse("the token's signature is not base64url");
    out.signature = *std::move(signature);
    out.signed_part = token.substr(0, parts.header.size() + 1 + parts.payload.size());
    return out;
}

Result<> verify_signature(const Jwt& token, const Jwks& keys) {
    const auto candidates = keys.candidates(token.key_id, token.algorithm);
    for (const Jwk* jwk : candidates)
        if (jwk->key.verify(token.algorithm, token.signed_part, token.signature)) return {};
    if (!candidates.empty()) return refuse("the token's signature does not match");
    return fail({.code = ErrorCode::unauthenticated,
                 .message = "the token's key is not one of its issuer's",
                 .reason = std::string(kUnknownKey)});
}

Result<> verify_signature(const Jwt& token, const PublicKey& key) {
    if (key.verify(token.algorithm, token.signed_part, token.signature)) return {};
    return refuse("the token's signature does not match");
}

Result<> check_times(const json::object& claims, WallTime now, Seconds skew) {
    AC_TRY(const auto expires, time_in(claims, "exp"));
    AC_TRY(const auto begins, time_in(claims, "nbf"));
    AC_TRY(const auto issued, time_in(claims, "iat"));
    if (!expires) return refuse("the token does not say when it expires");
    if (now - skew >= *expires) return refuse("the token has expired");
    if (begins && now + skew < *begins) return refuse("the token is not valid yet");
    if (issued && now + skew < *issued) return refuse("the token is from the future");
    return {};
}

std::optional<std::string_view> text_claim(const json::object& claims, std::string_view name) {
    const json::value* value = claims.if_contains(name);
    if (value == nullptr || !value->is_string()) return std::nullopt;
    return std::string_view(value->get_string().data(), value->get_string().size());
}

std::vector<std::string_view> list_claim(const json::object& claims, std::string_view name) {
    if (const auto text = text_claim(claims, name)) return {*text};
    const json::value* value = claims.if_contains(name);
    if (value == nullptr || !value->is_array()) return {};
    std::vector<std::string_view> out;
    for (const json::value& item : value->get_array()) {
        if (!item.is_string()) return {};
        out.emplace_back(item.get_string().data(), item.get_string().size());
    }
    return out;
}

std::optional<WallTime> time_claim(const json::object& claims, std::string_view name) {
    const json::value* value = claims.if_contains(name);
    if (value == nullptr || !value->is_number()) return std::nullopt;
    const double seconds = value->is_double()  ? value->get_double()
                           : value->is_int64() ? static_cast<double>(value->get_int64())
                                               : static_cast<double>(value->get_uint64());
    if (!(seconds >= 0 && seconds <= kLastSecond)) return std::nullopt;
    return from_epoch_ms(static_cast<std::int64_t>(seconds * 1000));
}

std::string sign_jwt(const json::object& claims, const JwtSigning& with) {
    json::object header;
    header["alg"] = to_string(with.algorithm);
    if (!with.key_id.empty()) header["kid"] = with.key_id;
    header["typ"] = with.type;
    std::string token =
        to_base64url(json::serialize(header)) + "." + to_base64url(json::serialize(claims));
    token += "." + to_base64url(with.key.sign(with.algorithm, token));
    return token;
}

}  // namespace ac
