#pragma once
// Keys of model providers: files, and API keys of Identity's vault.

#include "identity/identity_service.h"
#include "models/key_source.h"

namespace ac::server {

// "file:/path", or "vault:NAME" (of us-west-2) or "vault:REGION/NAME" for an API key credential
// provider of `account`. Kept for some seconds. Both outlive it.
std::unique_ptr<models::KeySource> make_model_keys(const Clock& clock,
                                                   identity::IdentityService& identity,
                                                   std::string account);

}  // namespace ac::server
