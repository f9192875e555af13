#pragma once
// What fronts and services call: a model id as the caller knows it goes in, routing finds the
// provider, usage is metered. Everything of a request that a provider can get wrong has become a
// modelled error here (models/chat.h names them).

#include <memory>
#include <string>
#include <vector>

#include "async/task.h"
#include "models/chat.h"
#include "models/embedder.h"

namespace ac::models {

// Who calls, for metering. Empty where unknown: a caller outside any session has an account only.
struct Caller {
    std::string account;
    std::string runtime;  // agent runtime id
    std::string session;
};

struct ModelInfo {
    enum class Kind { chat, embedding };
    std::string id;        // as callers may name it
    std::string provider;  // the name from the configuration
    std::string upstream;  // what the provider calls it
    Kind kind = Kind::chat;
    bool takes_images = false;
    std::size_t dimensions = 0;  // of an embedding model, where known
};

// One provider at this moment, for /metrics.
struct ProviderState {
    std::string name;
    std::size_t calls = 0;       // under way
    std::size_t waiting = 0;     // for their turn
    bool is_left_alone = false;  // after failures
};

// Thread-safe.
class ModelService {
  public:
    virtual ~ModelService() = default;

    // Retries, fallbacks and the provider's queue are inside: ends when a model has begun to
    // answer, or with the last error. Usage counts when the stream has ended or is destroyed.
    virtual Task<std::unique_ptr<ChatStream>> start(ChatRequest request, Caller caller) = 0;
    virtual Task<Embeddings> embed(EmbedRequest request, Caller caller) = 0;
    virtual Task<std::int64_t> count_tokens(ChatRequest request, Caller caller) = 0;

    // The ids that the routing table names (globs are left out), sorted. Other ids work too: they
    // go to the default.
    virtual std::vector<ModelInfo> models() const = 0;
    // What an id would reach; not_found when there is no route and no default.
    virtual Result<ModelInfo> resolve(std::string_view id, ModelInfo::Kind kind) const = 0;
    virtual std::vector<ProviderState> providers() const { return {}; }
};

// start() and read to the end.
Task<ChatAnswer> answer(ModelService& service, ChatRequest request, Caller caller);

}  // namespace ac::models
