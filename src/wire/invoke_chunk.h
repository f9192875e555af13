#pragma once
// Pieces of InvokeModelWithResponseStream's answer: a model's own JSON inside Bedrock's frames.

#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include "models/chat.h"

namespace ac::wire {

std::string encode_chunk(std::string_view json);
// What Bedrock adds to a model's last chunk.
boost::json::object invocation_metrics(const models::Metadata& metadata);

}  // namespace ac::wire
