#pragma once
// A ChatRequest as the body of Bedrock's own Converse and ConverseStream. Pure.

#include <boost/json/object.hpp>

#include "models/chat.h"

namespace ac::models {

json::object converse_request(const ChatRequest& request);

}  // namespace ac::models
