#pragma once
// API keys for models, as operations of our own: POST and GET /x/model-keys, DELETE
// /x/model-keys/{keyId}.

#include "access/api_keys.h"
#include "wire/api.h"

namespace ac::wire {

// `keys` outlives `api`.
void bind_model_keys(Api& api, access::ApiKeys& keys);

}  // namespace ac::wire
