#pragma once
// Temporary credentials without any state: all of them is in the session token, sealed with a key
// of the installation. A token that was changed, or made elsewhere, opens as nothing.

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "access/principal.h"
#include "base/random.h"

namespace ac::access {

// What is issued, and what a token opens as.
struct TemporaryCredentials {
    std::string key_id;  // ASIA...
    std::shared_ptr<const SecretBytes> secret;
    std::string token;
    Principal principal;
    // Documents of the session policies, which are in principal.session parsed.
    std::vector<std::string> policy_documents;
};

// Thread-safe.
class SessionTokens final {
  public:
    // `key`: kSealKeyBytes long. `random` outlives this.
    SessionTokens(SecretBytes key, Random& random) : key_(std::move(key)), random_(random) {}

    // Fills in key_id, secret and token.
    void issue(TemporaryCredentials& credentials) const;
    // unauthenticated, UnrecognizedClientException: not one of ours. Expiry is the caller's to
    // check.
    Result<std::shared_ptr<const TemporaryCredentials>> open(const std::string& token) const;

  private:
    using Pointer = std::shared_ptr<const TemporaryCredentials>;
    Result<Pointer> unseal_token(const std::string& token) const;

    const SecretBytes key_;
    Random& random_;
    // Those opened lately, in two generations: when the younger is full the older is dropped.
    mutable std::mutex mutex_;
    mutable std::unordered_map<std::string, Pointer> young_;
    mutable std::unordered_map<std::string, Pointer> old_;
};

}  // namespace ac::access
