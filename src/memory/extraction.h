#pragma once
// The built-in record engine: from messages to statements, without a model, the same for the same
// input. It quotes, never obeys: a statement is what somebody said, under the speaker's name, and
// sentences that address a machine ("ignore your instructions") are left out. Days that a sentence
// names relatively ("yesterday") are resolved against the time of the event.
//
// English and Korean.

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "memory/types.h"

namespace ac::memory {

struct Message {
    std::string speaker;     // "User", or the name that the text begins with ("Anna: ...")
    bool is_person = false;  // not an assistant nor a tool
    std::string text;
    bool is_document = false;  // JSON, told as text
};

// The texts and documents of an event's payload; blobs have no statements.
std::vector<Message> messages_of(const json::array& payload);

struct Statement {
    std::string text;
    // What it is about: a later statement with the same subject takes its place, an equal one
    // merges with it.
    std::string subject;
};

std::vector<Statement> facts_of(const std::vector<Message>& messages, WallTime when);
std::vector<Statement> preferences_of(const std::vector<Message>& messages, WallTime when);

// The sentences that say most about the whole, in their order; empty when there is nothing to say.
std::string summary_of(const std::vector<Message>& messages);
// What was wanted first and what came of it last.
std::string episode_of(const std::vector<Message>& messages);

// Talk to a machine rather than about a person ("ignore your instructions").
bool addresses_machine(std::string_view text);

// The subject of records about several episodes of an actor.
inline constexpr std::string_view kReflectionSubject = "reflection:";
// What several episodes have in common: of each, the sentences whose words others have too. Empty
// when they have nothing in common.
std::string reflection_of(const std::vector<std::string>& episodes);

// For the engine's own parts and their tests.
std::vector<std::string> sentences_of(std::string_view text);
std::string resolve_days(std::string_view sentence, WallTime when);

// "/actors/{actorId}/" with its variables filled in; nullopt when one is unknown.
struct NamespaceVariables {
    std::string actor;
    std::string session;
    std::string strategy;
    const json::object* custom = nullptr;
};
std::optional<std::string> expand_namespace(std::string_view pattern,
                                            const NamespaceVariables& variables);

}  // namespace ac::memory
