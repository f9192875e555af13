#include "crypto/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/encoding.h"
#include "base/result.h"

namespace ac {
namespace {

// Fetched once: EVP_sha256() looks its implementation up, under a lock, at every use.
const EVP_MD* sha256_algorithm() {
    static const EVP_MD* const kAlgorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    AC_ASSERT(kAlgorithm != nullptr);
    return kAlgorithm;
}

const EVP_MD* algorithm(Digest kind) {
    switch (kind) {
        case Digest::sha256:
            return sha256_algorithm();
        case Digest::sha1:
            return EVP_sha1();
        case Digest::md5:
            return EVP_md5();
    }
    return sha256_algorithm();
}

}  // namespace

struct Hasher::State {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    ~State() { EVP_MD_CTX_free(context); }
};

Hasher::Hasher(Digest kind) : state_(std::make_unique<State>()) {
    AC_ASSERT(state_->context && EVP_DigestInit_ex(state_->context, algorithm(kind), nullptr) == 1);
}
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

void Hasher::update(std::string_view bytes) {
    AC_ASSERT(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1);
}

std::string Hasher::finish() {
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    AC_ASSERT(EVP_DigestFinal_ex(state_->context, out, &length) == 1);
    return {reinterpret_cast<const char*>(out), length};
}

std::string Hasher::finish_hex() {
    const std::string raw = finish();
    return to_hex(std::as_bytes(std::span(raw)));
}

Sha256 sha256(std::string_view bytes) {
    Sha256 out;
    unsigned length = 0;
    AC_ASSERT(EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(out.data()),
                         &length, sha256_algorithm(), nullptr) == 1);
    return out;
}

std::string sha256_hex(std::string_view bytes) {
    return to_hex(sha256(bytes));
}

std::string md5_hex(std::string_view bytes) {
    Hasher hasher(Digest::md5);
    hasher.update(bytes);
    return hasher.finish_hex();
}

Sha256 hmac_sha256(std::string_view key, std::string_view bytes) {
    Sha256 out;
    unsigned length = 0;
    AC_ASSERT(HMAC(sha256_algorithm(), key.data(), static_cast<int>(key.size()),
                   reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                   reinterpret_cast<unsigned char*>(out.data()), &length) != nullptr);
    return out;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace ac
