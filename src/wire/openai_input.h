#pragma once
// Requests of OpenAI's chat completions and embeddings as requests to a model.

#include <boost/json/object.hpp>

#include "base/result.h"
#include "models/chat.h"
#include "models/embedder.h"

namespace ac::wire {

struct OpenAiChat {
    models::ChatRequest request;
    bool streams = false;
    bool includes_usage = false;  // stream_options
};

// invalid_argument names the member, as "messages.0.content".
Result<OpenAiChat> openai_chat_from(const boost::json::object& body);

struct OpenAiEmbedding {
    models::EmbedRequest request;
    bool as_base64 = false;
};
Result<OpenAiEmbedding> openai_embedding_from(const boost::json::object& body);

}  // namespace ac::wire
