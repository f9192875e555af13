#pragma once
// Opens what models.providers says.

#include "async/timer.h"
#include "models/bedrock_model.h"
#include "models/config.h"
#include "models/key_source.h"
#include "models/model_service.h"
#include "net/outbound.h"

namespace ac::models {

// All outlive the providers.
struct ProviderContext {
    Timer& timer;
    net::Outbound& outbound;  // lets every address through: an operator named them
    KeySource& keys;
    SignAws sign_aws;
};

// invalid_argument: a URL or a script cannot be read.
Result<Provider> open_provider(const ProviderConfig& config, ProviderContext context);
Result<std::vector<Provider>> open_providers(const ModelsConfig& config, ProviderContext context);

}  // namespace ac::models
