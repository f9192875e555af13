#pragma once
// Bedrock's own stream (application/vnd.amazon.eventstream) to events.

#include <memory>

#include "models/http_stream.h"

namespace ac::models {

std::unique_ptr<ChatDecoder> make_converse_decoder(std::string provider);

}  // namespace ac::models
