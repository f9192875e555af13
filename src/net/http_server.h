#pragma once
// An HTTP/1.1 server: it accepts, parses, bounds and times out connections, and hands each request
// to one Handler as an Exchange. Connections are dealt out to the loops and stay there.
//
// What it guarantees whatever the client does: bounded memory a connection, a deadline on every
// wait (ServerLimits), no request smuggling (RFC 9112 6.1: both Content-Length and
// Transfer-Encoding is an error), one misbehaving connection costs no other anything.

#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "async/loop.h"
#include "async/task.h"
#include "base/clock.h"
#include "base/file.h"
#include "crypto/tls.h"
#include "net/body.h"
#include "net/duplex.h"
#include "net/http_message.h"

namespace ac::net {

struct ServerLimits {
    std::size_t head_bytes_max = 64 * 1024;  // request line and fields together
    std::size_t header_count_max = 200;
    std::uint64_t body_bytes_max = 5ULL << 30;  // a handler sets its own, lower, bound
    Seconds head_timeout{20};                   // from first byte (or accept) to end of head
    Seconds idle_timeout{75};                   // keep-alive without a request
    Seconds stall_timeout{60};                  // one read or write without progress
    std::size_t connections_max = 10'000;       // over it: 503 and close
    bool accepts_connect = false;               // CONNECT with "host:port" as target, for proxies
};

// One request and its answer. Lives in the connection's coroutine; everything is called on its
// loop.
class Exchange {
  public:
    virtual ~Exchange() = default;

    virtual const RequestHead& request() const = 0;
    virtual Body& body() = 0;
    virtual std::string_view peer() const = 0;  // "127.0.0.1:54321"

    // Answers whole. Call exactly one of respond() and start().
    virtual Task<> respond(Response response) = 0;

    // Answers as it comes: start(), write()..., finish(). With Content-Length in `head` that many
    // bytes must follow; without, chunked coding is used (or close-delimited for HTTP/1.0). Each
    // write() has left for the socket when it ends. cancelled: the client went away.
    virtual Task<> start(ResponseHead head) = 0;
    virtual Task<> write(std::string_view bytes) = 0;  // bytes live until the Task is done
    virtual Task<> finish() = 0;
    virtual bool started() const = 0;

    // Answers with a head after which the connection speaks something else: 101 with Connection and
    // Upgrade fields, or a 2xx to CONNECT. It closes when the handler returns. The Duplex lives as
    // long as the exchange. What the client sent behind its request is read from there.
    virtual Task<Duplex*> switch_protocols(ResponseHead head) = 0;

    // Ends the connection without a valid end of the message: the client must see that a stream
    // broke off.
    virtual void abort() = 0;

    // Completes (with an error) when the client has gone away; awaited beside the work, so that
    // work nobody waits for can stop. Cancel it when the work is done first.
    virtual Task<> wait_closed() = 0;
};

// A handler answers every exchange; an exception out of it is a bug: the server answers 500 if
// nothing was started and closes.
class Handler {
  public:
    virtual ~Handler() = default;
    virtual Detached handle(Exchange& exchange) = 0;
};

class HttpServer {
  public:
    virtual ~HttpServer() = default;
    // Bound address, with the real port after port 0 was asked for.
    virtual asio::ip::tcp::endpoint endpoint() const = 0;
    // Stops accepting, lets exchanges in flight finish until `deadline`, then closes the rest.
    // deadline_exceeded: some had to be cut off. Drain before the server is destroyed unless the
    // loops have been stopped; await it on a loop of the server's.
    virtual Task<> drain(SteadyTime deadline) = 0;
    virtual std::size_t connections() const = 0;
};

// Binds and listens at once; serves as soon as the loops run. unavailable when the address cannot
// be bound. `handler`, `loops`, `clock` and `tls` (without it: plain HTTP) outlive the server.
Result<std::unique_ptr<HttpServer>> make_http_server(Loops& loops, const Clock& clock,
                                                     Handler& handler, std::string_view host,
                                                     std::uint16_t port, ServerLimits limits = {},
                                                     const TlsServer* tls = nullptr);
// The same on a socket that listens already: one inside a sandbox's network namespace, a Unix
// socket, one handed over by a supervisor.
Result<std::unique_ptr<HttpServer>> make_http_server(Loops& loops, const Clock& clock,
                                                     Handler& handler, UniqueFd listener,
                                                     ServerLimits limits = {},
                                                     const TlsServer* tls = nullptr);

}  // namespace ac::net
