#include "crypto/signature.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <array>

namespace ac {
namespace {

template <auto Free>
struct Deleter {
    template <class T>
    void operator()(T* pointer) const {
        Free(pointer);
    }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Deleter<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, Deleter<BN_clear_free>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, Deleter<OSSL_PARAM_BLD_free>>;
using ParamList = std::unique_ptr<OSSL_PARAM, Deleter<OSSL_PARAM_free>>;
using EcdsaSignature = std::unique_ptr<ECDSA_SIG, Deleter<ECDSA_SIG_free>>;

constexpr std::size_t kExponentBitsMax = 64;

struct AlgorithmRow {
    std::string_view name;
    KeyKind kind;
    const char* digest;  // nullptr: the algorithm hashes by itself
    bool is_pss = false;
};

// In the order of SignatureAlgorithm.
constexpr std::array<AlgorithmRow, 10> kAlgorithms = {{
    {"RS256", KeyKind::rsa, "SHA256"},
    {"RS384", KeyKind::rsa, "SHA384"},
    {"RS512", KeyKind::rsa, "SHA512"},
    {"PS256", KeyKind::rsa, "SHA256", true},
    {"PS384", KeyKind::rsa, "SHA384", true},
    {"PS512", KeyKind::rsa, "SHA512", true},
    {"ES256", KeyKind::p256, "SHA256"},
    {"ES384", KeyKind::p384, "SHA384"},
    {"ES512", KeyKind::p521, "SHA512"},
    {"EdDSA", KeyKind::ed25519, nullptr},
}};

const AlgorithmRow& row_of(SignatureAlgorithm algorithm) {
    return kAlgorithms.at(static_cast<std::size_t>(algorithm));
}

bool is_curve(KeyKind kind) {
    return kind == KeyKind::p256 || kind == KeyKind::p384 || kind == KeyKind::p521;
}

const char* group_name(KeyKind kind) {
    if (kind == KeyKind::p256) return "P-256";
    if (kind == KeyKind::p384) return "P-384";
    return "P-521";
}

// OpenSSL keeps errors in a queue of the thread; nobody else reads what a refused key left there.
std::unexpected<Error> refuse(std::string_view why) {
    ERR_clear_error();
    return fail(ErrorCode::invalid_argument, std::string(why));
}

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

Number number_from(std::string_view bytes) {
    return Number(BN_bin2bn(bytes_of(bytes), static_cast<int>(bytes.size()), nullptr));
}

std::string padded(const BIGNUM* number, std::size_t size) {
    std::string out(size, '\0');
    AC_ASSERT(BN_bn2binpad(number, reinterpret_cast<unsigned char*>(out.data()),
                           static_cast<int>(size)) >= 0);
    return out;
}

Number number_in(const EVP_PKEY* key, const char* name) {
    BIGNUM* raw = nullptr;
    AC_ASSERT(EVP_PKEY_get_bn_param(key, name, &raw) == 1);
    return Number(raw);
}

KeyPtr key_from(const char* type, OSSL_PARAM* params) {
    const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
    EVP_PKEY* raw = nullptr;
    if (!context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &raw, EVP_PKEY_PUBLIC_KEY, params) != 1)
        return nullptr;
    return KeyPtr(raw);
}

std::optional<KeyKind> kind_of(const EVP_PKEY* key) {
    if (EVP_PKEY_is_a(key, "ED25519")) return KeyKind::ed25519;
    if (EVP_PKEY_is_a(key, "RSA")) {
        const int bits = EVP_PKEY_get_bits(key);
        if (bits < kRsaBitsMin || bits > kRsaBitsMax) return std::nullopt;
        return KeyKind::rsa;
    }
    std::array<char, 32> name{};
    if (!EVP_PKEY_is_a(key, "EC") ||
        EVP_PKEY_get_group_name(key, name.data(), name.size(), nullptr) != 1)
        return std::nullopt;
    const std::string_view group(name.data());
    if (group == "prime256v1" || group == "P-256") return KeyKind::p256;
    if (group == "secp384r1" || group == "P-384") return KeyKind::p384;
    if (group == "secp521r1" || group == "P-521") return KeyKind::p521;
    return std::nullopt;
}

// OpenSSL wants and gives ECDSA signatures as DER; JOSE has r and s side by side.
std::string der_from_raw(std::string_view raw) {
    const EcdsaSignature signature(ECDSA_SIG_new());
    const std::size_t half = raw.size() / 2;
    AC_ASSERT(signature &&
              ECDSA_SIG_set0(signature.get(), number_from(raw.substr(0, half)).release(),
                             number_from(raw.substr(half)).release()) == 1);
    unsigned char* out = nullptr;
    const int size = i2d_ECDSA_SIG(signature.get(), &out);
    AC_ASSERT(size > 0);
    std::string der(reinterpret_cast<const char*>(out), static_cast<std::size_t>(size));
    OPENSSL_free(out);
    return der;
}

std::string raw_from_der(std::string_view der, std::size_t coordinate) {
    const unsigned char* in = bytes_of(der);
    const EcdsaSignature signature(d2i_ECDSA_SIG(nullptr, &in, static_cast<long>(der.size())));
    AC_ASSERT(signature != nullptr);
    return padded(ECDSA_SIG_get0_r(signature.get()), coordinate) +
           padded(ECDSA_SIG_get0_s(signature.get()), coordinate);
}

bool set_padding(EVP_PKEY_CTX* context, const AlgorithmRow& row) {
    if (row.kind != KeyKind::rsa) return true;
    if (!row.is_pss) return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

}  // namespace

struct PublicKey::State {
    KeyPtr key;
    KeyKind kind;
};

std::string_view to_string(SignatureAlgorithm algorithm) {
    return row_of(algorithm).name;
}

std::optional<SignatureAlgorithm> signature_algorithm_from(std::string_view name) {
    for (std::size_t i = 0; i < kAlgorithms.size(); ++i)
        if (kAlgorithms[i].name == name) return static_cast<SignatureAlgorithm>(i);
    return std::nullopt;
}

KeyKind key_kind_for(SignatureAlgorithm algorithm) {
    return row_of(algorithm).kind;
}

std::size_t coordinate_bytes(KeyKind kind) {
    switch (kind) {
        case KeyKind::rsa:
            return 0;
        case KeyKind::p256:
        case KeyKind::ed25519:
            return 32;
        case KeyKind::p384:
            return 48;
        case KeyKind::p521:
            return 66;
    }
    return 0;
}

Result<PublicKey> PublicKey::from_rsa(const RsaNumbers& numbers) {
    if (numbers.modulus.size() > kRsaBitsMax / 8 + 1 || numbers.exponent.size() > 9)
        return refuse("the RSA key is too large");
    const Number modulus = number_from(numbers.modulus);
    const Number exponent = number_from(numbers.exponent);
    if (BN_num_bits(modulus.get()) < kRsaBitsMin) return refuse("the RSA key is too small");
    if (BN_num_bits(modulus.get()) > kRsaBitsMax ||
        BN_num_bits(exponent.get()) > static_cast<int>(kExponentBitsMax))
        return refuse("the RSA key is too large");
    if (!BN_is_odd(modulus.get()) || !BN_is_odd(exponent.get()) || BN_is_one(exponent.get()))
        return refuse("the RSA key is not valid");
    const ParamBuilder builder(OSSL_PARAM_BLD_new());
    AC_ASSERT(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) == 1);
    AC_ASSERT(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) == 1);
    const ParamList params(OSSL_PARAM_BLD_to_param(builder.get()));
    auto state = std::make_shared<State>(key_from("RSA", params.get()), KeyKind::rsa);
    if (!state->key) return refuse("the RSA key is not valid");
    return PublicKey(std::move(state));
}

