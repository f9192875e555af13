#pragma once
// What an operator says about models, under `models:` in the configuration file
// (docs/reference/models.md). Parsing only: nothing is opened here.

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace YAML {
class Node;
}

namespace ac::models {

// A provider and its name for the model; an empty model is the caller's own id, passed on.
// Written "provider/model" or "provider".
struct Target {
    std::string provider;
    std::string model;
    friend bool operator==(const Target&, const Target&) = default;
};

struct ProviderLimits {
    std::size_t concurrency_max = 64;          // answers under way
    std::size_t queue_max = 256;               // callers that wait for one; over it: throttled
    Milliseconds queue_timeout{30'000};        // in that queue; over it: throttled
    Milliseconds first_byte_timeout{120'000};  // from the request to the first event
    Milliseconds idle_timeout{60'000};         // between two pieces of an answer
    Milliseconds total_timeout{900'000};       // a whole answer
    int attempts_max = 3;                      // of one call, the first included
    int breaker_failures = 5;                  // one after another; then it is left alone for
    Milliseconds breaker_pause{10'000};        // this long, and one call tries
};

struct ProviderConfig {
    enum class Kind { openai, anthropic, bedrock, scripted };
    std::string name;
    Kind kind = Kind::openai;
    std::string url;     // openai, anthropic, bedrock: where it is, e.g. http://127.0.0.1:11434/v1
    std::string key;     // a key's name for KeySource, e.g. "file:/etc/agentcored/openai.key"
    std::string region;  // bedrock
    std::string script;  // scripted: the file of rules
    // openai: the answer is asked for whole. For servers that cannot stream.
    bool streams = true;
    bool takes_images = false;
    // openai: some hosted models want max_completion_tokens, everything else wants max_tokens.
    std::string max_tokens_field = "max_tokens";
    ProviderLimits limits;
};

struct RouteConfig {
    std::string match;          // glob over the caller's model id
    std::vector<Target> to;     // the first, then its fallbacks
    bool is_embedding = false;  // of embedding models; else of chat models
};

// US dollars for a million tokens.
struct PriceConfig {
    std::string match;  // glob over the caller's model id, or "provider/model"
    double input_per_million = 0;
    double output_per_million = 0;
};

struct ModelsConfig {
    std::vector<ProviderConfig> providers;
    std::vector<RouteConfig> routes;
    std::vector<Target> default_chat;       // where unknown ids go
    std::vector<Target> default_embedding;  // the same of embedding models
    std::vector<PriceConfig> prices;
};

// The value of `models:`. invalid_argument with line, key and what is wrong.
Result<ModelsConfig> parse_models_config(const YAML::Node& node);
Result<Target> parse_target(std::string_view text);

}  // namespace ac::models
