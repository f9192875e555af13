#pragma once
// The operations of the Identity service, the callback of authorization servers, and the service's
// own extensions: the audit log and the rotation of the vault's key.

#include "identity/identity_service.h"
#include "wire/tag_binding.h"

namespace ac::wire {

// `service` outlives `api`.
void bind_identity(Api& api, identity::IdentityService& service);
std::unique_ptr<TagOwner> make_identity_tags(identity::IdentityService& service);

}  // namespace ac::wire
