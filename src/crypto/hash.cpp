#include "crypto/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/result.h"
#include "crypto/wipe.h"

namespace ac {
namespace {

constexpr std::size_t kSha256BlockBytes = 64;

// Fetched once: EVP_sha256() looks its implementation up, under a lock, at every use.
const EVP_MD* sha256_algorithm() {
    static const EVP_MD* const kAlgorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    AC_ASSERT(kAlgorithm != nullptr);
    return kAlgorithm;
}

// One a thread: making one for each hash would cost more than a short hash does.
EVP_MD_CTX* sha256_context() {
    struct Free {
        void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
    };
    static thread_local const std::unique_ptr<EVP_MD_CTX, Free> context(EVP_MD_CTX_new());
    AC_ASSERT(context != nullptr);
    return context.get();
}

// Of two texts, one after the other.
Sha256 sha256_of(std::string_view first, std::string_view second) {
    EVP_MD_CTX* const context = sha256_context();
    Sha256 out;
    unsigned length = 0;
    AC_ASSERT(EVP_DigestInit_ex(context, sha256_algorithm(), nullptr) == 1);
    AC_ASSERT(EVP_DigestUpdate(context, first.data(), first.size()) == 1);
    AC_ASSERT(EVP_DigestUpdate(context, second.data(), second.size()) == 1);
    AC_ASSERT(EVP_DigestFinal_ex(context, reinterpret_cast<unsigned char*>(out.data()), &length) ==
              1);
    return out;
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
    return sha256_of(bytes, {});
}

std::string sha256_hex(std::string_view bytes) {
    return to_hex(sha256(bytes));
}

std::string md5_hex(std::string_view bytes) {
    Hasher hasher(Digest::md5);
    hasher.update(bytes);
    return hasher.finish_hex();
}

// RFC 2104, over our context: OpenSSL's HMAC() looks its parts up at every call, which takes longer
// than the four blocks of a signature.
Sha256 hmac_sha256(std::string_view key, std::string_view bytes) {
    std::array<char, kSha256BlockBytes> inner{};
    Sha256 hashed_key;
    if (key.size() > inner.size()) {
        hashed_key = sha256(key);
        key = as_text(hashed_key);
    }
    std::ranges::copy(key, inner.begin());
    auto outer = inner;
    for (char& c : inner) c = static_cast<char>(c ^ 0x36);
    for (char& c : outer) c = static_cast<char>(c ^ 0x5c);
    const Sha256 message = sha256_of({inner.data(), inner.size()}, bytes);
    const Sha256 out = sha256_of({outer.data(), outer.size()}, as_text(message));
    wipe(inner);
    wipe(outer);
    return out;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace ac