Result<PublicKey> PublicKey::from_point(KeyKind kind, const CurvePoint& point) {
    const std::size_t size = coordinate_bytes(kind);
    if (size == 0) return refuse("an RSA key is no point");
    const std::size_t y_size = is_curve(kind) ? size : 0;
    if (point.x.size() != size || point.y.size() != y_size)
        return refuse("a coordinate has the wrong length");
    auto state = std::make_shared<State>(nullptr, kind);
    if (!is_curve(kind)) {
        state->key.reset(EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr,
                                                        bytes_of(point.x), point.x.size()));
        if (!state->key) return refuse("the key is not valid");
        return PublicKey(std::move(state));
    }
    const std::string octets = '\x04' + point.x + point.y;
    const ParamBuilder builder(OSSL_PARAM_BLD_new());
    AC_ASSERT(OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME,
                                              group_name(kind), 0) == 1);
    AC_ASSERT(OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY,
                                               octets.data(), octets.size()) == 1);
    const ParamList params(OSSL_PARAM_BLD_to_param(builder.get()));
    state->key = key_from("EC", params.get());
    if (!state->key) return refuse("the point is not on the curve");
    const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, state->key.get(), nullptr));
    if (!context || EVP_PKEY_public_check(context.get()) != 1)
        return refuse("the point is not on the curve");
    return PublicKey(std::move(state));
}

KeyKind PublicKey::kind() const {
    return state_->kind;
}

