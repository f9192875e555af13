#include "net/listener.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <memory>

namespace ac::net {
namespace {

// A peer that vanished without a word is noticed after about two minutes.
constexpr int kProbeAfterSeconds = 60;
constexpr int kProbeEverySeconds = 15;
constexpr int kProbes = 4;

void set_option(int fd, int level, int name, int value) {
    // Best effort: a Unix socket has none of these.
    (void)::setsockopt(fd, level, name, &value, sizeof value);
}

Result<UniqueFd> listen_on(const addrinfo& address) {
    UniqueFd fd(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return fail(errno_error("socket", errno));
    // Linux hands these on to accepted connections.
    set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    set_option(fd.get(), SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd.get(), IPPROTO_TCP, TCP_KEEPIDLE, kProbeAfterSeconds);
    set_option(fd.get(), IPPROTO_TCP, TCP_KEEPINTVL, kProbeEverySeconds);
    set_option(fd.get(), IPPROTO_TCP, TCP_KEEPCNT, kProbes);
    if (::bind(fd.get(), address.ai_addr, address.ai_addrlen) != 0)
        return fail(errno_error("bind", errno));
    if (::listen(fd.get(), SOMAXCONN) != 0) return fail(errno_error("listen", errno));
    return fd;
}

}  // namespace

Result<UniqueFd> listen_tcp(std::string_view host, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    const std::string name(host);
    addrinfo* found = nullptr;
    const int code = ::getaddrinfo(name.c_str(), std::to_string(port).c_str(), &hints, &found);
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(found, ::freeaddrinfo);
    const std::string what = "cannot listen on " + name + " port " + std::to_string(port) + ": ";
    if (code != 0) return fail(ErrorCode::unavailable, what + ::gai_strerror(code));
    std::string why;
    for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
        auto listener = listen_on(*address);
        if (listener) return listener;
        why = listener.error().message;
    }
    return fail(ErrorCode::unavailable, what + why);
}

std::string address_text(const sockaddr_storage& address) {
    char text[INET6_ADDRSTRLEN] = {};
    if (address.ss_family == AF_INET) {
        const auto& in = reinterpret_cast<const sockaddr_in&>(address);
        ::inet_ntop(AF_INET, &in.sin_addr, text, sizeof text);
        return std::string(text) + ":" + std::to_string(ntohs(in.sin_port));
    }
    if (address.ss_family == AF_INET6) {
        const auto& in = reinterpret_cast<const sockaddr_in6&>(address);
        ::inet_ntop(AF_INET6, &in.sin6_addr, text, sizeof text);
        return "[" + std::string(text) + "]:" + std::to_string(ntohs(in.sin6_port));
    }
    return "local";
}

Accepted accept_one(int listener) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    Accepted accepted;
    const int fd = ::accept4(listener, reinterpret_cast<sockaddr*>(&address), &size,
                             SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        accepted.outcome = Accepted::Outcome::connection;
        accepted.socket.reset(fd);
        accepted.peer = address_text(address);
        return accepted;
    }
    switch (errno) {
        case EAGAIN:
            return accepted;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
            accepted.outcome = Accepted::Outcome::exhausted;
            accepted.error = errno;
            return accepted;
        default:
            // The connection failed while it waited (accept(2) lists the network's errors), or a
            // signal came.
            accepted.outcome = Accepted::Outcome::try_again;
            return accepted;
    }
}

}  // namespace ac::net
