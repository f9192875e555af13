#include "server/models.h"

#include "models/providers.h"
#include "server/model_keys.h"
#include "server/models_metrics.h"
#include "sigv4/signer.h"

namespace ac::server {
namespace {

void sign_for_bedrock(net::RequestHead& head, std::string_view body_sha256,
                      const models::AwsKey& key, const std::string& region, WallTime now) {
    const sigv4::Credentials credentials{
        .access_key_id = key.id, .secret = key.secret, .session_token = key.session_token};
    sigv4::sign(head, body_sha256, credentials,
                {.region = region, .service = "bedrock", .now = now});
}

}  // namespace

Models::Models(const ModelsParts& parts)
    : keys_(make_model_keys(parts.timer.clock(), parts.identity, parts.config.account)),
      usage_(parts.database, parts.timer) {}

Result<std::unique_ptr<Models>> Models::open(ModelsParts parts) {
    std::unique_ptr<Models> models(new Models(parts));
    // Where providers are is the operator's word: on this machine as a rule.
    net::OutboundOptions outbound{.guard = net::AddressGuard::allow_all(),
                                  .ca_file = parts.config.outbound_ca_file};
    AC_TRY(models->outbound_, net::make_outbound(std::move(outbound), parts.timer));
    const models::ProviderContext context{.timer = parts.timer,
                                          .outbound = *models->outbound_,
                                          .keys = *models->keys_,
                                          .sign_aws = sign_for_bedrock};
    AC_TRY(auto providers, models::open_providers(parts.config.models, context));
    models::ModelsConfig config = parts.config.models;
    if (parts.embedded != nullptr) {
        providers.push_back(parts.embedded->provider());
        config = EmbeddedModels::with_defaults(std::move(config));
    }
    models->service_ = models::make_model_service({.providers = std::move(providers),
                                                   .config = std::move(config),
                                                   .timer = parts.timer,
                                                   .random = parts.random,
                                                   .usage = models->usage_});
    return models;
}

void Models::add_readings(Metrics& metrics) const {
    metrics.add_families([this](std::string& out) {
        append_usage_metrics(out, usage_.totals());
        append_provider_metrics(out, service_->providers());
    });
}

}  // namespace ac::server
