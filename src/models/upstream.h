#pragma once
// Where a provider listens, and one call to it: what the providers that speak HTTP share.

#include <functional>
#include <memory>
#include <string>

#include "models/chat.h"
#include "models/config.h"
#include "net/outbound.h"

namespace ac::models {

// Thread-safe.
class Upstream {
  public:
    virtual ~Upstream() = default;
    virtual Task<std::unique_ptr<net::ClientExchange>> open(SteadyTime deadline) = 0;
    virtual const std::string& authority() const = 0;  // the Host field
    virtual const std::string& base_path()
        const = 0;  // before "/chat/completions"; no '/' at its end
};

// `outbound` outlives it.
std::unique_ptr<Upstream> make_outbound_upstream(net::Outbound& outbound, net::Url base);
// Over connections of one's own, such as those into a sandbox. Both outlive it.
std::unique_ptr<Upstream> make_connector_upstream(net::Connector& connector, Timer& timer,
                                                  std::string base_path);

struct HttpAsk {
    std::string path;      // after the base path
    net::Headers headers;  // Host and Content-Type are set
    std::string body;      // JSON
    // Adds what is made of the rest of the head, a signature say. May be null.
    std::function<void(net::RequestHead& head, const std::string& body)> finish_head = {};
};

// The time bounds of one call.
struct CallTimes {
    SteadyTime deadline;             // of the whole
    SteadyTime first_byte_deadline;  // of the first event
    Milliseconds idle;               // between two reads
};
CallTimes times_of(const ProviderLimits& limits, const Clock& clock, SteadyTime deadline);

struct HttpAnswer {
    std::unique_ptr<net::ClientExchange> exchange;
    net::ResponseHead head;
};

// POSTs; ends when the head of a success is there. A kept connection that turns out to be dead is
// replaced. Errors: those of ChatModel::start(), named after `provider`; a status that is no
// success becomes its error, with what the body says.
Task<HttpAnswer> ask(Upstream& upstream, const std::string& provider, HttpAsk ask, CallTimes times);

// The whole body, parsed. model_failed: it is no JSON or too large.
Task<json::value> read_json(HttpAnswer& answer, const std::string& provider, std::size_t bytes_max);

// What a provider's error means, and what it says of itself (OpenAI's and Anthropic's {"error":
// {"message": ...}}, AWS's {"message": ...}, or the text as it is).
Error error_of_status(const std::string& provider, int status, std::string_view body);

// An Error of the connection as one of models: what is broken there is the provider's.
Error error_of_connection(const std::string& provider, Error error);

}  // namespace ac::models
