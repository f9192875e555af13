#pragma once
// A message of an event stream written around its payload, which is appended to `out` in between:
// no copy of it is made.

#include <string>
#include <vector>

#include "net/event_stream.h"

namespace ac::net {

// `out` is empty, and begins with the message afterwards.
void begin_message(std::string& out, const std::vector<EventHeader>& headers);
void end_message(std::string& out);

}  // namespace ac::net
