#pragma once
// Anthropic's Messages API.

#include <memory>

#include "models/chat.h"
#include "models/key_source.h"
#include "models/upstream.h"

namespace ac::models {

struct AnthropicOptions {
    std::string name;  // the provider's, for messages
    std::string key;   // for KeySource
    ProviderLimits limits;
};

// `keys` and `clock` outlive the model.
std::unique_ptr<ChatModel> make_anthropic_chat(std::shared_ptr<Upstream> upstream, KeySource& keys,
                                               AnthropicOptions options, const Clock& clock);

}  // namespace ac::models
