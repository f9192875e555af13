#pragma once
// Forced calls of tools (toolChoice "any" or "tool") on models whose chat template knows no tools:
// the model is asked for JSON that keeps to the tool's schema, which the server's grammar enforces,
// and the answer is told as a call of the tool.

#include <memory>
#include <optional>

#include "models/chat.h"

namespace ac::embedded {

// What becomes of the answer.
struct ForcedTool {
    std::string name;  // empty: the answer says which, as {"name": ..., "input": {...}}
    std::string id;    // of the call
};

// Replaces the tools of `request` by an output format; nullopt and untouched where no call is
// forced. Pure.
std::optional<ForcedTool> force_tool(models::ChatRequest& request);

// Calls and results as plain text, for a conversation that goes on without tools.
void tools_as_text(models::ChatRequest& request);

// The whole text of `inner` as one call of the tool. A text that is no call, one that a bound cut
// off, is passed on as text.
std::unique_ptr<models::ChatStream> as_tool_call(std::unique_ptr<models::ChatStream> inner,
                                                 ForcedTool tool);

}  // namespace ac::embedded
