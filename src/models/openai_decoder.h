#pragma once
// OpenAI's answers to events: the stream of chat.completion.chunk, and one chat.completion whole.
// Written for what servers send, not only for what OpenAI documents: arguments as an object,
// several tools under one index, no usage, no finish_reason, reasoning under two names.

#include <memory>

#include "models/http_stream.h"

namespace ac::models {

// `provider` for messages. `text/event-stream`.
std::unique_ptr<ChatDecoder> make_openai_stream_decoder(std::string provider);
// `application/json`.
std::unique_ptr<ChatDecoder> make_openai_whole_decoder(std::string provider);

}  // namespace ac::models
