#pragma once
// The embedded chat model: an OpenAI-compatible client of the supervised server, which it starts
// and keeps from being stopped while an answer comes. What a caller left open is set to what small
// models need: a sober temperature, a bound on the answer, a system prompt.

#include <memory>

#include "embedded/llama_server.h"
#include "models/chat.h"

namespace ac::embedded {

struct EmbeddedChatDefaults {
    std::int64_t max_tokens = 256;        // small models seldom end by themselves
    std::int64_t call_tokens_max = 1024;  // the same for the input of a tool that must be called
    double temperature = 0.2;
    double top_p = 0.9;
    double repeat_penalty = 1.1;  // against going round in circles
    std::string system = "You are a helpful assistant.";
    // After so many calls of tools for one question the tools are taken away: a small model calls
    // them for ever.
    int tool_rounds_max = 2;
};

// What goes to the server for `request`. Pure.
models::ChatRequest with_defaults(models::ChatRequest request,
                                  const EmbeddedChatDefaults& defaults);

// An answer that met a bound of ours has simply ended: to agents, "max_tokens" is a failure of a
// bound that they set. Pure.
models::ChatEvent without_own_bound(models::ChatEvent event, bool is_own_bound);

// `server` outlives the model; `client` reaches it through `server` as its Connector.
std::unique_ptr<models::ChatModel> make_embedded_chat(LlamaServer& server,
                                                      std::unique_ptr<models::ChatModel> client,
                                                      EmbeddedChatDefaults defaults = {});

}  // namespace ac::embedded
