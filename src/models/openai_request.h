#pragma once
// A ChatRequest in the words of OpenAI's chat completions. Pure.

#include <boost/json/object.hpp>
#include <string>

#include "models/chat.h"

namespace ac::models {

struct OpenAiDialect {
    bool streams = true;
    std::string max_tokens_field = "max_tokens";
};

// invalid_argument: a block that this API has no place for (a Word document, say).
Result<json::object> openai_request(const ChatRequest& request, const OpenAiDialect& dialect);

}  // namespace ac::models
