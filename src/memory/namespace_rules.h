#pragma once
// Variables in namespace templates. Three are given with every event (actorId, sessionId,
// memoryStrategyId); others are a memory's own, declared as namespaceKeys with an optional
// validation, and given with an event's extractionConfig.

#include "base/result.h"
#include "memory/types.h"

namespace ac::memory {

// "/a/{actorId}/{team}": actorId, team.
std::vector<std::string> variables_of(std::string_view pattern);

// invalid_argument: a key is declared twice or has a pattern that is none; a template, of a
// reflection too, names a variable that nobody declared.
Result<> check_namespaces(const Memory& memory);

// What an event gives: invalid_argument for a variable that is not declared or a value that its
// validation refuses.
Result<> check_variables(const Memory& memory, const json::object& variables);

// Where an episodic strategy's reflections go; empty: it has none.
std::string reflection_template(const Strategy& strategy);

}  // namespace ac::memory
