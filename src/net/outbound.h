#pragma once
// HTTP and HTTPS to servers outside: one pool of connections an origin, certificates verified,
// addresses guarded, redirects followed only where asked and guarded as well.

#include <memory>
#include <string>

#include "async/timer.h"
#include "crypto/tls.h"
#include "net/address_guard.h"
#include "net/http_client.h"
#include "net/url.h"

namespace ac::net {

struct OutboundRequest {
    std::string method = "GET";
    Url url;
    Headers headers;  // Host is set here
    std::string body;
    std::size_t answer_bytes_max = 1 << 20;
    // Only GET is redirected, and never from https to http; Authorization and Cookie stay with the
    // origin that they were meant for.
    int redirects_max = 0;
};

// Thread-safe.
class Outbound {
  public:
    virtual ~Outbound() = default;
    // An exchange whose Host the caller sets (url.authority()). Errors: permission_denied (an
    // address that the guard refuses, a certificate that is not accepted), unavailable,
    // deadline_exceeded. An exchange on a kept connection may fail with may_retry().
    virtual Task<std::unique_ptr<ClientExchange>> open(const Url& url, SteadyTime deadline) = 0;
    // The answer whole, whatever its status; too_large over answer_bytes_max. A redirect over the
    // bound is the answer.
    virtual Task<Response> fetch(OutboundRequest request, SteadyTime deadline) = 0;
};

struct OutboundOptions {
    AddressGuard guard;
    std::string ca_file;  // PEM, instead of the system's certificate authorities
    ClientLimits limits = {};
};

// invalid_argument: the certificate authorities cannot be read. `timer` and the loops outlive it.
Result<std::unique_ptr<Outbound>> make_outbound(OutboundOptions options, Timer& timer);

}  // namespace ac::net
