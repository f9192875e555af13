#pragma once
// Code Interpreter's inputs and outputs between the members of the API model and the service's
// types. Inputs have been validated against the tables; what the model cannot say is checked here.

#include <boost/json/object.hpp>
#include <string>

#include "interpreter/interpreter_service.h"
#include "wire/lifted_texts.h"

namespace ac::wire {

namespace json = boost::json;

// By id or ARN, of either member that names one.
interpreter::InterpreterId interpreter_id_from(const json::object& input);
// not_implemented: something that this version does not do.
Result<interpreter::NewInterpreter> new_interpreter_from(const json::object& input);
Result<interpreter::NewSession> new_session_from(const json::object& input);
interpreter::SessionQuery session_query_from(const json::object& input);
interpreter::InterpreterKind interpreter_kind_from(const json::object& input);
interpreter::PageRequest interpreter_page_from(const json::object& input);
// invalid_argument: an argument that the tool needs is missing, or does not fit.
// Takes the bytes of files out of `lifted`.
Result<interpreter::ToolCall> tool_call_from(const json::object& input, LiftedTexts& lifted);

std::string interpreter_arn(const Scope& scope, const interpreter::InterpreterId& id);
// GetCodeInterpreter's output; the other outputs are parts of it.
json::object interpreter_output(const Scope& scope, const interpreter::Interpreter& interpreter);
json::object session_output(const interpreter::SessionView& session);

}  // namespace ac::wire
