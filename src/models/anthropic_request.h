#pragma once
// A ChatRequest in the words of Anthropic's Messages API. Pure.

#include <boost/json/object.hpp>

#include "models/chat.h"

namespace ac::models {

// invalid_argument: a block that this API has no place for.
Result<json::object> anthropic_request(const ChatRequest& request);

}  // namespace ac::models
