#include "crypto/seal.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <memory>

namespace ac {
namespace {

constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;
constexpr char kEnvelopeVersion = 1;
constexpr std::size_t kWrappedBytes = kSealKeyBytes + kSealOverheadBytes;

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

CipherContext make_context() {
    CipherContext context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
    AC_ASSERT(context != nullptr);
    return context;
}

// Fetched once: EVP_aes_256_gcm() looks its implementation up, under a lock, at every use.
const EVP_CIPHER* aes_256_gcm() {
    static const EVP_CIPHER* const kCipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
    AC_ASSERT(kCipher != nullptr);
    return kCipher;
}

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(char* text) {
    return reinterpret_cast<unsigned char*>(text);
}

std::unexpected<Error> does_not_open() {
    return fail(ErrorCode::unavailable, "a sealed record does not open with its key");
}

// version | length of key id | key id | wrapped data key | sealed record
struct EnvelopeParts {
    std::string_view key_id;
    std::string_view wrapped;
    std::string_view record;
};

Result<EnvelopeParts> split(std::string_view envelope) {
    const auto broken = [] { return fail(ErrorCode::invalid_argument, "not a sealed record"); };
    if (envelope.size() < 2 || envelope[0] != kEnvelopeVersion) return broken();
    const auto id_length = static_cast<unsigned char>(envelope[1]);
    envelope.remove_prefix(2);
    if (id_length == 0 || envelope.size() < id_length + kWrappedBytes + kSealOverheadBytes)
        return broken();
    return EnvelopeParts{.key_id = envelope.substr(0, id_length),
                         .wrapped = envelope.substr(id_length, kWrappedBytes),
                         .record = envelope.substr(id_length + kWrappedBytes)};
}

// A wrapping is good for this place and this key only.
std::string wrap_associated(std::string_view key_id, std::string_view associated) {
    std::string out = "wrap";
    out += static_cast<char>(key_id.size());
    out += key_id;
    out += associated;
    return out;
}

std::string join(WrappingKey wrapping, std::string_view wrapped, std::string_view record) {
    AC_ASSERT(!wrapping.id.empty() && wrapping.id.size() <= 255);
    std::string out;
    out.reserve(2 + wrapping.id.size() + wrapped.size() + record.size());
    out += kEnvelopeVersion;
    out += static_cast<char>(wrapping.id.size());
    out += wrapping.id;
    out += wrapped;
    out += record;
    return out;
}

Result<SecretBytes> unwrap(std::string_view key, std::string_view associated,
                           const EnvelopeParts& parts) {
    AC_TRY(SecretBytes data_key,
           unseal(key, wrap_associated(parts.key_id, associated), parts.wrapped));
    if (data_key.size() != kSealKeyBytes) return does_not_open();
    return data_key;
}

}  // namespace

std::string seal(std::string_view key, std::string_view associated, std::string_view plaintext,
                 Random& random) {
    AC_ASSERT(key.size() == kSealKeyBytes);
    std::string out(kNonceBytes + plaintext.size() + kTagBytes, '\0');
    random.fill(std::as_writable_bytes(std::span(out.data(), kNonceBytes)));
    const auto context = make_context();
    auto* const c = context.get();
    int length = 0;
    char* const text = out.data() + kNonceBytes;
    char* const tag = text + plaintext.size();
    AC_ASSERT(EVP_EncryptInit_ex2(c, aes_256_gcm(), bytes_of(key), bytes_of(out.data()), nullptr) ==
              1);
    AC_ASSERT(EVP_EncryptUpdate(c, nullptr, &length, bytes_of(associated),
                                static_cast<int>(associated.size())) == 1);
    AC_ASSERT(EVP_EncryptUpdate(c, bytes_of(text), &length, bytes_of(plaintext),
                                static_cast<int>(plaintext.size())) == 1);
    AC_ASSERT(EVP_EncryptFinal_ex(c, bytes_of(tag), &length) == 1);
    AC_ASSERT(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, kTagBytes, tag) == 1);
    return out;
}

