#include "models/model_service.h"

#include <algorithm>
#include <map>

#include "base/log.h"
#include "models/metered_stream.h"
#include "models/retry.h"

namespace ac::models {
namespace {

struct OpenProvider {
    OpenProvider(Provider p, Timer& timer)
        : provider(std::move(p)), gate(provider.name, provider.limits, timer) {}
    Provider provider;
    ProviderGate gate;
};

class RoutedModels final : public ModelService {
  public:
    explicit RoutedModels(ModelServiceParts parts);

    Task<std::unique_ptr<ChatStream>> start(ChatRequest request, Caller caller) override;
    Task<Embeddings> embed(EmbedRequest request, Caller caller) override;
    Task<std::int64_t> count_tokens(ChatRequest request, Caller caller) override;
    std::vector<ModelInfo> models() const override;
    Result<ModelInfo> resolve(std::string_view id, ModelInfo::Kind kind) const override;
    std::vector<ProviderState> providers() const override;

  private:
    Result<OpenProvider*> find(const Target& target, ModelInfo::Kind kind);
    ModelInfo info_of(std::string id, const Target& target, ModelInfo::Kind kind) const;
    Task<std::unique_ptr<ChatStream>> start_once(OpenProvider& provider,
                                                 const ChatRequest& request);
    Task<Embeddings> embed_once(OpenProvider& provider, const EmbedRequest& request);
    void report(OpenProvider& provider, const Error& error);
    Task<> pause(const RetryStep& step, const Target& target, const Error& error);
    std::unique_ptr<CallMeter> meter(Caller caller, const std::string& model) {
        return std::make_unique<CallMeter>(timer_.clock(), usage_, prices_, std::move(caller),
                                           model);
    }

