#include "models/providers.h"

#include "base/file.h"
#include "models/scripted_model.h"

namespace ac::models {
namespace {

constexpr std::size_t kScriptBytesMax = 16 << 20;

Result<Provider> open_scripted(const ProviderConfig& config, const ProviderContext& context) {
    AC_TRY(const std::string text, read_file(config.script, kScriptBytesMax));
    auto script = parse_script(text);
    if (!script)
        return fail(ErrorCode::invalid_argument, config.script + ": " + script.error().message);
    Provider provider;
    const std::size_t dimensions = script->dimensions;
    provider.chat = make_scripted_model(*std::move(script), context.timer);
    provider.embedder = make_scripted_embedder(config.name, dimensions);
    return provider;
}

}  // namespace

Result<Provider> open_provider(const ProviderConfig& config, ProviderContext context) {
    Result<Provider> provider =
        fail(ErrorCode::not_implemented, "models.providers." + config.name + ": not built yet");
    if (config.kind == ProviderConfig::Kind::scripted) provider = open_scripted(config, context);
    if (!provider) return provider;
    provider->name = config.name;
    provider->limits = config.limits;
    provider->takes_images = config.takes_images;
    return provider;
}

Result<std::vector<Provider>> open_providers(const ModelsConfig& config, ProviderContext context) {
    std::vector<Provider> providers;
    for (const ProviderConfig& one : config.providers) {
        auto provider = open_provider(one, context);
        if (!provider)
            return fail(provider.error().code,
                        "models.providers." + one.name + ": " + provider.error().message);
        providers.push_back(*std::move(provider));
    }
    return providers;
}

}  // namespace ac::models
