#pragma once
// The inputs of Converse, ConverseStream and CountTokens as a request to a model. What the API
// model cannot say (who may speak when, which blocks may stand where) is checked here, with AWS's
// own wording where it is known: clients look for it.

#include <boost/json/object.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "models/chat.h"

namespace ac::wire {

// A validated input of one of the operations; `model` is left empty. invalid_argument names the
// member.
Result<models::ChatRequest> chat_request_from(const boost::json::object& input);

// An invalid_argument about one member of an input.
std::unexpected<Error> bad_member(std::string path, std::string message);

// The model's id in what a caller may name it by: an id, or the ARN of a foundation model or of an
// inference profile.
std::string model_id_from(std::string_view identifier);

}  // namespace ac::wire
