#pragma once
// Models as the daemon runs them: providers opened from the configuration, the service in front of
// them, the book of their usage.

#include <memory>

#include "identity/identity_service.h"
#include "models/key_source.h"
#include "models/model_service.h"
#include "net/outbound.h"
#include "server/config.h"
#include "server/embedded_models.h"
#include "server/metrics.h"

namespace ac::server {

// All outlive the models.
struct ModelsParts {
    const Config& config;
    storage::Database& database;
    Timer& timer;
    Random& random;
    identity::IdentityService& identity;  // its vault may hold providers' keys
    EmbeddedModels* embedded = nullptr;   // null: there are none
};

class Models final {
  public:
    static Result<std::unique_ptr<Models>> open(ModelsParts parts);

    models::ModelService& service() { return *service_; }
    models::UsageBook& usage() { return usage_; }
    void add_readings(Metrics& metrics) const;

  private:
    explicit Models(const ModelsParts& parts);

    std::unique_ptr<net::Outbound> outbound_;
    std::unique_ptr<models::KeySource> keys_;
    models::UsageBook usage_;
    std::unique_ptr<models::ModelService> service_;
};

}  // namespace ac::server
