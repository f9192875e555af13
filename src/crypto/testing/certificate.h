#pragma once
// For tests: a certificate that signs itself, with its key, in PEM files.

#include <filesystem>
#include <string>
#include <vector>

namespace ac::testing {

struct CertificateFiles {
    std::filesystem::path certificate;
    std::filesystem::path key;
};

// For the DNS name "localhost" and the address 127.0.0.1, valid for an hour. `folder` exists.
CertificateFiles make_certificate(const std::filesystem::path& folder,
                                  const std::string& names = "DNS:localhost,IP:127.0.0.1");

}  // namespace ac::testing
