#pragma once
// InvokeAgentRuntimeCommand's answer: an event stream of what the command writes.

#include <boost/json/object.hpp>

#include "runtime/runtime_service.h"
#include "wire/api.h"

namespace ac::wire {

// `input` is the operation's. An Error only before the stream has begun.
Task<> stream_command(runtime::RuntimeService& service, runtime::SessionAddress address,
                      boost::json::object input, const CallContext& call, net::Exchange& exchange);

}  // namespace ac::wire
