#pragma once
// A request of Anthropic's Messages API (the front /v1/messages, and bodies of InvokeModel) as a
// request to a model.

#include <boost/json/object.hpp>

#include "base/result.h"
#include "models/chat.h"

namespace ac::wire {

// `model` is what the body says, or empty. invalid_argument names the member.
Result<models::ChatRequest> anthropic_request(const boost::json::object& body);

}  // namespace ac::wire
