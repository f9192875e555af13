#pragma once
// Anthropic's stream of message_start, content_block_..., message_delta, message_stop to events.

#include <memory>

#include "models/http_stream.h"

namespace ac::models {

std::unique_ptr<ChatDecoder> make_anthropic_decoder(std::string provider);

}  // namespace ac::models
