#pragma once
// What a Stream keeps when it speaks TLS.

#include <array>
#include <memory>

#include "net/stream.h"

namespace ac::net {

struct Stream::Tls {
    explicit Tls(std::unique_ptr<TlsSession> s) : session(std::move(s)) {}

    std::unique_ptr<TlsSession> session;
    std::array<char, 16 * 1024> input;  // one record of ciphertext (RFC 8446 5.1)
};

}  // namespace ac::net
