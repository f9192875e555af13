#include "crypto/testing/certificate.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>

#include "base/result.h"

namespace ac::testing {
namespace {

constexpr long kLifetimeSeconds = 3600;

struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
};
struct FreeKey {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeCertificate {
    void operator()(X509* certificate) const { X509_free(certificate); }
};

void add_extension(X509* certificate, int kind, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
    AC_ASSERT(extension != nullptr);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

}  // namespace

CertificateFiles make_certificate(const std::filesystem::path& folder, const std::string& names) {
    const std::unique_ptr<EVP_PKEY, FreeKey> key(EVP_EC_gen("P-256"));
    const std::unique_ptr<X509, FreeCertificate> certificate(X509_new());
    AC_ASSERT(key && certificate);
    X509_set_version(certificate.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kLifetimeSeconds);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kLifetimeSeconds);
    X509_set_pubkey(certificate.get(), key.get());
    X509_NAME* name = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
    X509_set_issuer_name(certificate.get(), name);
    add_extension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
    add_extension(certificate.get(), NID_subject_alt_name, names);
    AC_ASSERT(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0);

    CertificateFiles files{.certificate = folder / "certificate.pem", .key = folder / "key.pem"};
    const std::unique_ptr<std::FILE, Close> out(std::fopen(files.certificate.c_str(), "w"));
    const std::unique_ptr<std::FILE, Close> key_out(std::fopen(files.key.c_str(), "w"));
    AC_ASSERT(out && key_out);
    PEM_write_X509(out.get(), certificate.get());
    PEM_write_PrivateKey(key_out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    return files;
}

}  // namespace ac::testing
