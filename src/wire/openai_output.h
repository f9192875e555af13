#pragma once
// Answers of models as OpenAI's API gives them: whole, or as chunks of a stream.

#include <boost/json/object.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "models/chat.h"
#include "models/service.h"
#include "wire/chat_streaming.h"

namespace ac::wire {

struct OpenAiAnswer {
    std::string id;            // "chatcmpl-..."
    std::string model;         // as the caller named it
    std::int64_t created = 0;  // epoch seconds
    bool includes_usage = false;
};

boost::json::object openai_completion(models::ChatAnswer answer, const OpenAiAnswer& about);
// Server-sent events; the last one is [DONE].
std::unique_ptr<ChatEncoder> make_openai_sse(OpenAiAnswer about);

boost::json::object openai_embeddings(const models::Embeddings& made, std::string_view model,
                                      bool as_base64);
boost::json::object openai_model(const models::ModelInfo& info);

// {"error": {"message", "type", "param", "code"}} and its HTTP status.
struct OpenAiError {
    int status = 500;
    std::string body;
};
OpenAiError openai_error(const Error& error);

}  // namespace ac::wire
