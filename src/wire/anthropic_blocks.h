#pragma once
// The content blocks of Anthropic's Messages API, one by one.

#include <vector>

#include "base/result.h"
#include "models/chat.h"
#include "wire/loose_json.h"

namespace ac::wire {

// Adds the block, and a cache point behind it where the block asks for one.
Result<> add_anthropic_block(const LooseObject& block, std::vector<models::ContentBlock>& content);

// A string, or a list of blocks.
Result<std::vector<models::ContentBlock>> anthropic_content(const LooseObject& owner,
                                                            std::string_view member);

}  // namespace ac::wire
