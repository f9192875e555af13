#pragma once
// What an operator says about the embedded models, under `models.embedded:` in the configuration
// file (docs/reference/models.md). Parsing only.

#include <cstdint>
#include <string>

#include "base/result.h"
#include "embedded/llama_server.h"

namespace YAML {
class Node;
}

namespace ac::embedded {

struct EmbeddedConfig {
    bool enabled = true;
    // Engine and models of the installation; empty: found beside the program.
    std::string folder;
    std::uint64_t memory_bytes_max = 0;  // of the server; 0: 1 GiB and twice the model file
    std::int64_t context_tokens = 8192;  // of all answers under way together
    std::int64_t parallel = 4;
    unsigned threads = 0;                  // 0: one a processor
    std::int64_t answer_tokens_max = 256;  // where a caller names no bound
    std::int64_t idle_seconds = 600;       // without a request; then the server is stopped
    std::int64_t start_seconds_max = 120;
};

// The value of `models.embedded:`. invalid_argument with line, key and what is wrong.
Result<EmbeddedConfig> parse_embedded_config(const YAML::Node& node);
LlamaOptions llama_options(const EmbeddedConfig& config, std::filesystem::path runtime,
                           unsigned processors);

}  // namespace ac::embedded
