#include "models/providers.h"

#include "base/file.h"
#include "models/anthropic_model.h"
#include "models/openai_model.h"
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

Result<Provider> open_openai(const ProviderConfig& config, const ProviderContext& context) {
    AC_TRY(auto url, net::parse_url(config.url));
    const std::shared_ptr<Upstream> upstream =
        make_outbound_upstream(context.outbound, std::move(url));
    const OpenAiOptions options{
        .name = config.name,
        .key = config.key,
        .dialect = {.streams = config.streams, .max_tokens_field = config.max_tokens_field},
        .limits = config.limits};
    const Clock& clock = context.timer.clock();
    Provider provider;
    provider.chat = make_openai_chat(upstream, &context.keys, options, clock);
    provider.embedder = make_openai_embedder(upstream, &context.keys, options, clock);
    return provider;
}

Result<Provider> open_anthropic(const ProviderConfig& config, const ProviderContext& context) {
    AC_TRY(auto url, net::parse_url(config.url));
    AnthropicOptions options{.name = config.name, .key = config.key, .limits = config.limits};
    Provider provider;
    provider.chat = make_anthropic_chat(make_outbound_upstream(context.outbound, std::move(url)),
                                        context.keys, std::move(options), context.timer.clock());
    return provider;
}

Result<Provider> open_bedrock(const ProviderConfig& config, const ProviderContext& context) {
    AC_TRY(auto url, net::parse_url(config.url));
    BedrockOptions options{
        .name = config.name, .key = config.key, .region = config.region, .limits = config.limits};
    Provider provider;
    provider.chat =
        make_bedrock_chat(make_outbound_upstream(context.outbound, std::move(url)), context.keys,
                          context.sign_aws, std::move(options), context.timer.clock());
    return provider;
}

Result<Provider> open_kind(const ProviderConfig& config, const ProviderContext& context) {
    switch (config.kind) {
        case ProviderConfig::Kind::openai:
            return open_openai(config, context);
        case ProviderConfig::Kind::scripted:
            return open_scripted(config, context);
        case ProviderConfig::Kind::anthropic:
            return open_anthropic(config, context);
        case ProviderConfig::Kind::bedrock:
            return open_bedrock(config, context);
    }
    return fail(ErrorCode::internal, "a provider of no kind");
}

}  // namespace

Result<Provider> open_provider(const ProviderConfig& config, ProviderContext context) {
    auto provider = open_kind(config, context);
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
