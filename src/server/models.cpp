#include "server/models.h"

#include "models/providers.h"

namespace ac::server {

Models::Models(const ModelsParts& parts)
    : keys_(models::make_file_keys(parts.timer.clock())), usage_(parts.database, parts.timer) {}

Result<std::unique_ptr<Models>> Models::open(ModelsParts parts) {
    std::unique_ptr<Models> models(new Models(parts));
    // Where providers are is the operator's word: on this machine as a rule.
    net::OutboundOptions outbound{.guard = net::AddressGuard::allow_all(),
                                  .ca_file = parts.config.outbound_ca_file};
    AC_TRY(models->outbound_, net::make_outbound(std::move(outbound), parts.timer));
    AC_TRY(auto providers,
           models::open_providers(
               parts.config.models,
               {.timer = parts.timer, .outbound = *models->outbound_, .keys = *models->keys_}));
    models->service_ = models::make_model_service({.providers = std::move(providers),
                                                   .config = parts.config.models,
                                                   .timer = parts.timer,
                                                   .random = parts.random,
                                                   .usage = models->usage_});
    return models;
}

void Models::add_readings(Metrics&) const {}

}  // namespace ac::server
