#pragma once
// Where authorization servers send browsers back to: GET /identities/oauth2/callback/{id}, open to
// all. What the browser shows is decided here; what the answer means, by identity/consents.

#include "identity/identity_service.h"
#include "wire/api.h"

namespace ac::wire {

void bind_identity_callback(Api& api, identity::IdentityService& service);

// Pure. invalid_argument: no state, or a parameter that is given twice.
Result<identity::CallbackQuery> callback_query_from(std::string_view query);

}  // namespace ac::wire
