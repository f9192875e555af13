#include "server/models.h"

#include "models/providers.h"

namespace ac::server {

Models::Models(const ModelsParts& parts, std::vector<models::Provider> providers)
    : usage_(parts.database, parts.timer),
      service_(models::make_model_service({.providers = std::move(providers),
                                           .config = parts.config.models,
                                           .timer = parts.timer,
                                           .random = parts.random,
                                           .usage = usage_})) {}

Result<std::unique_ptr<Models>> Models::open(ModelsParts parts) {
    AC_TRY(auto providers, models::open_providers(parts.config.models, {.timer = parts.timer}));
    return std::unique_ptr<Models>(new Models(parts, std::move(providers)));
}

void Models::add_readings(Metrics&) const {}

}  // namespace ac::server
