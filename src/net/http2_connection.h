#pragma once
// HTTP/2 (RFC 9113) on a connection whose first bytes are its preface, agreed on by ALPN or by
// prior knowledge: AWS's JavaScript client of Bedrock speaks nothing else. Each stream is an
// Exchange like any other, in a coroutine of its own. Framing and flow control are nghttp2's
// (jailed in the .cpp).

#include <memory>
#include <string>
#include <string_view>

#include "net/read_buffer.h"
#include "net/stream.h"

namespace ac::net {

class ConnectionHost;

// What the preface looks like to a reader of HTTP/1.1 heads.
inline constexpr std::string_view kHttp2Head = "PRI * HTTP/2.0\r\n\r\n";

// Serves the connection until it ends; `buffer` begins with the preface. `stream`, `buffer` and
// `peer` live until then; streams under way go on in the host's task group and find it closed.
Detached serve_http2(std::shared_ptr<ConnectionHost> host, Stream& stream, ReadBuffer& buffer,
                     std::string peer);

}  // namespace ac::net
