#pragma once
// What the servers and clients of TLS share inside crypto/; nobody else includes it.

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "crypto/tls.h"

namespace ac::openssl {

struct FreeContext {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using Context = std::unique_ptr<SSL_CTX, FreeContext>;

// The oldest error is the cause; the queue is the thread's and must not reach the next caller.
std::string take_error();
// invalid_argument with `what` and that error.
std::unexpected<Error> refused(const char* what);

// TLS 1.2 or newer.
Result<Context> make_context(const SSL_METHOD* method);
// By ALPN HTTP/2 or HTTP/1.1.
std::unique_ptr<TlsServer> make_server(Context context);

}  // namespace ac::openssl
