#pragma once
// Listening sockets: making them and taking connections off them.

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/file.h"

namespace ac::net {

// A listening TCP socket whose connections send without delay and notice dead peers. `host` is an
// address or a name of this machine. unavailable when it cannot be bound.
Result<UniqueFd> listen_tcp(std::string_view host, std::uint16_t port);

struct Accepted {
    enum class Outcome { connection, none_waiting, try_again, exhausted };
    Outcome outcome = Outcome::none_waiting;
    UniqueFd socket;
    std::string peer;  // "127.0.0.1:54321"; "local" for a socket without addresses
    int error = 0;     // with Outcome::exhausted: EMFILE and its kin
};

// Never blocks.
Accepted accept_one(int listener);

// "127.0.0.1:54321", "[::1]:80".
std::string address_text(const sockaddr_storage& address);

}  // namespace ac::net
