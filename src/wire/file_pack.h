#pragma once
// The files of a writeFiles, one behind the other as the session's agent takes them.

#include <boost/json/array.hpp>

#include "interpreter/tool_call.h"
#include "wire/lifted_texts.h"

namespace ac::wire {

// Sets the call's files and bytes from `content`. Lifted texts are decoded where they are: a JSON
// string is never shorter than what it says, and they come in the order of the body, so that each
// file finds its place before the text that is looked at next. Takes the body out of `lifted`.
// invalid_argument names the entry.
Result<> pack_files(interpreter::ToolCall& call, const boost::json::array& content,
                    LiftedTexts& lifted);

}  // namespace ac::wire
