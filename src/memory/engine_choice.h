#pragma once
// Which engine makes a strategy's records, and with which prompts and models.

#include <map>
#include <string>

#include "base/result.h"
#include "memory/language_model.h"
#include "memory/types.h"

namespace ac::memory {

enum class EngineMode { builtin, model, automatic };
std::optional<EngineMode> engine_mode_from(std::string_view text);  // builtin, model, auto

struct EngineConfig {
    EngineMode mode = EngineMode::automatic;
    std::string model;  // empty: none is configured
    // By name (src/memory/prompts); those that are not here are the built-in ones.
    std::map<std::string, std::string, std::less<>> prompts;
    int calls_per_minute = 60;
};

// Prompts of a folder: NAME.txt takes the built-in one's place. invalid_argument: a file of another
// name, or an empty one.
Result<std::map<std::string, std::string, std::less<>>> read_prompts(const std::string& folder);

enum class Step { extraction, consolidation, reflection };

// What one step of a strategy's work asks for.
struct StepPrompt {
    std::string model;
    std::string system;
};

class EngineChoice final {
  public:
    // `model` outlives this; nullptr: there is none, and every strategy is the built-in engine's.
    EngineChoice(EngineConfig config, LanguageModel* model)
        : config_(std::move(config)), model_(model) {}

    LanguageModel* model() const { return model_; }
    const EngineConfig& config() const { return config_; }

    // builtin: never. model: always. automatic: when a model is configured, or the strategy's own
    // override names one that is there.
    bool wants_model(const Strategy& strategy) const;
    // The strategy's own model and appended prompt where it has them.
    StepPrompt prompt_for(const Strategy& strategy, Step step) const;

  private:
    EngineConfig config_;
    LanguageModel* model_;
};

}  // namespace ac::memory
