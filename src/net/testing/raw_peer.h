#pragma once
// For tests: the other side of a connection as a plain blocking socket on the test's own thread,
// so that it can misbehave at will. Every wait ends after kPatience with a test failure instead of
// a hang.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/file.h"

namespace ac::net::testing {

class RawPeer final {
  public:
    static constexpr int kPatienceMs = 20'000;

    RawPeer() = default;
    explicit RawPeer(UniqueFd fd) : fd_(std::move(fd)) {}

    static RawPeer connect(std::uint16_t port, int receive_buffer_bytes = 0) {
        UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (receive_buffer_bytes > 0)
            (void)::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes,
                               sizeof receive_buffer_bytes);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        return RawPeer(std::move(fd));
    }

    // False when the other side has gone.
    bool send(std::string_view text) {
        while (!text.empty()) {
            const ssize_t count = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
            if (count <= 0) return false;
            text.remove_prefix(static_cast<std::size_t>(count));
        }
        return true;
    }
    // What can be sent without blocking; 0 when the other side's buffers are full.
    std::size_t send_some(std::string_view text) {
        const ssize_t count =
            ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        return count < 0 ? 0 : static_cast<std::size_t>(count);
    }
    void end_sending() { ::shutdown(fd_.get(), SHUT_WR); }
    void close() { fd_.reset(); }
    void reset() {
        const linger now{1, 0};
        (void)::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
        fd_.reset();
    }

    // Some bytes, or "" when the other side has closed.
    std::string receive_some() {
        pollfd waits{fd_.get(), POLLIN, 0};
        if (::poll(&waits, 1, kPatienceMs) != 1) {
            ADD_FAILURE() << "nothing came; so far: " << seen_;
            return "";
        }
        std::string text(64 * 1024, '\0');
        const ssize_t count = ::recv(fd_.get(), text.data(), text.size(), 0);
        text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
        return text;
    }
    // Up to and with `end`, or everything when the other side closes first.
    std::string receive_until(std::string_view end) {
        while (true) {
            if (const auto at = seen_.find(end); at != std::string::npos)
                return take(at + end.size());
            const std::string more = receive_some();
            if (more.empty()) return take(seen_.size());
            seen_ += more;
        }
    }
    std::string receive_exactly(std::size_t bytes) {
        while (seen_.size() < bytes) {
            const std::string more = receive_some();
            if (more.empty()) break;
            seen_ += more;
        }
        return take(std::min(bytes, seen_.size()));
    }
    std::string receive_all() {
        for (std::string more = receive_some(); !more.empty(); more = receive_some()) seen_ += more;
        return take(seen_.size());
    }
    // The next response with the body its Content-Length announces.
    std::string receive_response() {
        std::string head = receive_until("\r\n\r\n");
        const auto at = head.find("Content-Length: ");
        if (at == std::string::npos) return head;
        return head + receive_exactly(std::stoul(head.substr(at + 16)));
    }
    int fd() const { return fd_.get(); }

  private:
    std::string take(std::size_t bytes) {
        std::string taken = seen_.substr(0, bytes);
        seen_.erase(0, bytes);
        return taken;
    }

    UniqueFd fd_;
    std::string seen_;
};

// A listening socket whose connections the test takes and answers itself.
class RawServer final {
  public:
    RawServer() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        EXPECT_EQ(::listen(fd_.get(), 64), 0);
        socklen_t size = sizeof address;
        EXPECT_EQ(::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
        port_ = ntohs(address.sin_port);
    }
    std::uint16_t port() const { return port_; }
    RawPeer accept() {
        pollfd waits{fd_.get(), POLLIN, 0};
        if (::poll(&waits, 1, RawPeer::kPatienceMs) != 1) {
            ADD_FAILURE() << "nobody connected";
            return RawPeer();
        }
        return RawPeer(UniqueFd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
    }

  private:
    UniqueFd fd_;
    std::uint16_t port_ = 0;
};

}  // namespace ac::net::testing
