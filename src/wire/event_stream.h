#pragma once
// What our own event streams carry, in the frames of net/event_stream.h.

#include <string>
#include <string_view>

#include "base/error.h"
#include "net/event_stream.h"
#include "wire/operation.h"

namespace ac::wire {

using net::crc32;
using net::encode_message;
using net::EventDecoder;
using net::EventHeader;
using net::EventMessage;
using net::kEventStreamType;

// One event of a stream: `event_type` is the member's name in the output union.
std::string encode_event(std::string_view event_type, std::string json);
// An error after the stream has begun, as the operation's model names it; the stream ends after it.
std::string encode_stream_error(const Error& error, const OperationSpec* operation);

}  // namespace ac::wire
