#pragma once
// A model whose answers are written down, for tests of agents and of what stands on models: rules
// in YAML, the first that matches answers (docs/reference/models.md, "The scripted provider").
//
//   rules:
//     - when: {prompt: "weather", turn: 1, tool_results: false}
//       answer:
//         - text: "Let me look."
//         - tool: {name: weather, input: {city: Seoul}}
//     - when: {tool_results: true}
//       answer: "It rains in {{tool_result}}."
//     - fail: {error: throttled, message: "slow down", times: 2}
//
// Pure: what is answered; ScriptedModel performs it.

#include <cstdint>
#include <optional>
#include <regex>
#include <string>
#include <variant>
#include <vector>

#include "models/chat.h"

namespace ac::models {

struct ScriptCondition {
    std::vector<std::string> prompt;    // each is part of the last user text, without case
    std::optional<std::regex> pattern;  // found in it
    std::string system;                 // part of the system prompt, without case
    std::string model;                  // glob
    std::optional<int> turn;            // assistant messages so far, plus one
    std::optional<bool> tool_results;   // the last message has some
    std::string tool;                   // the request offers a tool of that name
    std::optional<bool> output_format;  // JSON was asked for
};

struct ScriptTool {
    std::string name;
    std::string id;  // empty: made from the turn and the number
    json::value input;
};

struct ScriptReasoning {
    std::string text;
    std::string signature;
};

using ScriptStep = std::variant<TextBlock, ScriptReasoning, ScriptTool>;

struct ScriptRule {
    enum class Break { none, garbage, half, nothing, hang };

    ScriptCondition when;
    std::vector<ScriptStep> answer;
    std::optional<StopReason> stop_reason;
    std::optional<Usage> usage;
    std::size_t chunk_bytes = 0;  // of text deltas; 0: words
    Milliseconds first_delay{0};  // before the first event
    Milliseconds delay{0};        // before every further piece
    std::optional<Error> error;   // instead of an answer
    std::int64_t times = 0;       // the rule holds so often; 0: for ever
    Break breaks = Break::none;   // how the stream goes wrong in its middle
};

struct Script {
    std::vector<ScriptRule> rules;
    std::size_t dimensions = 64;  // of its embeddings
};

// invalid_argument with the line.
Result<Script> parse_script(std::string_view yaml);

bool matches(const ScriptCondition& condition, const ChatRequest& request);

// The text that a rule's answer has for this request: {{prompt}}, {{tool_result}}, {{model}},
// {{system}} and {{turn}} are filled in.
std::string expand(std::string_view text, const ChatRequest& request);

std::string last_user_text(const ChatRequest& request);
int turn_of(const ChatRequest& request);

// Pieces whose concatenation is `text`: of `chunk_bytes`, never within a character, or words.
std::vector<std::string_view> chunks_of(std::string_view text, std::size_t chunk_bytes);

}  // namespace ac::models
