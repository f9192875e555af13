#include "memory/engine_choice.h"

#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>

#include "memory/prompt_texts.h"

namespace ac::memory {

namespace {

constexpr std::size_t kPromptBytesMax = 100'000;

struct Override {
    std::string model;
    std::string prompt;
};

std::string_view step_name(Step step) {
    switch (step) {
        case Step::extraction:
            return "extraction";
        case Step::consolidation:
            return "consolidation";
        case Step::reflection:
            return "reflection";
    }
    return "";
}

// configuration.extraction.customExtractionConfiguration.semanticExtractionOverride and the like:
// the union's one member at each level, down to the object with a modelId.
std::optional<Override> override_in(const json::object& object, int depth = 3) {
    if (const auto* model = object.if_contains("modelId"); model != nullptr && model->is_string()) {
        Override out{.model = json::value_to<std::string>(*model)};
        if (const auto* prompt = object.if_contains("appendToPrompt"))
            out.prompt = json::value_to<std::string>(*prompt);
        return out;
    }
    if (depth == 0) return std::nullopt;
    for (const auto& [name, member] : object)
        if (const auto* inner = member.if_object())
            if (auto found = override_in(*inner, depth - 1)) return found;
    return std::nullopt;
}

std::optional<Override> override_of(const Strategy& strategy, Step step) {
    const auto* part = strategy.configuration.if_contains(step_name(step));
    if (part == nullptr || !part->is_object()) return std::nullopt;
    return override_in(part->get_object());
}

std::string_view prompt_name(StrategyKind kind, Step step) {
    if (kind == StrategyKind::summary) return "summary_consolidation";
    if (step == Step::reflection) return "episodic_reflection";
    if (kind == StrategyKind::episodic) return "episodic_extraction";
    if (step == Step::consolidation) return "consolidation";
    return kind == StrategyKind::user_preference ? "user_preference_extraction"
                                                 : "semantic_extraction";
}

bool is_prompt(std::string_view name) {
    return std::ranges::find(kPromptTexts, name, &PromptText::name) != std::end(kPromptTexts);
}

}  // namespace

std::optional<EngineMode> engine_mode_from(std::string_view text) {
    if (text == "builtin") return EngineMode::builtin;
    if (text == "model") return EngineMode::model;
    if (text == "auto") return EngineMode::automatic;
    return std::nullopt;
}

Result<std::map<std::string, std::string, std::less<>>> read_prompts(const std::string& folder) {
    std::map<std::string, std::string, std::less<>> out;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
        const auto name = entry.path().stem().string();
        if (entry.path().extension() != ".txt" || !is_prompt(name))
            return fail(ErrorCode::invalid_argument,
                        "not the name of a prompt: " + entry.path().string());
        std::ifstream file(entry.path(), std::ios::binary);
        std::string text{std::istreambuf_iterator<char>(file), {}};
        if (text.empty() || text.size() > kPromptBytesMax)
            return fail(ErrorCode::invalid_argument,
                        "a prompt that is empty or too long: " + entry.path().string());
        out[name] = std::move(text);
    }
    if (error)
        return fail(ErrorCode::invalid_argument,
                    "cannot read prompts from " + folder + ": " + error.message());
    return out;
}

bool EngineChoice::wants_model(const Strategy& strategy) const {
    if (model_ == nullptr || config_.mode == EngineMode::builtin) return false;
    if (config_.mode == EngineMode::model || !config_.model.empty()) return true;
    for (const auto step : {Step::extraction, Step::consolidation, Step::reflection}) {
        const auto own = override_of(strategy, step);
        if (own && model_->is_capable(own->model)) return true;
    }
    return false;
}

StepPrompt EngineChoice::prompt_for(const Strategy& strategy, Step step) const {
    const auto name = prompt_name(strategy.kind, step);
    const auto replaced = config_.prompts.find(name);
    StepPrompt out{.model = config_.model};
    out.system = replaced != config_.prompts.end()
                     ? replaced->second
                     : std::string(std::ranges::find(kPromptTexts, name, &PromptText::name)->text);
    const auto own = override_of(strategy, step);
    if (!own) return out;
    out.model = own->model;
    if (!own->prompt.empty())
        out.system += "\nFurther instructions of the operator:\n" + own->prompt;
    return out;
}

}  // namespace ac::memory
