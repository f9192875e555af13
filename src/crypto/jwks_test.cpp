#include "crypto/jwks.h"

#include <gmock/gmock.h>

#include <boost/json.hpp>

#include "base/encoding.h"

namespace ac {
namespace {

namespace json = boost::json;
using testing::HasSubstr;

// RFC 7638 section 3.1.
constexpr std::string_view kModulus =
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPeb"
    "WKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368Q"
    "QMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2"
    "NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

Result<Jwk> parsed(std::string_view text) {
    return parse_jwk(json::parse(text).as_object());
}

TEST(jwks, thumbprint_is_that_of_rfc_7638) {
    const auto jwk = parsed(R"({"kty":"RSA","e":"AQAB","n":")" + std::string(kModulus) + R"("})");
    ASSERT_TRUE(jwk) << jwk.error().message;
    EXPECT_EQ(jwk_thumbprint(jwk->key), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

TEST(jwks, thumbprint_is_that_of_rfc_8037) {
    const auto jwk = parsed(
        R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})");
    ASSERT_TRUE(jwk) << jwk.error().message;
    EXPECT_EQ(jwk_thumbprint(jwk->key), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

TEST(jwks, what_is_written_is_read_again) {
    for (const KeyKind kind :
         {KeyKind::rsa, KeyKind::p256, KeyKind::p384, KeyKind::p521, KeyKind::ed25519}) {
        const PrivateKey key = PrivateKey::generate(kind);
        const json::object written =
            to_json({.id = "a", .algorithm = std::nullopt, .key = key.public_key()});
        const auto read = parse_jwk(written);
        ASSERT_TRUE(read) << read.error().message;
        EXPECT_EQ(read->id, "a");
        EXPECT_EQ(read->key.kind(), kind);
        EXPECT_EQ(to_json(*read), written);
        EXPECT_EQ(jwk_thumbprint(read->key), jwk_thumbprint(key.public_key()));
    }
}

TEST(jwks, private_keys_survive_pkcs8) {
    for (const KeyKind kind : {KeyKind::rsa, KeyKind::p384, KeyKind::ed25519}) {
        const PrivateKey key = PrivateKey::generate(kind);
        const auto again = PrivateKey::from_pkcs8(key.to_pkcs8());
        ASSERT_TRUE(again) << again.error().message;
        EXPECT_EQ(again->kind(), kind);
        EXPECT_EQ(jwk_thumbprint(again->public_key()), jwk_thumbprint(key.public_key()));
    }
    EXPECT_FALSE(PrivateKey::from_pkcs8(""));
    EXPECT_FALSE(PrivateKey::from_pkcs8("rubbish"));
    EXPECT_FALSE(PrivateKey::from_pkcs8(PrivateKey::generate(KeyKind::p256).to_pkcs8() + "x"));
}

struct BadKey {
    std::string_view name;
    std::string_view text;
    std::string_view message;
};

class RefusedKey : public testing::TestWithParam<BadKey> {};

TEST_P(RefusedKey, is_refused) {
    const auto jwk = parsed(GetParam().text);
    ASSERT_FALSE(jwk);
    EXPECT_THAT(jwk.error().message, HasSubstr(GetParam().message));
}

#define AC_ZERO "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define AC_ONES "__________________________________________8"
#define AC_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define AC_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
INSTANTIATE_TEST_SUITE_P(
    jwks, RefusedKey,
    testing::Values(
        BadKey{"symmetric", R"({"kty":"oct","k":"c2VjcmV0"})", "private half"},
        BadKey{"symmetric_without_value", R"({"kty":"oct"})", "not supported"},
        BadKey{"no_kind", R"({"n":"AQAB"})", "not supported"},
        BadKey{"kind_as_number", R"({"kty":1})", "kty is not a string"},
        BadKey{"curve_for_money",
               R"({"kty":"EC","crv":"secp256k1","x":")" AC_X R"(","y":")" AC_Y R"("})",
               "not supported"},
        BadKey{"curve_of_another_type", R"({"kty":"OKP","crv":"P-256","x":")" AC_X R"("})",
               "not supported"},
        BadKey{"key_agreement", R"({"kty":"OKP","crv":"X25519","x":")" AC_X R"("})",
               "not supported"},
        BadKey{"point_off_the_curve",
               R"({"kty":"EC","crv":"P-256","x":")" AC_X R"(","y":")" AC_X R"("})",
               "not on the curve"},
        BadKey{"point_zero",
               R"({"kty":"EC","crv":"P-256","x":")" AC_ZERO R"(","y":")" AC_ZERO R"("})",
               "not on the curve"},
        BadKey{"coordinate_past_the_prime",
               R"({"kty":"EC","crv":"P-256","x":")" AC_ONES R"(","y":")" AC_Y R"("})",
               "not on the curve"},
        BadKey{"coordinate_short", R"({"kty":"EC","crv":"P-256","x":"AQAB","y":")" AC_Y R"("})",
               "wrong length"},
        BadKey{"no_y", R"({"kty":"EC","crv":"P-256","x":")" AC_X R"("})", "y is missing"},
        BadKey{"point_of_another_curve",
               R"({"kty":"EC","crv":"P-384","x":")" AC_X R"(","y":")" AC_Y R"("})", "wrong length"},
        BadKey{"padded", R"({"kty":"EC","crv":"P-256","x":")" AC_X R"(=","y":")" AC_Y R"("})",
               "x is not base64url"},
        BadKey{"private_half",
               R"({"kty":"EC","crv":"P-256","x":")" AC_X R"(","y":")" AC_Y R"(","d":"AQAB"})",
               "private half"},
        BadKey{"for_encryption",
               R"({"kty":"EC","use":"enc","crv":"P-256","x":")" AC_X R"(","y":")" AC_Y R"("})",
               "not for signatures"},
        BadKey{"operations_without_verify",
               R"({"kty":"EC","key_ops":["sign"],"crv":"P-256","x":")" AC_X R"(","y":")" AC_Y
               R"("})",
               "not for verifying"},
        BadKey{"operations_as_text",
               R"({"kty":"EC","key_ops":"verify","crv":"P-256","x":")" AC_X R"(","y":")" AC_Y
               R"("})",
               "not a list"},
        BadKey{"algorithm_of_another_kind",
               R"({"kty":"EC","alg":"RS256","crv":"P-256","x":")" AC_X R"(","y":")" AC_Y R"("})",
               "does not fit"},
        BadKey{"hmac",
               R"({"kty":"EC","alg":"HS256","crv":"P-256","x":")" AC_X R"(","y":")" AC_Y R"("})",
               "algorithm is not supported"},
        BadKey{"small_rsa",
               R"({"kty":"RSA","e":"AQAB","n":"u1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gun"})",
               "too small"},
        BadKey{"no_modulus", R"({"kty":"RSA","e":"AQAB"})", "n is missing"},
        BadKey{"empty_modulus", R"({"kty":"RSA","e":"AQAB","n":""})", "n is not base64url"}),
    [](const auto& info) { return std::string(info.param.name); });
