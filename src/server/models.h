#pragma once
// Models as the daemon runs them: providers opened from the configuration, the service in front of
// them, the book of their usage.

#include <memory>

#include "models/model_service.h"
#include "net/outbound.h"
#include "server/config.h"
#include "server/metrics.h"

namespace ac::server {

// All outlive the models.
struct ModelsParts {
    const Config& config;
    storage::Database& database;
    Timer& timer;
    Random& random;
};

class Models final {
  public:
    static Result<std::unique_ptr<Models>> open(ModelsParts parts);

    models::ModelService& service() { return *service_; }
    models::UsageBook& usage() { return usage_; }
    void add_readings(Metrics& metrics) const;

  private:
    Models(const ModelsParts& parts, std::vector<models::Provider> providers);

    models::UsageBook usage_;
    std::unique_ptr<models::ModelService> service_;
};

}  // namespace ac::server
