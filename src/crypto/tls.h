#pragma once
// TLS 1.2 and 1.3 (RFC 5246, RFC 8446) without sockets: bytes from the peer go in, bytes for the
// peer come out, net/stream moves them. By ALPN (RFC 7301) clients offer HTTP/1.1, servers take
// HTTP/2 or HTTP/1.1.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ac {

// One side of one connection. Not thread-safe.
class TlsSession {
  public:
    virtual ~TlsSession() = default;

    // True once the handshake is done; false: output() has to leave and more input is needed.
    // permission_denied: the peer's certificate is not accepted; cancelled: the peer gave up or
    // does not speak TLS.
    virtual Result<bool> handshake() = 0;

    // What came from the peer.
    virtual void feed(std::string_view ciphertext) = 0;
    // The peer's side of the socket has ended. Without its close_notify that is a truncation, which
    // read() tells as cancelled (RFC 8446 6.1).
    virtual void feed_end() = 0;
    // Plaintext; 0 at the peer's close_notify; nullopt when more input is needed.
    virtual Result<std::optional<std::size_t>> read(std::span<char> out) = 0;

    // Encrypts all of `plaintext` into output().
    virtual Result<> write(std::string_view plaintext) = 0;
    virtual void write_end() = 0;  // close_notify

    // For the peer; the view lives until the next call of any other function.
    virtual std::string_view output() const = 0;
    virtual void consume_output(std::size_t bytes) = 0;
};

struct TlsClientOptions {
    std::string ca_file;  // PEM, instead of the system's certificate authorities
};

// Thread-safe: makes the sessions of all connections to servers.
class TlsClient {
  public:
    virtual ~TlsClient() = default;
    // `host`, a name or an address, is what the certificate must be for (RFC 9525).
    virtual Result<std::unique_ptr<TlsSession>> connect(const std::string& host) const = 0;
};

Result<std::unique_ptr<TlsClient>> make_tls_client(const TlsClientOptions& options);

struct TlsServerOptions {
    std::string certificate_file;  // PEM, with its chain
    std::string key_file;          // PEM
};

// Thread-safe: makes the sessions of all accepted connections.
class TlsServer {
  public:
    virtual ~TlsServer() = default;
    virtual Result<std::unique_ptr<TlsSession>> accept() const = 0;
};

// invalid_argument: a file cannot be read or the key is another certificate's.
Result<std::unique_ptr<TlsServer>> make_tls_server(const TlsServerOptions& options);

}  // namespace ac
