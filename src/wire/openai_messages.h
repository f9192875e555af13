#pragma once
// The messages of a chat completion as turns of a conversation: system texts apart, results of
// tools in the user's turns, neighbours of one role made one.

#include "base/result.h"
#include "models/chat.h"
#include "wire/loose_json.h"

namespace ac::wire {

// Fills in `system` and `messages`.
Result<> read_openai_messages(const LooseObject& body, models::ChatRequest& request);

}  // namespace ac::wire