Result<SecretBytes> unseal(std::string_view key, std::string_view associated,
                           std::string_view sealed) {
    AC_ASSERT(key.size() == kSealKeyBytes);
    if (sealed.size() < kSealOverheadBytes) return does_not_open();
    const std::string_view text =
        sealed.substr(kNonceBytes, sealed.size() - kNonceBytes - kTagBytes);
    char tag[kTagBytes];
    sealed.copy(tag, kTagBytes, sealed.size() - kTagBytes);
    SecretBytes out = SecretBytes::of_size(text.size());
    const auto context = make_context();
    auto* const c = context.get();
    int length = 0;
    char nothing = 0;
    char* const room = out.empty() ? &nothing : out.bytes().data();
    AC_ASSERT(EVP_DecryptInit_ex2(c, aes_256_gcm(), bytes_of(key), bytes_of(sealed), nullptr) == 1);
    AC_ASSERT(EVP_DecryptUpdate(c, nullptr, &length, bytes_of(associated),
                                static_cast<int>(associated.size())) == 1);
    AC_ASSERT(EVP_DecryptUpdate(c, bytes_of(room), &length, bytes_of(text),
                                static_cast<int>(text.size())) == 1);
    AC_ASSERT(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag) == 1);
    if (EVP_DecryptFinal_ex(c, bytes_of(room), &length) != 1) return does_not_open();
    return out;
}

SecretBytes derive_key(std::string_view secret, std::string_view salt, std::string_view info) {
    const std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)> kdf(
        EVP_KDF_fetch(nullptr, "HKDF", nullptr), EVP_KDF_free);
    AC_ASSERT(kdf != nullptr);
    const std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> context(
        EVP_KDF_CTX_new(kdf.get()), EVP_KDF_CTX_free);
    AC_ASSERT(context != nullptr);
    char digest[] = "SHA256";
    const auto octets = [](const char* name, std::string_view value) {
        return OSSL_PARAM_construct_octet_string(name, const_cast<char*>(value.data()),
                                                 value.size());
    };
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        octets(OSSL_KDF_PARAM_KEY, secret), octets(OSSL_KDF_PARAM_SALT, salt),
        octets(OSSL_KDF_PARAM_INFO, info), OSSL_PARAM_construct_end()};
    SecretBytes out = SecretBytes::of_size(kSealKeyBytes);
    AC_ASSERT(EVP_KDF_derive(context.get(), bytes_of(out.bytes().data()), out.size(), parameters) ==
              1);
    return out;
}

std::string seal_envelope(WrappingKey wrapping, std::string_view associated,
                          std::string_view plaintext, Random& random) {
    SecretBytes data_key = SecretBytes::of_size(kSealKeyBytes);
    random.fill(std::as_writable_bytes(data_key.bytes()));
    const std::string wrapped =
        seal(wrapping.key, wrap_associated(wrapping.id, associated), data_key.view(), random);
    return join(wrapping, wrapped, seal(data_key.view(), associated, plaintext, random));
}

Result<std::string> envelope_key_id(std::string_view envelope) {
    AC_TRY(const EnvelopeParts parts, split(envelope));
    return std::string(parts.key_id);
}

Result<SecretBytes> open_envelope(std::string_view key, std::string_view associated,
                                  std::string_view envelope) {
    AC_TRY(const EnvelopeParts parts, split(envelope));
    AC_TRY(const SecretBytes data_key, unwrap(key, associated, parts));
    return unseal(data_key.view(), associated, parts.record);
}

Result<std::string> rewrap_envelope(std::string_view old_key, WrappingKey wrapping,
                                    std::string_view associated, std::string_view envelope,
                                    Random& random) {
    AC_TRY(const EnvelopeParts parts, split(envelope));
    AC_TRY(const SecretBytes data_key, unwrap(old_key, associated, parts));
    const std::string wrapped =
        seal(wrapping.key, wrap_associated(wrapping.id, associated), data_key.view(), random);
    return join(wrapping, wrapped, parts.record);
}

}  // namespace ac
