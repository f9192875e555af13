#pragma once
// From the model id that a caller wrote to the providers that may answer. Pure.
//
// An id may be a model id, an inference profile's id ("us.anthropic...") or an ARN; patterns are
// tried on the id as written and, for an ARN, on what stands after its last '/'. "provider/model"
// reaches a provider without any route.

#include <string>
#include <string_view>
#include <vector>

#include "models/config.h"
#include "models/service.h"

namespace ac::models {

class Routing final {
  public:
    // The order of `config.routes` decides: the first that matches.
    explicit Routing(const ModelsConfig& config);

    // The first and its fallbacks, with their models filled in. not_found when nothing matches and
    // there is no default: the message names the configuration key.
    Result<std::vector<Target>> resolve(std::string_view id, ModelInfo::Kind kind) const;

    struct NamedRoute {
        std::string id;
        Target target;
        ModelInfo::Kind kind = ModelInfo::Kind::chat;
    };
    // The routes whose pattern is an id, and the default's own models as "provider/model".
    std::vector<NamedRoute> named() const;

  private:
    std::vector<std::string> providers_;
    std::vector<RouteConfig> routes_;
    std::vector<Target> default_chat_;
    std::vector<Target> default_embedding_;
};

// "arn:aws:bedrock:us-west-2::foundation-model/amazon.nova" is "amazon.nova"; others stay.
std::string_view short_model_id(std::string_view id);

class PriceTable final {
  public:
    explicit PriceTable(std::vector<PriceConfig> prices) : prices_(std::move(prices)) {}
    // In billionths of a US dollar; 0 where no price is known. Cache reads count as input.
    std::int64_t nano_dollars(std::string_view id, const Target& target, const Usage& usage) const;

  private:
    std::vector<PriceConfig> prices_;
};

}  // namespace ac::models
