#pragma once
// Binds the operations of Amazon Bedrock Runtime and of its catalogue to the models.

#include "models/service.h"
#include "wire/api.h"

namespace ac::wire {

// `models` outlives `api`.
void bind_models(Api& api, models::ModelService& models);

}  // namespace ac::wire
