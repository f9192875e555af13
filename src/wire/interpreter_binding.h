#pragma once
// Connects the operations of Code Interpreter to the service: all 9.

#include "interpreter/interpreter_service.h"
#include "wire/tag_binding.h"

namespace ac::wire {

// `service` outlives `api`.
void bind_interpreter(Api& api, interpreter::InterpreterService& service);
std::unique_ptr<TagOwner> make_interpreter_tags(interpreter::InterpreterService& service);

}  // namespace ac::wire
