#pragma once
// Amazon Bedrock's catalogue: the models that the routing table names, and those ids of Bedrock
// that programs know by heart, as far as a route serves them.

#include "models/service.h"
#include "wire/api.h"

namespace ac::wire {

// `models` outlives `api`.
void bind_catalogue(Api& api, models::ModelService& models);

}  // namespace ac::wire
