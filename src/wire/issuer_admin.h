#pragma once
// Our own operations by which an operator keeps the development issuer's clients and users.
//
//   GET  /x/issuer                      its URL
//   POST, GET /x/issuer/clients         DELETE /x/issuer/clients/{clientId}
//   POST, GET /x/issuer/users           DELETE /x/issuer/users/{userName}
//   POST /x/issuer/keys                 a new signing key

#include "issuer/issuer.h"
#include "wire/api.h"

namespace ac::wire {

// `issuer` outlives `api`.
void bind_issuer(Api& api, issuer::Issuer& issuer);

}  // namespace ac::wire
