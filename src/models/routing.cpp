#include "models/routing.h"

#include <algorithm>
#include <cmath>

#include "models/glob.h"

namespace ac::models {
namespace {

bool matches_id(std::string_view pattern, std::string_view id) {
    return matches_glob(pattern, id) || matches_glob(pattern, short_model_id(id));
}

std::vector<Target> fill_in(std::vector<Target> targets, std::string_view id) {
    for (Target& target : targets)
        if (target.model.empty()) target.model = short_model_id(id);
    return targets;
}

}  // namespace

std::string_view short_model_id(std::string_view id) {
    if (!id.starts_with("arn:")) return id;
    const auto slash = id.rfind('/');
    return slash == std::string_view::npos ? id : id.substr(slash + 1);
}

Routing::Routing(const ModelsConfig& config)
    : routes_(config.routes),
      default_chat_(config.default_chat),
      default_embedding_(config.default_embedding) {
    for (const ProviderConfig& provider : config.providers) providers_.push_back(provider.name);
    providers_.emplace_back("embedded");
}

Result<std::vector<Target>> Routing::resolve(std::string_view id, ModelInfo::Kind kind) const {
    const bool wants_embedding = kind == ModelInfo::Kind::embedding;
    for (const RouteConfig& route : routes_)
        if (route.is_embedding == wants_embedding && matches_id(route.match, id))
            return fill_in(route.to, id);
    if (const auto slash = id.find('/'); slash != std::string_view::npos) {
        const std::string_view provider = id.substr(0, slash);
        if (std::ranges::find(providers_, provider) != providers_.end() && slash + 1 < id.size())
            return std::vector{Target{std::string(provider), std::string(id.substr(slash + 1))}};
    }
    const auto& fallback = wants_embedding ? default_embedding_ : default_chat_;
    if (!fallback.empty()) return fill_in(fallback, id);
    return fail(ErrorCode::not_found,
                wants_embedding ? "no embedding model is configured: set models.default_embedding, "
                                  "or a route in models.routes"
                                : "no model is configured: set models.default, or a route in "
                                  "models.routes, in agentcored's configuration");
}

std::vector<Routing::NamedRoute> Routing::named() const {
    std::vector<NamedRoute> out;
    const auto add = [&](std::string id, const Target& target, ModelInfo::Kind kind) {
        const bool known = std::ranges::any_of(
            out, [&](const NamedRoute& route) { return route.id == id && route.kind == kind; });
        if (!known) out.push_back({std::move(id), target, kind});
    };
    for (const RouteConfig& route : routes_) {
        if (is_glob(route.match)) continue;
        add(route.match, fill_in(route.to, route.match).front(),
            route.is_embedding ? ModelInfo::Kind::embedding : ModelInfo::Kind::chat);
    }
    const auto add_default = [&](const std::vector<Target>& targets, ModelInfo::Kind kind) {
        for (const Target& target : targets)
            if (!target.model.empty()) add(target.provider + "/" + target.model, target, kind);
    };
    add_default(default_chat_, ModelInfo::Kind::chat);
    add_default(default_embedding_, ModelInfo::Kind::embedding);
    std::ranges::sort(out, {}, &NamedRoute::id);
    return out;
}

std::int64_t PriceTable::nano_dollars(std::string_view id, const Target& target,
                                      const Usage& usage) const {
    const std::string full = target.provider + "/" + target.model;
    for (const PriceConfig& price : prices_) {
        if (!matches_id(price.match, id) && !matches_glob(price.match, full)) continue;
        const auto input = static_cast<double>(usage.total_tokens() - usage.output_tokens);
        const auto output = static_cast<double>(usage.output_tokens);
        constexpr double kNanoPerMillionth = 1000;
        return std::llround((input * price.input_per_million + output * price.output_per_million) *
                            kNanoPerMillionth);
    }
    return 0;
}

}  // namespace ac::models
