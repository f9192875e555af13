#pragma once
// What goes to a language model and what may come back. Whatever people said is a member of one
// JSON document, never part of the instructions; an answer is believed only as far as its schema
// goes: numbers must be those that were given out, texts are bounded, anything else is
// model_output. Pure.

#include <span>

#include "base/result.h"
#include "memory/extraction.h"
#include "memory/types.h"

namespace ac::memory {

inline constexpr std::string_view kBadAnswer = "ModelAnswerInvalid";

struct ModelStatement {
    std::string text;
    RecordMetadata metadata;  // what the strategy's schema lets a model infer
};

struct Decision {
    enum class Action { add, update, no_op };
    std::size_t statement = 0;
    Action action = Action::add;
    std::size_t record = 0;  // of update and no_op
    std::string text;        // of update
};

struct Reflection {
    std::string text;
    std::optional<std::size_t> replaces;
};

// The document that a step works on.
std::string extraction_data(const std::vector<Message>& earlier,
                            const std::vector<Message>& conversation, WallTime when,
                            const json::object& schema);
std::string consolidation_data(const std::vector<ModelStatement>& statements,
                               const std::vector<Record>& records);
std::string summary_data(const std::string& summary, const std::vector<Message>& conversation,
                         WallTime when);
std::string reflection_data(const std::vector<Record>& episodes,
                            const std::vector<Record>& records);

// Schemas of the answers.
json::value statements_schema();
json::value decisions_schema();
json::value summary_schema();
json::value episode_schema();
json::value reflections_schema();

// guest_failed with reason kBadAnswer when an answer is none.
Result<std::vector<ModelStatement>> parse_statements(std::string_view answer,
                                                     const json::object& schema);
// One decision for each statement, in order; one that the model forgot is an ADD.
Result<std::vector<Decision>> parse_decisions(std::string_view answer, std::size_t statements,
                                              std::size_t records);
Result<std::string> parse_summary(std::string_view answer);
Result<std::string> parse_episode(std::string_view answer);
Result<std::vector<Reflection>> parse_reflections(std::string_view answer, std::size_t records);

}  // namespace ac::memory
