#pragma once
// An HTTP/1.1 client that streams both ways. Where the bytes go is a Connector's business (TCP, or
// a socket inside a sandbox's network namespace); keep-alive is the pool's.

#include <cstdint>
#include <memory>
#include <string>

#include "async/task.h"
#include "async/timer.h"
#include "base/file.h"
#include "crypto/tls.h"
#include "net/address_guard.h"
#include "net/body.h"
#include "net/duplex.h"
#include "net/http_message.h"

namespace ac::net {

// Opens connections to one upstream. Thread-safe.
class Connector {
  public:
    virtual ~Connector() = default;
    // A connected stream socket, non-blocking. unavailable: nobody listens (yet);
    // deadline_exceeded.
    virtual Task<UniqueFd> connect(SteadyTime deadline) = 0;
};

// `guard`, where given, judges each address before it is connected to, and outlives the connector.
// permission_denied: it refuses all of them.
std::unique_ptr<Connector> make_tcp_connector(std::string host, std::uint16_t port, Timer& timer,
                                              const AddressGuard* guard = nullptr);

struct ClientLimits {
    std::size_t head_bytes_max = 64 * 1024;
    std::size_t header_count_max = 200;
    Seconds write_stall_timeout{60};   // one write without progress
    Seconds read_stall_timeout{1800};  // one read of a body; a model may think for long
    Seconds idle_timeout{60};          // an idle connection older than that is not used again
};

// One request on one connection. The order is fixed: send_head, write_body..., finish_request,
// read_head, then body(). All on one loop.
//
// The two sides are independent: one coroutine may write while another is in read_head() or reads
// the body, which is what a proxy of two streams wants. With a single coroutine a server that
// answers before it has read the request blocks nobody either: see request_dropped().
class ClientExchange {
  public:
    virtual ~ClientExchange() = default;
    // `length` nullopt means chunked; 0 means no body. Host must be in the headers.
    virtual Task<> send_head(const RequestHead& head, std::optional<std::uint64_t> length) = 0;
    virtual Task<> write_body(std::string_view bytes) = 0;
    virtual Task<> finish_request() = 0;
    // The server has answered or left and does not read the rest of the request: write_body() and
    // finish_request() do nothing any more, read_head() tells what it said.
    virtual bool request_dropped() const = 0;
    // True as soon as bytes of the response are there, or the server has closed (read_head()
    // tells); false when neither came until `deadline`. For callers that do something else
    // meanwhile only when it takes long.
    virtual Task<bool> heard_by(SteadyTime deadline) = 0;
    // Final response head (1xx are skipped, but for a 101 that the request asked for). cancelled:
    // the server closed or reset; invalid_argument: it does not speak HTTP; too_large: its head is
    // over the limit.
    virtual Task<ResponseHead> read_head(SteadyTime deadline) = 0;
    virtual Body& body() = 0;
    // After a 101 to a request with an Upgrade field: what the connection speaks now. Lives as long
    // as the exchange.
    virtual Duplex& duplex() = 0;
    // True when nothing of the response had arrived and the connection was a reused one: the
    // request may be sent again on a fresh connection.
    virtual bool may_retry() const = 0;
    // Ends every later wait of this exchange at that moment: deadline_exceeded.
    virtual void set_deadline(SteadyTime deadline) = 0;
};

// Keep-alive connections to one upstream. An exchange whose response was read to its end gives its
// connection back; anything else closes it. Thread-safe: idle connections are kept by loop. The
// loops that use a pool outlive it.
class ClientPool {
  public:
    virtual ~ClientPool() = default;
    // Errors: the connector's; cancelled after close().
    virtual Task<std::unique_ptr<ClientExchange>> open(SteadyTime deadline) = 0;
    // Closes idle connections; exchanges under way go on.
    virtual void close() = 0;
};

inline constexpr std::size_t kIdleConnectionsMax = 64;

// TLS where `tls` is given; it outlives the pool. `host` is what the certificate must be for.
struct ClientSecurity {
    const TlsClient* tls = nullptr;
    std::string host = {};
};

// `timer` outlives the pool and its exchanges, `connector` the pool.
std::unique_ptr<ClientPool> make_client_pool(Connector& connector, Timer& timer,
                                             ClientLimits limits = {},
                                             std::size_t idle_max = kIdleConnectionsMax,
                                             ClientSecurity security = {});

// A small request whole, for the CLI, discovery documents and tests; too_large over `max_bytes`. A
// kept connection that turns out to be dead is replaced once.
Task<Response> fetch(ClientPool& pool, RequestHead head, std::string body, SteadyTime deadline,
                     std::size_t max_bytes);

}  // namespace ac::net
