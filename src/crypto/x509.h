#pragma once
// X.509 certificates as the local authority makes them; inside crypto/ only.

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace ac::x509 {

struct FreeKey {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeCertificate {
    void operator()(X509* certificate) const { X509_free(certificate); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;
using Certificate = std::unique_ptr<X509, FreeCertificate>;

Result<Key> make_key();  // P-256

// Extension kinds (NID_...) with values as X509V3_EXT_conf_nid takes them.
using Extensions = std::vector<std::pair<int, std::string>>;

struct Wanted {
    std::string organization;
    WallTime from;
    WallTime to;
    Extensions extensions;
};
// For the public half of `key`, signed by `issuer_key`; without `issuer` it signs itself.
Result<Certificate> make_certificate(const Wanted& wanted, EVP_PKEY& key, X509* issuer,
                                     EVP_PKEY& issuer_key);

Result<std::string> to_pem(X509& certificate);
Result<std::string> to_pem(EVP_PKEY& key);
// nullptr: it is none.
Certificate certificate_from_pem(const std::string& text);
Key key_from_pem(const std::string& text);

}  // namespace ac::x509