#undef AC_ZERO
#undef AC_ONES
#undef AC_X
#undef AC_Y

TEST(jwks, rsa_numbers_are_bounded) {
    const std::string odd = std::string(255, '\xff') + "\x01";
    const std::string e("\x01\x00\x01", 3);
    EXPECT_TRUE(PublicKey::from_rsa({.modulus = "\x80" + odd.substr(1), .exponent = e}));
    EXPECT_TRUE(PublicKey::from_rsa({.modulus = std::string(1, '\0') + odd, .exponent = e}));
    EXPECT_FALSE(PublicKey::from_rsa({.modulus = odd.substr(1), .exponent = e})) << "2040 bits";
    EXPECT_FALSE(PublicKey::from_rsa({.modulus = odd.substr(0, 255) + "\x02", .exponent = e}));
    EXPECT_FALSE(PublicKey::from_rsa({.modulus = odd, .exponent = "\x01"}));
    EXPECT_FALSE(PublicKey::from_rsa({.modulus = odd, .exponent = "\x04"}));
    EXPECT_FALSE(PublicKey::from_rsa({.modulus = odd, .exponent = odd}));
    EXPECT_FALSE(PublicKey::from_rsa({.modulus = std::string(2049, '\xff'), .exponent = e}));
    EXPECT_FALSE(PublicKey::from_rsa({.modulus = std::string(1 << 20, '\xff'), .exponent = e}));
}

TEST(jwks, set_keeps_the_keys_that_can_be_used) {
    const auto keys = Jwks::parse(R"({"keys":[
        {"kty":"oct","kid":"a","k":"c2VjcmV0"},
        {"kty":"OKP","crv":"Ed25519","kid":"b","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        {"kty":"new","kid":"c"}],"extra":1})");
    ASSERT_TRUE(keys);
    ASSERT_EQ(keys->keys().size(), 1U);
    EXPECT_EQ(keys->candidates("b", SignatureAlgorithm::eddsa).size(), 1U);
    EXPECT_EQ(keys->candidates(std::nullopt, SignatureAlgorithm::eddsa).size(), 1U);
    EXPECT_TRUE(keys->candidates("b", SignatureAlgorithm::es256).empty());
    EXPECT_TRUE(keys->candidates("a", SignatureAlgorithm::eddsa).empty());
}

TEST(jwks, what_is_no_set_is_an_error) {
    for (const std::string& bad :
         {std::string(), std::string("[]"), std::string("{}"), std::string(R"({"keys":{}})"),
          std::string(R"({"keys":[1]})"), std::string(R"({"keys":[],"keys":[]})"),
          std::string(R"({"keys":[)"), std::string(kJwksBytesMax + 1, ' '),
          std::string("<html></html>")})
        EXPECT_FALSE(Jwks::parse(bad));
    std::string many = R"({"keys":[{})";
    for (std::size_t i = 0; i < kJwksKeysMax; ++i) many += ",{}";
    EXPECT_FALSE(Jwks::parse(many + "]}"));
}

TEST(jwks, number_of_keys_tried_is_bounded) {
    const PublicKey key = PrivateKey::generate(KeyKind::p256).public_key();
    const Jwks keys(std::vector<Jwk>(100, {.id = "same", .algorithm = std::nullopt, .key = key}));
    EXPECT_EQ(keys.candidates("same", SignatureAlgorithm::es256).size(), Jwks::kCandidatesMax);
}

}  // namespace
}  // namespace ac
