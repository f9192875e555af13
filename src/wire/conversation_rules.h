#pragma once
// What holds for every conversation, whatever API it came by: who speaks when, and that calls of
// tools and their results go together. Paths are those of Converse ("messages.1.content.0"), which
// Anthropic's API shares.

#include "base/result.h"
#include "models/chat.h"

namespace ac::wire {

// The rules, and then consecutive messages of the user are made one (some providers insist).
// invalid_argument names the member.
Result<> settle_conversation(models::ChatRequest& request);

// Tools have different names, and the one that must be called exists.
Result<> check_tools(const models::ChatRequest& request);

}  // namespace ac::wire
