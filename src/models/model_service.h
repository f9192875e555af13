#pragma once
// Puts routing, the providers' gates, retries and metering together (models/service.h).

#include <memory>
#include <string>
#include <vector>

#include "async/timer.h"
#include "base/random.h"
#include "models/config.h"
#include "models/service.h"
#include "models/usage.h"

namespace ac::models {

// One entry of models.providers, opened.
struct Provider {
    std::string name;
    ProviderLimits limits;
    std::unique_ptr<ChatModel> chat;     // null: it has no chat models
    std::unique_ptr<Embedder> embedder;  // null: it has no embedding models
    bool takes_images = false;
};

struct ModelServiceParts {
    std::vector<Provider> providers;
    ModelsConfig config;  // routes, defaults, prices
    Timer& timer;         // these outlive the service
    Random& random;
    UsageBook& usage;
};

// The streams that it gives must be gone before it is destroyed.
std::unique_ptr<ModelService> make_model_service(ModelServiceParts parts);

}  // namespace ac::models
