#include "models/config.h"

#include <algorithm>

#include "models/yaml_map.h"

namespace ac::models {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;

Result<> read_time(YamlMap& map, const std::string& key, Milliseconds& out) {
    double seconds = static_cast<double>(out.count()) / 1000;
    AC_CHECK(map.read_bounded<double>(key, seconds, 0.001, static_cast<double>(kDayMs) / 1000));
    out = Milliseconds{static_cast<std::int64_t>(seconds * 1000)};
    return {};
}

Result<> read_limits(YamlMap& map, ProviderLimits& limits) {
    AC_CHECK(map.read_bounded<std::size_t>("concurrency_max", limits.concurrency_max, 1, 100'000));
    AC_CHECK(map.read_bounded<std::size_t>("queue_max", limits.queue_max, 0, 100'000));
    AC_CHECK(read_time(map, "queue_timeout_seconds", limits.queue_timeout));
    AC_CHECK(read_time(map, "first_byte_timeout_seconds", limits.first_byte_timeout));
    AC_CHECK(read_time(map, "idle_timeout_seconds", limits.idle_timeout));
    AC_CHECK(read_time(map, "total_timeout_seconds", limits.total_timeout));
    AC_CHECK(map.read_bounded<int>("attempts_max", limits.attempts_max, 1, 20));
    AC_CHECK(map.read_bounded<int>("breaker_failures", limits.breaker_failures, 1, 1'000'000));
    return read_time(map, "breaker_pause_seconds", limits.breaker_pause);
}

Result<ProviderConfig::Kind> kind_of(const YAML::Node& node, const std::string& text) {
    if (text == "openai") return ProviderConfig::Kind::openai;
    if (text == "anthropic") return ProviderConfig::Kind::anthropic;
    if (text == "bedrock") return ProviderConfig::Kind::bedrock;
    if (text == "scripted") return ProviderConfig::Kind::scripted;
    return yaml_error(node, "a provider's kind is openai, anthropic, bedrock or scripted");
}

Result<> check_provider(const YamlMap& map, ProviderConfig& provider) {
    using Kind = ProviderConfig::Kind;
    if (provider.kind == Kind::anthropic && provider.url.empty())
        provider.url = "https://api.anthropic.com";
    if (provider.kind == Kind::bedrock && provider.region.empty())
        return yaml_error(map.node(), map.path("region") + " is missing");
    if (provider.kind == Kind::bedrock && provider.url.empty())
        provider.url = "https://bedrock-runtime." + provider.region + ".amazonaws.com";
    if (provider.kind == Kind::openai && provider.url.empty())
        return yaml_error(map.node(), map.path("url") + " is missing");
    if (provider.kind == Kind::scripted && provider.script.empty())
        return yaml_error(map.node(), map.path("script") + " is missing");
    const bool needs_key = provider.kind == Kind::anthropic || provider.kind == Kind::bedrock;
    if (needs_key && provider.key.empty())
        return yaml_error(map.node(), map.path("key") + " is missing");
    if (provider.kind == Kind::anthropic || provider.kind == Kind::bedrock)
        provider.takes_images = true;
    return {};
}

Result<ProviderConfig> parse_provider(std::string name, const YAML::Node& node) {
    if (name.empty() || name.find('/') != std::string::npos)
        return yaml_error(node, "a provider's name has no '/'");
    AC_TRY(YamlMap map, YamlMap::open(node, "models.providers." + name));
    ProviderConfig provider;
    provider.name = std::move(name);
    std::string kind;
    AC_CHECK(map.read("kind", kind));
    AC_TRY(provider.kind, kind_of(node, kind));
    AC_CHECK(map.read("url", provider.url));
    AC_CHECK(map.read("key", provider.key));
    AC_CHECK(map.read("region", provider.region));
    AC_CHECK(map.read("script", provider.script));
    AC_CHECK(map.read("streams", provider.streams));
    AC_CHECK(map.read("max_tokens_field", provider.max_tokens_field));
    AC_CHECK(read_limits(map, provider.limits));
    AC_CHECK(check_provider(map, provider));
    AC_CHECK(map.read("takes_images", provider.takes_images));
    AC_CHECK(map.end());
    return provider;
}

Result<std::vector<Target>> parse_targets(YamlMap& map, const std::string& key) {
    std::vector<std::string> texts;
    AC_CHECK(map.read_texts(key, texts));
    std::vector<Target> targets;
    for (const std::string& text : texts) {
        auto target = parse_target(text);
        if (!target) return yaml_error(map.node(), map.path(key) + ": " + target.error().message);
        targets.push_back(*std::move(target));
    }
    return targets;
}

Result<RouteConfig> parse_route(const YAML::Node& node) {
    AC_TRY(YamlMap map, YamlMap::open(node, "models.routes"));
    RouteConfig route;
    AC_CHECK(map.read("match", route.match));
    if (route.match.empty()) return yaml_error(node, "models.routes: match is missing");
    AC_CHECK(map.read("embedding", route.is_embedding));
    AC_TRY(route.to, parse_targets(map, "to"));
    if (route.to.empty()) return yaml_error(node, "models.routes: to is missing");
    AC_CHECK(map.end());
    return route;
}

Result<PriceConfig> parse_price(const YAML::Node& node) {
    AC_TRY(YamlMap map, YamlMap::open(node, "models.prices"));
    PriceConfig price;
    AC_CHECK(map.read("match", price.match));
    if (price.match.empty()) return yaml_error(node, "models.prices: match is missing");
    AC_CHECK(map.read_bounded<double>("input_per_million", price.input_per_million, 0, 1e6));
    AC_CHECK(map.read_bounded<double>("output_per_million", price.output_per_million, 0, 1e6));
    AC_CHECK(map.end());
    return price;
}

template <class T>
Result<> parse_list(YamlMap& map, const std::string& key, std::vector<T>& out,
                    Result<T> (*parse)(const YAML::Node&)) {
    const YAML::Node list = map.take(key);
    if (!list.IsDefined()) return {};
    if (!list.IsSequence()) return yaml_error(list, map.path(key) + " is a list");
    for (const YAML::Node& node : list) {
        AC_TRY(T item, parse(node));
        out.push_back(std::move(item));
    }
    return {};
}

Result<> check_targets(const ModelsConfig& config, const YAML::Node& node,
                       const std::vector<Target>& targets) {
    for (const Target& target : targets) {
        const bool known = target.provider == "embedded" ||
                           std::ranges::any_of(config.providers, [&](const auto& provider) {
                               return provider.name == target.provider;
                           });
        if (!known) return yaml_error(node, "no provider is called " + target.provider);
    }
    return {};
}

}  // namespace

Result<Target> parse_target(std::string_view text) {
    const auto slash = text.find('/');
    Target target{.provider = std::string(text.substr(0, slash)), .model = {}};
    if (slash != std::string_view::npos) target.model = text.substr(slash + 1);
    if (target.provider.empty() || (slash != std::string_view::npos && target.model.empty()))
        return fail(ErrorCode::invalid_argument, "want PROVIDER/MODEL or PROVIDER");
    return target;
}

Result<ModelsConfig> parse_models_config(const YAML::Node& node) {
    AC_TRY(YamlMap map, YamlMap::open(node, "models"));
    ModelsConfig config;
    if (const YAML::Node providers = map.take("providers"); providers.IsDefined()) {
        if (!providers.IsMap()) return yaml_error(providers, "models.providers is a map");
        for (const auto& entry : providers) {
            AC_TRY(auto provider, parse_provider(entry.first.as<std::string>(), entry.second));
            config.providers.push_back(std::move(provider));
        }
    }
    AC_CHECK(parse_list(map, "routes", config.routes, parse_route));
    AC_CHECK(parse_list(map, "prices", config.prices, parse_price));
    AC_TRY(config.default_chat, parse_targets(map, "default"));
    AC_TRY(config.default_embedding, parse_targets(map, "default_embedding"));
    (void)map.take("embedded");  // embedded/config.h reads it
    AC_CHECK(map.end());
    for (const RouteConfig& route : config.routes) AC_CHECK(check_targets(config, node, route.to));
    AC_CHECK(check_targets(config, node, config.default_chat));
    AC_CHECK(check_targets(config, node, config.default_embedding));
    return config;
}

}  // namespace ac::models