RsaNumbers PublicKey::rsa_numbers() const {
    AC_ASSERT(kind() == KeyKind::rsa);
    const Number n = number_in(state_->key.get(), OSSL_PKEY_PARAM_RSA_N);
    const Number e = number_in(state_->key.get(), OSSL_PKEY_PARAM_RSA_E);
    return {.modulus = padded(n.get(), static_cast<std::size_t>(BN_num_bytes(n.get()))),
            .exponent = padded(e.get(), static_cast<std::size_t>(BN_num_bytes(e.get())))};
}

CurvePoint PublicKey::point() const {
    AC_ASSERT(kind() != KeyKind::rsa);
    std::size_t size = coordinate_bytes(kind());
    if (is_curve(kind()))
        return {.x = padded(number_in(state_->key.get(), OSSL_PKEY_PARAM_EC_PUB_X).get(), size),
                .y = padded(number_in(state_->key.get(), OSSL_PKEY_PARAM_EC_PUB_Y).get(), size)};
    CurvePoint point{.x = std::string(size, '\0'), .y = {}};
    AC_ASSERT(EVP_PKEY_get_raw_public_key(
                  state_->key.get(), reinterpret_cast<unsigned char*>(point.x.data()), &size) == 1);
    return point;
}

bool PublicKey::verify(SignatureAlgorithm algorithm, std::string_view message,
                       std::string_view signature) const {
    const AlgorithmRow& row = row_of(algorithm);
    if (row.kind != kind()) return false;
    std::string der;
    if (is_curve(row.kind)) {
        if (signature.size() != 2 * coordinate_bytes(row.kind)) return false;
        der = der_from_raw(signature);
        signature = der;
    }
    const DigestContext context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* padding = nullptr;  // the context's own
    const bool valid = context &&
                       EVP_DigestVerifyInit_ex(context.get(), &padding, row.digest, nullptr,
                                               nullptr, state_->key.get(), nullptr) == 1 &&
                       set_padding(padding, row) &&
                       EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(),
                                        bytes_of(message), message.size()) == 1;
    if (!valid) ERR_clear_error();
    return valid;
}

PrivateKey PrivateKey::generate(KeyKind kind) {
    EVP_PKEY* key = nullptr;
    if (kind == KeyKind::rsa)
        key = EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{kRsaBitsMin});
    else if (kind == KeyKind::ed25519)
        key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    else
        key = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", group_name(kind));
    AC_ASSERT(key != nullptr);
    return PrivateKey(PublicKey(std::make_shared<PublicKey::State>(KeyPtr(key), kind)));
}

Result<PrivateKey> PrivateKey::from_pkcs8(std::string_view der) {
    const unsigned char* in = bytes_of(der);
    KeyPtr key(d2i_AutoPrivateKey(nullptr, &in, static_cast<long>(der.size())));
    if (!key || in != bytes_of(der) + der.size()) return refuse("this is no private key");
    const auto kind = kind_of(key.get());
    if (!kind) return refuse("this is no private key of a supported kind");
    return PrivateKey(PublicKey(std::make_shared<PublicKey::State>(std::move(key), *kind)));
}

std::string PrivateKey::to_pkcs8() const {
    const std::unique_ptr<PKCS8_PRIV_KEY_INFO, Deleter<PKCS8_PRIV_KEY_INFO_free>> info(
        EVP_PKEY2PKCS8(public_key_.state_->key.get()));
    AC_ASSERT(info != nullptr);
    unsigned char* out = nullptr;
    const int size = i2d_PKCS8_PRIV_KEY_INFO(info.get(), &out);
    AC_ASSERT(size > 0);
    std::string der(reinterpret_cast<const char*>(out), static_cast<std::size_t>(size));
    OPENSSL_clear_free(out, static_cast<std::size_t>(size));
    return der;
}

std::string PrivateKey::sign(SignatureAlgorithm algorithm, std::string_view message) const {
    const AlgorithmRow& row = row_of(algorithm);
    AC_ASSERT(row.kind == kind());
    const DigestContext context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* padding = nullptr;
    std::size_t size = 0;
    AC_ASSERT(context &&
              EVP_DigestSignInit_ex(context.get(), &padding, row.digest, nullptr, nullptr,
                                    public_key_.state_->key.get(), nullptr) == 1);
    AC_ASSERT(set_padding(padding, row));
    AC_ASSERT(EVP_DigestSign(context.get(), nullptr, &size, bytes_of(message), message.size()) ==
              1);
    std::string out(size, '\0');
    AC_ASSERT(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size,
                             bytes_of(message), message.size()) == 1);
    out.resize(size);
    if (is_curve(row.kind)) return raw_from_der(out, coordinate_bytes(row.kind));
    return out;
}

}  // namespace ac