    const Routing routing_;
    const PriceTable prices_;
    Timer& timer_;
    Random& random_;
    UsageBook& usage_;
    std::map<std::string, std::unique_ptr<OpenProvider>, std::less<>> providers_;
};

RoutedModels::RoutedModels(ModelServiceParts parts)
    : routing_(parts.config),
      prices_(std::move(parts.config.prices)),
      timer_(parts.timer),
      random_(parts.random),
      usage_(parts.usage) {
    for (Provider& provider : parts.providers) {
        std::string name = provider.name;
        providers_.emplace(std::move(name),
                           std::make_unique<OpenProvider>(std::move(provider), timer_));
    }
}

Result<OpenProvider*> RoutedModels::find(const Target& target, ModelInfo::Kind kind) {
    const auto found = providers_.find(target.provider);
    if (found == providers_.end())
        return fail(ErrorCode::not_found,
                    "model provider " + target.provider + " is not available here");
    const Provider& provider = found->second->provider;
    if (kind == ModelInfo::Kind::chat && !provider.chat)
        return fail(ErrorCode::not_found,
                    "model provider " + target.provider + " has no chat models");
    if (kind == ModelInfo::Kind::embedding && !provider.embedder)
        return fail(ErrorCode::not_found,
                    "model provider " + target.provider + " has no embedding models");
    return found->second.get();
}

// What the provider is to blame for counts against it; its own refusals of one request do not.
void RoutedModels::report(OpenProvider& provider, const Error& error) {
    const bool blames = error.code == ErrorCode::unavailable ||
                        error.code == ErrorCode::deadline_exceeded ||
                        error.code == ErrorCode::guest_failed || error.code == ErrorCode::busy;
    if (blames)
        provider.gate.report_failure();
    else
        provider.gate.report_nothing();
}

Task<> RoutedModels::pause(const RetryStep& step, const Target& target, const Error& error) {
    AC_LOG(info, "model call failed", {"provider", target.provider}, {"model", target.model},
           {"reason", error.message}, {"again", step.kind == RetryStep::Kind::again});
    if (step.kind != RetryStep::Kind::again) co_return Result<>{};
    co_return co_await sleep_for(timer_, step.pause);
}

Task<std::unique_ptr<ChatStream>> RoutedModels::start_once(OpenProvider& provider,
                                                           const ChatRequest& request) {
    const SteadyTime deadline = timer_.clock().steady() + provider.provider.limits.total_timeout;
    auto stream = co_await provider.provider.chat->start(request, deadline);
    if (!stream) report(provider, stream.error());
    co_return stream;
}

Task<std::unique_ptr<ChatStream>> RoutedModels::start(ChatRequest request, Caller caller) {
    AC_CO_TRY(const auto targets, routing_.resolve(request.model, ModelInfo::Kind::chat));
    auto meter = this->meter(std::move(caller), request.model);
    RetryPlan plan(targets.size(), random_);
    while (true) {
        const Target& target = targets[plan.target()];
        auto found = find(target, ModelInfo::Kind::chat);
        RetryStep step;
        Error error;
        if (!found) {
            error = std::move(found).error();
            step = plan.refused();
        } else if (auto pass = co_await (*found)->gate.enter(); !pass) {
            error = std::move(pass).error();
            step = plan.refused();
        } else {
            request.model = target.model;
            auto stream = co_await start_once(**found, request);
            if (stream) {
                MeteredStream::Parts parts{.gate = (*found)->gate,
                                           .pass = *std::move(pass),
                                           .inner = *std::move(stream),
                                           .meter = std::move(meter),
                                           .target = target,
                                           .request = std::move(request)};
                co_return std::make_unique<MeteredStream>(std::move(parts));
            }
            error = std::move(stream).error();
            step = plan.failed(error, (*found)->provider.limits.attempts_max);
        }
        if (step.kind == RetryStep::Kind::give_up) {
            meter->failed(target, {});
            co_return fail(std::move(error));
        }
        AC_CO_CHECK(co_await pause(step, target, error));
    }
}

Task<Embeddings> RoutedModels::embed_once(OpenProvider& provider, const EmbedRequest& request) {
    AC_CO_TRY(const auto pass, co_await provider.gate.enter());
    const SteadyTime deadline = timer_.clock().steady() + provider.provider.limits.total_timeout;
    auto embeddings = co_await provider.provider.embedder->embed(request, deadline);
    if (!embeddings) {
        report(provider, embeddings.error());
        co_return embeddings;
    }
    if (embeddings->vectors.size() != request.texts.size()) {
        provider.gate.report_failure();
        co_return fail(model_failed("the model answered another number of vectors than of texts"));
    }
    provider.gate.report_success();
    co_return embeddings;
}

Task<Embeddings> RoutedModels::embed(EmbedRequest request, Caller caller) {
    AC_CO_TRY(const auto targets, routing_.resolve(request.model, ModelInfo::Kind::embedding));
    const auto meter = this->meter(std::move(caller), request.model);
    RetryPlan plan(targets.size(), random_);
    while (true) {
        const Target& target = targets[plan.target()];
        auto found = find(target, ModelInfo::Kind::embedding);
        RetryStep step;
        Error error;
        if (!found) {
            error = std::move(found).error();
            step = plan.refused();
        } else {
            request.model = target.model;
            auto embeddings = co_await embed_once(**found, request);
            if (embeddings) {
                meter->ended(target, {.input_tokens = embeddings->input_tokens});
                co_return embeddings;
            }
            error = std::move(embeddings).error();
            step = plan.failed(error, (*found)->provider.limits.attempts_max);
        }
        if (step.kind == RetryStep::Kind::give_up) {
            meter->failed(target, {});
            co_return fail(std::move(error));
        }
        AC_CO_CHECK(co_await pause(step, target, error));
    }
}

// Costs nothing, so that it is not metered.
Task<std::int64_t> RoutedModels::count_tokens(ChatRequest request, Caller) {
    AC_CO_TRY(const auto targets, routing_.resolve(request.model, ModelInfo::Kind::chat));
    AC_CO_TRY(OpenProvider* const provider, find(targets.front(), ModelInfo::Kind::chat));
    request.model = targets.front().model;
    AC_CO_TRY(const auto pass, co_await provider->gate.enter());
    const SteadyTime deadline =
        timer_.clock().steady() + provider->provider.limits.first_byte_timeout;
    auto count = co_await provider->provider.chat->count_tokens(request, deadline);
    if (!count)
        report(*provider, count.error());
    else
        provider->gate.report_success();
    co_return count;
}

ModelInfo RoutedModels::info_of(std::string id, const Target& target, ModelInfo::Kind kind) const {
    ModelInfo info{
        .id = std::move(id), .provider = target.provider, .upstream = target.model, .kind = kind};
    if (const auto found = providers_.find(target.provider); found != providers_.end()) {
        const Provider& provider = found->second->provider;
        info.takes_images = kind == ModelInfo::Kind::chat && provider.takes_images;
        if (kind == ModelInfo::Kind::embedding && provider.embedder)
            info.dimensions = provider.embedder->dimensions();
    }
    return info;
}

std::vector<ModelInfo> RoutedModels::models() const {
    std::vector<ModelInfo> out;
    for (const auto& [id, target, kind] : routing_.named())
        out.push_back(info_of(id, target, kind));
    return out;
}

Result<ModelInfo> RoutedModels::resolve(std::string_view id, ModelInfo::Kind kind) const {
    AC_TRY(const auto targets, routing_.resolve(id, kind));
    return info_of(std::string(id), targets.front(), kind);
}

std::vector<ProviderState> RoutedModels::providers() const {
    std::vector<ProviderState> out;
    for (const auto& [name, open] : providers_)
        out.push_back({.name = name,
                       .calls = open->gate.calls(),
                       .waiting = open->gate.waiting(),
                       .is_left_alone = open->gate.is_open()});
    return out;
}

}  // namespace

std::unique_ptr<ModelService> make_model_service(ModelServiceParts parts) {
    return std::make_unique<RoutedModels>(std::move(parts));
}

}  // namespace ac::models
