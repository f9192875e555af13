#pragma once
// A client of registries (OCI distribution-spec 1.1, and Docker's token authentication): manifests
// and blobs, anonymous or with credentials.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "async/task.h"
#include "crypto/secret_bytes.h"
#include "net/outbound.h"
#include "oci/manifest.h"
#include "oci/reference.h"

namespace ac::oci {

struct Credentials {
    std::string user;
    std::shared_ptr<const SecretBytes> password;
};

// nullopt: anonymous.
using CredentialsOf = std::function<Task<std::optional<Credentials>>(std::string registry)>;

struct RegistryOptions {
    CredentialsOf credentials;
    // Whether a registry is spoken to without TLS; loopback always is.
    std::function<bool(const std::string& registry)> is_plain;
};

// One pull of one image. Errors: not_found (no such image, or it is not said to strangers),
// permission_denied (the registry wants credentials, or refuses ours), invalid_argument (what came
// is not what its digest says, or no answer of a registry), too_large, unavailable,
// deadline_exceeded.
class Pull {
  public:
    virtual ~Pull() = default;
    // The text of a manifest or index, which has been checked against `version` when that is a
    // digest.
    virtual Task<std::string> manifest(std::string version) = 0;
    // Into the file `to`, which is made. Its size and digest are as described, or it is an error.
    virtual Task<> blob(Descriptor wanted, std::filesystem::path to) = 0;
};

// `outbound` outlives the pull.
std::unique_ptr<Pull> make_pull(net::Outbound& outbound, const Clock& clock, Reference reference,
                                RegistryOptions options);

// The parameters of a challenge (RFC 9110 11.6.1): scheme in lower case, then realm, service, ...
struct Challenge {
    std::string scheme;
    std::string realm;
    std::string service;
    std::string scope;
};
std::optional<Challenge> parse_challenge(std::string_view field);

}  // namespace ac::oci
