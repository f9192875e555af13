#pragma once
// The key-encryption keys, from where the configuration says. There is one ring for everything that
// the daemon keeps sealed: identity's vault, the secrets of access keys, the issuer's keys.

#include <memory>
#include <vector>

#include "identity/key_ring.h"
#include "server/config.h"

namespace ac::server {

// `secrets` come from the environment, oldest first; empty: a key file in the data folder. `random`
// and `clock` outlive the ring.
Result<std::unique_ptr<identity::KeyRing>> open_vault_keys(const Config& config,
                                                           std::vector<SecretBytes> secrets,
                                                           Random& random, const Clock& clock);

}  // namespace ac::server
