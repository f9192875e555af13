#pragma once
// What an operator says about Memory, under `memory:` in the configuration file
// (docs/reference/configuration.md). Parsing only.

#include <map>
#include <string>

#include "base/result.h"
#include "memory/engine_choice.h"
#include "memory/limits.h"

namespace YAML {
class Node;
}

namespace ac::server {

struct MemoryConfig {
    memory::EngineMode engine = memory::EngineMode::automatic;
    std::string model;    // as callers of the models API name it; empty: none
    std::string prompts;  // a folder with prompts of the operator's own; empty: the built-in ones
    int calls_per_minute = 60;
    // The embedder in this process by whose vectors records are found too; empty: by words only.
    std::string embedding;
    // Vectors of a namespace from which a graph is walked instead of scanning them.
    std::size_t graph_from = memory::MemoryLimits{}.graph_from;
    // Where notifications of self-managed strategies go: an SNS topic's ARN and the URL that stands
    // for it.
    std::map<std::string, std::string> topics;
    // Where changes of records are told: a data stream's ARN and what stands for it, an http(s) URL
    // or s3://bucket/prefix.
    std::map<std::string, std::string> streams;
};

// The value of `memory:`. invalid_argument with line, key and what is wrong.
Result<MemoryConfig> parse_memory_config(const YAML::Node& node);
// Reads the folder of prompts.
Result<memory::EngineConfig> engine_config(const MemoryConfig& config);

}  // namespace ac::server
