#pragma once
// Servers that speak OpenAI's API: vLLM, Ollama, llama.cpp, LM Studio and hosted ones.

#include <memory>

#include "models/chat.h"
#include "models/embedder.h"
#include "models/key_source.h"
#include "models/openai_request.h"
#include "models/upstream.h"

namespace ac::models {

struct OpenAiOptions {
    std::string name;  // the provider's, for messages
    std::string key;   // for KeySource; empty: none is sent
    OpenAiDialect dialect;
    ProviderLimits limits;  // its time bounds
};

// `keys` may be null when `options.key` is empty; it and `clock` outlive the model.
std::unique_ptr<ChatModel> make_openai_chat(std::shared_ptr<Upstream> upstream, KeySource* keys,
                                            OpenAiOptions options, const Clock& clock);
// `dimensions` is learnt from the first answer.
std::unique_ptr<Embedder> make_openai_embedder(std::shared_ptr<Upstream> upstream, KeySource* keys,
                                               OpenAiOptions options, const Clock& clock);

}  // namespace ac::models
