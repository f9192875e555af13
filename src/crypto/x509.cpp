#include "crypto/x509.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <array>

#include "crypto/tls_openssl.h"

namespace ac::x509 {
namespace {

using openssl::refused;

// RFC 5280 4.1.2.2: at most 20 octets, positive; random ones need no counter on disk.
constexpr int kSerialBytes = 16;

struct FreeBio {
    void operator()(BIO* bio) const { BIO_free(bio); }
};
using MemoryBio = std::unique_ptr<BIO, FreeBio>;

bool set_serial(X509* certificate) {
    std::array<unsigned char, kSerialBytes> bytes;
    if (RAND_bytes(bytes.data(), kSerialBytes) != 1) return false;
    bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40);
    BIGNUM* number = BN_bin2bn(bytes.data(), kSerialBytes, nullptr);
    const bool done =
        number != nullptr && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    return done;
}

bool set_time(ASN1_TIME* field, WallTime time) {
    const auto seconds = std::chrono::duration_cast<Seconds>(time.time_since_epoch());
    return ASN1_TIME_set(field, static_cast<time_t>(seconds.count())) != nullptr;
}

bool add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
    const bool done = extension != nullptr && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return done;
}

std::string text_of(BIO* bio) {
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(bio, &bytes);
    return {bytes, static_cast<std::size_t>(size)};
}

MemoryBio reader_of(const std::string& text) {
    return MemoryBio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

}  // namespace

Result<Key> make_key() {
    Key key(EVP_EC_gen("P-256"));
    if (!key) return refused("no key could be made");
    return key;
}

Result<Certificate> make_certificate(const Wanted& wanted, EVP_PKEY& key, X509* issuer,
                                     EVP_PKEY& issuer_key) {
    Certificate made(X509_new());
    X509* const certificate = made.get();
    if (certificate == nullptr || X509_set_version(certificate, X509_VERSION_3) != 1 ||
        !set_serial(certificate) || !set_time(X509_getm_notBefore(certificate), wanted.from) ||
        !set_time(X509_getm_notAfter(certificate), wanted.to) ||
        X509_set_pubkey(certificate, &key) != 1)
        return refused("no certificate could be made");
    X509_NAME* const name = X509_get_subject_name(certificate);
    const auto* const organization =
        reinterpret_cast<const unsigned char*>(wanted.organization.c_str());
    if (X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, organization, -1, -1, 0) != 1)
        return refused("no certificate could be named");
    X509* const signer = issuer == nullptr ? certificate : issuer;
    X509_set_issuer_name(certificate, X509_get_subject_name(signer));
    for (const auto& [kind, value] : wanted.extensions)
        if (!add_extension(certificate, signer, kind, value))
            return refused("an extension could not be added");
    if (X509_sign(certificate, &issuer_key, EVP_sha256()) <= 0)
        return refused("no certificate could be signed");
    return made;
}

Result<std::string> to_pem(X509& certificate) {
    const MemoryBio bio(BIO_new(BIO_s_mem()));
    if (!bio || PEM_write_bio_X509(bio.get(), &certificate) != 1)
        return refused("the certificate could not be written");
    return text_of(bio.get());
}

Result<std::string> to_pem(EVP_PKEY& key) {
    const MemoryBio bio(BIO_new(BIO_s_secmem()));
    if (!bio ||
        PEM_write_bio_PrivateKey(bio.get(), &key, nullptr, nullptr, 0, nullptr, nullptr) != 1)
        return refused("the key could not be written");
    return text_of(bio.get());
}

Certificate certificate_from_pem(const std::string& text) {
    const MemoryBio bio = reader_of(text);
    Certificate read(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (!read) (void)openssl::take_error();
    return read;
}

Key key_from_pem(const std::string& text) {
    const MemoryBio bio = reader_of(text);
    // Never ask for a password on the terminal.
    const auto no_password = [](char*, int, int, void*) { return 0; };
    Key read(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
    if (!read) (void)openssl::take_error();
    return read;
}

}  // namespace ac::x509
