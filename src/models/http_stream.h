#pragma once
// A provider's streamed HTTP answer as a ChatStream: reads a piece only when it is asked for an
// event and has none, under the call's time bounds, and lets a decoder make events of it.

#include <memory>
#include <string>

#include "models/chat.h"
#include "models/event_queue.h"
#include "models/upstream.h"

namespace ac::models {

// Sans-I/O: one provider's bytes in any pieces to events. Has a fuzzer each.
class ChatDecoder {
  public:
    virtual ~ChatDecoder() = default;
    // Errors end the stream: model_failed for garbage, or what the provider's own error event
    // means.
    virtual Result<> feed(std::string_view bytes, EventQueue& out) = 0;
    // The body has ended. model_failed when the answer has not.
    virtual Result<> end(EventQueue& out) = 0;
};

// Ends when the first event is there. `clock` outlives the stream.
Task<std::unique_ptr<ChatStream>> open_http_stream(std::string provider, HttpAnswer answer,
                                                   std::unique_ptr<ChatDecoder> decoder,
                                                   CallTimes times, const Clock& clock);

}  // namespace ac::models
