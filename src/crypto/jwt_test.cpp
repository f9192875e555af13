#include "crypto/jwt.h"

#include <gmock/gmock.h>

#include <boost/json.hpp>

#include "base/encoding.h"
#include "crypto/hash.h"

namespace ac {
namespace {

namespace json = boost::json;
using testing::HasSubstr;

constexpr std::int64_t kNow = 1'767'225'600;  // 2026-01-01

WallTime now() {
    return from_epoch_ms(kNow * 1000);
}

// One key for all tests of a kind: RSA ones take long to make.
const PrivateKey& key_of(KeyKind kind) {
    static std::map<KeyKind, PrivateKey> keys;
    auto found = keys.find(kind);
    if (found == keys.end()) found = keys.emplace(kind, PrivateKey::generate(kind)).first;
    return found->second;
}

Jwks set_of(const PublicKey& key, std::string id = "k1") {
    return Jwks({{.id = std::move(id), .algorithm = std::nullopt, .key = key}});
}

json::object claims() {
    return {{"iss", "https://issuer.example"}, {"exp", kNow + 3600}, {"sub", "someone"}};
}

// A token whose parts are given as text and whose signature is made by `key`, whatever they say.
std::string signed_parts(std::string_view header, std::string_view payload,
                         SignatureAlgorithm algorithm) {
    std::string token = to_base64url(header) + "." + to_base64url(payload);
    return token + "." + to_base64url(key_of(key_kind_for(algorithm)).sign(algorithm, token));
}

class EveryAlgorithm : public testing::TestWithParam<SignatureAlgorithm> {};

TEST_P(EveryAlgorithm, signs_and_verifies) {
    const PrivateKey& key = key_of(key_kind_for(GetParam()));
    const std::string text =
        sign_jwt(claims(), {.key = key, .algorithm = GetParam(), .key_id = "k1"});
    const auto token = parse_jwt(text);
    ASSERT_TRUE(token) << token.error().message;
    EXPECT_EQ(token->algorithm, GetParam());
    EXPECT_EQ(token->key_id, "k1");
    EXPECT_EQ(token->claims, claims());
    EXPECT_TRUE(verify_signature(*token, set_of(key.public_key())));
    EXPECT_TRUE(verify_signature(*token, key.public_key()));
}

TEST_P(EveryAlgorithm, every_changed_bit_is_seen) {
    const PrivateKey& key = key_of(key_kind_for(GetParam()));
    const auto token = parse_jwt(sign_jwt({}, {.key = key, .algorithm = GetParam()}));
    ASSERT_TRUE(token);
    for (std::size_t byte = 0; byte < token->signature.size(); byte += 5) {
        Jwt changed = *token;
        changed.signature[byte] = static_cast<char>(changed.signature[byte] ^ 1 << byte % 8);
        EXPECT_FALSE(verify_signature(changed, key.public_key())) << byte;
    }
    Jwt longer = *token;
    longer.signature += '\0';
    EXPECT_FALSE(verify_signature(longer, key.public_key()));
    Jwt shorter = *token;
    shorter.signature.pop_back();
    EXPECT_FALSE(verify_signature(shorter, key.public_key()));
    Jwt other = *token;
    other.signed_part += 'A';
    EXPECT_FALSE(verify_signature(other, key.public_key()));
}

TEST_P(EveryAlgorithm, no_key_of_another_kind_or_algorithm_verifies) {
    const PrivateKey& key = key_of(key_kind_for(GetParam()));
    const auto token = parse_jwt(sign_jwt({}, {.key = key, .algorithm = GetParam()}));
    ASSERT_TRUE(token);
    for (const KeyKind kind :
         {KeyKind::rsa, KeyKind::p256, KeyKind::p384, KeyKind::p521, KeyKind::ed25519}) {
        if (kind == key.kind()) continue;
        EXPECT_FALSE(verify_signature(*token, key_of(kind).public_key()));
    }
    for (int other = 0; other <= static_cast<int>(SignatureAlgorithm::eddsa); ++other) {
        Jwt renamed = *token;
        renamed.algorithm = static_cast<SignatureAlgorithm>(other);
        if (renamed.algorithm == GetParam()) continue;
        EXPECT_FALSE(verify_signature(renamed, key.public_key()));
    }
    const PrivateKey stranger = PrivateKey::generate(key.kind());
    EXPECT_FALSE(verify_signature(*token, stranger.public_key()));
}

INSTANTIATE_TEST_SUITE_P(jwt, EveryAlgorithm,
                         testing::Values(SignatureAlgorithm::rs256, SignatureAlgorithm::rs384,
                                         SignatureAlgorithm::rs512, SignatureAlgorithm::ps256,
                                         SignatureAlgorithm::ps384, SignatureAlgorithm::ps512,
                                         SignatureAlgorithm::es256, SignatureAlgorithm::es384,
                                         SignatureAlgorithm::es512, SignatureAlgorithm::eddsa),
                         [](const auto& info) { return std::string(to_string(info.param)); });

TEST(jwt, verifies_the_example_of_rfc_7515_appendix_a3) {
    const auto keys = Jwks::parse(R"({"keys":[{"kty":"EC","crv":"P-256",
        "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]})");
    ASSERT_TRUE(keys);
    const auto token = parse_jwt(
        "eyJhbGciOiJFUzI1NiJ9."
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
        "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSA"
        "pmWQxfKTUJqPP3-Kg6NU1Q");
    ASSERT_TRUE(token) << token.error().message;
    EXPECT_TRUE(verify_signature(*token, *keys));
    EXPECT_EQ(text_claim(token->claims, "iss"), "joe");
}

TEST(jwt, verifies_the_example_of_rfc_8037_appendix_a4) {
    const auto keys = Jwks::parse(
        R"({"keys":[{"kty":"OKP","crv":"Ed25519",
            "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})");
    ASSERT_TRUE(keys);
    ASSERT_EQ(keys->keys().size(), 1U);
    const auto signature = from_base64url(
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
    EXPECT_TRUE(keys->keys()[0].key.verify(
        SignatureAlgorithm::eddsa, "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
        *signature));
}

struct BadToken {
    std::string_view name;
    std::string_view header;
    std::string_view payload;
    std::string_view message;
};

constexpr std::string_view kPayload = R"({"exp":1767229200})";

class RefusedToken : public testing::TestWithParam<BadToken> {};

// Each of them carries a good ES256 signature, so that nothing but the rule under test refuses it.
TEST_P(RefusedToken, is_refused) {
    const auto& bad = GetParam();
    const auto token = parse_jwt(signed_parts(bad.header, bad.payload, SignatureAlgorithm::es256));
    ASSERT_FALSE(token);
    EXPECT_EQ(token.error().code, ErrorCode::unauthenticated);
    EXPECT_THAT(token.error().message, HasSubstr(bad.message));
}

INSTANTIATE_TEST_SUITE_P(
    jwt, RefusedToken,
    testing::Values(
        BadToken{"none", R"({"alg":"none"})", kPayload, "algorithm is not allowed"},
        BadToken{"none_in_capitals", R"({"alg":"NONE"})", kPayload, "algorithm is not allowed"},
        BadToken{"none_spelt_oddly", R"({"alg":"nOnE"})", kPayload, "algorithm is not allowed"},
        BadToken{"empty_algorithm", R"({"alg":""})", kPayload, "algorithm is not allowed"},
        BadToken{"hmac", R"({"alg":"HS256"})", kPayload, "algorithm is not allowed"},
        BadToken{"hmac_512", R"({"alg":"HS512"})", kPayload, "algorithm is not allowed"},
        BadToken{"lower_case", R"({"alg":"es256"})", kPayload, "algorithm is not allowed"},
        BadToken{"trailing_blank", R"({"alg":"ES256 "})", kPayload, "algorithm is not allowed"},
        BadToken{"trailing_nul", R"({"alg":"ES256\u0000"})", kPayload, "algorithm is not allowed"},
        BadToken{"encryption", R"({"alg":"RSA-OAEP","enc":"A128GCM"})", kPayload, "encrypted"},
        BadToken{"algorithm_of_a_wrong_type", R"({"alg":256})", kPayload, "names no algorithm"},
        BadToken{"algorithm_as_list", R"({"alg":["ES256"]})", kPayload, "names no algorithm"},
        BadToken{"no_algorithm", R"({"typ":"JWT"})", kPayload, "names no algorithm"},
        BadToken{"algorithm_twice", R"({"alg":"ES256","alg":"none"})", kPayload, "twice"},
        BadToken{"algorithm_twice_by_escape", R"({"alg":"ES256","\u0061lg":"none"})", kPayload,
                 "twice"},
        BadToken{"unknown_critical", R"({"alg":"ES256","crit":["exp"],"exp":1})", kPayload,
                 "critical"},
        BadToken{"empty_critical", R"({"alg":"ES256","crit":[]})", kPayload, "critical"},
        BadToken{"detached_payload", R"({"alg":"ES256","b64":false})", kPayload, "detached"},
        BadToken{"compressed", R"({"alg":"ES256","zip":"DEF"})", kPayload, "compressed"},
        BadToken{"kid_as_number", R"({"alg":"ES256","kid":1})", kPayload, "kid"},
        BadToken{"kid_as_object", R"({"alg":"ES256","kid":{"$ne":""}})", kPayload, "kid"},
        BadToken{"typ_as_number", R"({"alg":"ES256","typ":1})", kPayload, "typ"},
        BadToken{"header_is_a_list", R"(["ES256"])", kPayload, "header is not a JSON object"},
        BadToken{"header_is_no_json", "alg=ES256", kPayload, "header is not a JSON object"},
        BadToken{"header_with_a_tail", R"({"alg":"ES256"}{})", kPayload,
                 "header is not a JSON object"},
        BadToken{"header_is_not_utf8", "{\"alg\":\"ES256\",\"x\":\"\xff\"}", kPayload,
                 "header is not a JSON object"},
        BadToken{"empty_header", "", kPayload, "header is not a JSON object"},
        BadToken{"claim_twice", R"({"alg":"ES256"})", R"({"sub":"a","exp":1,"sub":"b"})", "twice"},
        BadToken{"claim_twice_inside", R"({"alg":"ES256"})", R"({"x":{"a":1,"a":2}})", "twice"},
        BadToken{"payload_is_a_string", R"({"alg":"ES256"})", R"("x")",
                 "payload is not a JSON object"},
        BadToken{"payload_is_empty", R"({"alg":"ES256"})", "", "payload is not a JSON object"},
        BadToken{"payload_nests_deeply", R"({"alg":"ES256"})",
                 R"({"x":[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]})", "payload is not a JSON object"},
        BadToken{"number_without_end", R"({"alg":"ES256"})", R"({"exp":1e999})",
                 "payload is not a JSON object"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(jwt, compact_form_has_one_spelling) {
    const std::string good =
        sign_jwt(claims(), {.key = key_of(KeyKind::p256), .algorithm = SignatureAlgorithm::es256});
    ASSERT_TRUE(parse_jwt(good));
    const auto dot = good.find('.');
    std::string other_bits = good;  // the last character carries bits that decode to nothing
    other_bits.back() = other_bits.back() == 'A' ? 'B' : static_cast<char>(other_bits.back() + 1);
    for (const std::string& bad :
         {good + "=", good + "==", good + "\n", " " + good, good + ".", "." + good,
          good.substr(0, good.rfind('.')), good.substr(0, good.rfind('.') + 1), std::string(".."),
          std::string("a.b.c"), std::string(), good.substr(0, dot) + "+" + good.substr(dot),
          good.substr(0, dot) + "=" + good.substr(dot), good + "%3d", other_bits})
        EXPECT_FALSE(parse_jwt(bad)) << bad;
}

TEST(jwt, size_is_bounded) {
    json::object big = claims();
    big["x"] = std::string(kJwtBytesMax, 'x');
    const auto token = parse_jwt(
        sign_jwt(big, {.key = key_of(KeyKind::p256), .algorithm = SignatureAlgorithm::es256}));
    ASSERT_FALSE(token);
    EXPECT_THAT(token.error().message, HasSubstr("too long"));
}

// CVE-2015-9235 and its many relatives: the public key's text as an HMAC secret.
TEST(jwt, public_key_is_never_a_secret) {
    const PublicKey& key = key_of(KeyKind::rsa).public_key();
    const Jwk jwk{.id = "k1", .algorithm = std::nullopt, .key = key};
    for (const std::string& secret : {json::serialize(to_json(jwk)), key.rsa_numbers().modulus}) {
        std::string text =
            to_base64url(R"({"alg":"HS256","kid":"k1"})") + "." + to_base64url(kPayload);
        text += "." + to_base64url(as_text(hmac_sha256(secret, text)));
        EXPECT_FALSE(parse_jwt(text));
        text = to_base64url(R"({"alg":"RS256","kid":"k1"})") + "." + to_base64url(kPayload);
        text += "." + to_base64url(as_text(hmac_sha256(secret, text)));
        const auto token = parse_jwt(text);
        ASSERT_TRUE(token);
        EXPECT_FALSE(verify_signature(*token, set_of(key)));
    }
}

// A token may bring a key along, or say where to fetch one; nobody looks.
TEST(jwt, keys_that_a_token_names_are_not_used) {
    const PrivateKey& attacker = key_of(KeyKind::p256);
    const Jwks trusted = set_of(PrivateKey::generate(KeyKind::p256).public_key());
    const std::string own = json::serialize(
        to_json({.id = "", .algorithm = std::nullopt, .key = attacker.public_key()}));
    for (const std::string& extra :
         {R"("jwk":)" + own, std::string(R"("jku":"http://169.254.169.254/keys")"),
          std::string(R"("x5u":"file:///etc/passwd")"), std::string(R"("x5c":["MIIB"])"),
          std::string(R"("jwk":)" + own + R"(,"kid":"k1")")}) {
        const auto token = parse_jwt(
            signed_parts(R"({"alg":"ES256",)" + extra + "}", kPayload, SignatureAlgorithm::es256));
        ASSERT_TRUE(token) << extra;
        EXPECT_FALSE(verify_signature(*token, trusted)) << extra;
    }
}

TEST(jwt, key_id_is_compared_and_nothing_else) {
    const PrivateKey& key = key_of(KeyKind::p256);
    for (const std::string_view id :
         {"../../../../dev/null", "/dev/null", "k1' UNION SELECT 'x", "k1\\u0000", "K1", "k1 ", "",
          "k1\\r\\nX: y", "http://attacker.example/k1", "k%31"}) {
        const auto token =
            parse_jwt(signed_parts(R"({"alg":"ES256","kid":")" + std::string(id) + R"("})",
                                   kPayload, SignatureAlgorithm::es256));
        ASSERT_TRUE(token) << id;
        const auto verified = verify_signature(*token, set_of(key.public_key()));
        ASSERT_FALSE(verified) << id;
        EXPECT_EQ(verified.error().reason, kUnknownKey);
    }
}

TEST(jwt, token_without_a_key_id_is_tried_with_every_key_that_fits) {
    const PrivateKey& key = key_of(KeyKind::p256);
    const auto token =
        parse_jwt(sign_jwt({}, {.key = key, .algorithm = SignatureAlgorithm::es256}));
    ASSERT_TRUE(token);
    const Jwks keys({{"a", std::nullopt, key_of(KeyKind::rsa).public_key()},
                     {"b", std::nullopt, PrivateKey::generate(KeyKind::p256).public_key()},
                     {"c", std::nullopt, key.public_key()}});
    EXPECT_TRUE(verify_signature(*token, keys));
    EXPECT_FALSE(verify_signature(*token, Jwks()));
}

struct TimeCase {
    std::string_view name;
    std::string_view claims;
    std::string_view message;  // empty: taken
};

class TokenTimes : public testing::TestWithParam<TimeCase> {};

TEST_P(TokenTimes, are_checked) {
    const auto checked = check_times(json::parse(GetParam().claims).as_object(), now());
    if (GetParam().message.empty()) {
        EXPECT_TRUE(checked) << checked.error().message;
    } else {
        ASSERT_FALSE(checked);
        EXPECT_THAT(checked.error().message, HasSubstr(GetParam().message));
    }
}

INSTANTIATE_TEST_SUITE_P(
    jwt, TokenTimes,
    testing::Values(
        TimeCase{"to_come", R"({"exp":1767225601})", ""},
        TimeCase{"fraction", R"({"exp":1767225601.5})", ""},
        TimeCase{"exponent", R"({"exp":1.8e9})", ""},
        TimeCase{"expired_within_the_skew", R"({"exp":1767225541})", ""},
        TimeCase{"expired_by_the_skew", R"({"exp":1767225540})", "expired"},
        TimeCase{"long_expired", R"({"exp":0})", "expired"},
        TimeCase{"no_expiry", R"({"sub":"a"})", "does not say"},
        TimeCase{"expiry_as_text", R"({"exp":"1767229200"})", "exp is not a time"},
        TimeCase{"expiry_as_null", R"({"exp":null})", "exp is not a time"},
        TimeCase{"expiry_as_true", R"({"exp":true})", "exp is not a time"},
        TimeCase{"expiry_as_list", R"({"exp":[1767229200]})", "exp is not a time"},
        TimeCase{"negative", R"({"exp":-1})", "exp is not a time"},
        TimeCase{"after_all_years", R"({"exp":253402300800})", "exp is not a time"},
        TimeCase{"huge", R"({"exp":18446744073709551615})", "exp is not a time"},
        TimeCase{"larger_than_any_integer", R"({"exp":99999999999999999999999})",
                 "exp is not a time"},
        TimeCase{"milliseconds", R"({"exp":1767229200000})", "exp is not a time"},
        TimeCase{"huge_double", R"({"exp":1e308})", "exp is not a time"},
        TimeCase{"begun", R"({"exp":1767229200,"nbf":1767225600})", ""},
        TimeCase{"begins_within_the_skew", R"({"exp":1767229200,"nbf":1767225660})", ""},
        TimeCase{"begins_later", R"({"exp":1767229200,"nbf":1767225661})", "not valid yet"},
        TimeCase{"begins_as_text", R"({"exp":1767229200,"nbf":"0"})", "nbf is not a time"},
        TimeCase{"begins_hugely", R"({"exp":1767229200,"nbf":1e300})", "nbf is not a time"},
        TimeCase{"issued_in_the_future", R"({"exp":1767229200,"iat":1767225661})", "future"},
        TimeCase{"issued_as_text", R"({"exp":1767229200,"iat":"x"})", "iat is not a time"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(jwt, lists_are_of_strings_only) {
    const json::object claims =
        json::parse(R"({"one":"a","two":["a","b"],"odd":["a",1],"no":5})").as_object();
    EXPECT_THAT(list_claim(claims, "one"), testing::ElementsAre("a"));
    EXPECT_THAT(list_claim(claims, "two"), testing::ElementsAre("a", "b"));
    EXPECT_THAT(list_claim(claims, "odd"), testing::IsEmpty());
    EXPECT_THAT(list_claim(claims, "no"), testing::IsEmpty());
    EXPECT_THAT(list_claim(claims, "absent"), testing::IsEmpty());
}

}  // namespace
}  // namespace ac
