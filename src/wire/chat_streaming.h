#pragma once
// One answer of a model, passed on to the caller as it comes, in whatever API the caller speaks.

#include <functional>
#include <string>
#include <string_view>

#include "async/task.h"
#include "models/service.h"
#include "net/http_server.h"

namespace ac::wire {

// Turns events into the bytes of one response. An event may become nothing, or several events of
// the other API. One answer each.
class ChatEncoder {
  public:
    virtual ~ChatEncoder() = default;
    virtual std::string_view content_type() const = 0;
    virtual void add_headers(net::Headers&) const {}
    virtual std::string encode(const models::ChatEvent& event) = 0;
    virtual std::string end() = 0;  // after the last event
    // The stream breaks off; nothing follows.
    virtual std::string error(const Error& error) = 0;
};

// Asks the model and answers `exchange`. An Error is returned only when nothing was written. A
// caller that goes away ends the work, and with it the model's. All arguments outlive the Task.
Task<> stream_chat(models::ModelService& models, models::ChatRequest request, models::Caller caller,
                   ChatEncoder& encoder, net::Exchange& exchange);

// The whole answer; ends early, with `cancelled`, when the caller goes away.
Task<models::ChatAnswer> await_chat(models::ModelService& models, models::ChatRequest request,
                                    models::Caller caller, net::Exchange& exchange);

}  // namespace ac::wire
