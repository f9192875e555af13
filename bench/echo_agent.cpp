// A native agent that answers at once, for benchmarks: POST /invocations echoes the body, GET /ping
// is healthy. One thread, one epoll, keep-alive; it reads only what benchmarks send.
//
// usage: echo_agent [PORT]   (default 8080)

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <unordered_map>

namespace {

constexpr std::string_view kPing = R"({"status":"Healthy"})";

std::size_t content_length(std::string_view head) {
    for (const std::string_view name : {"Content-Length: ", "content-length: "})
        if (const auto at = head.find(name); at != std::string_view::npos)
            return std::strtoul(head.data() + at + name.size(), nullptr, 10);
    return 0;
}

bool answer(int fd, std::string_view body) {
    std::string out = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
                      std::to_string(body.size()) + "\r\n\r\n";
    out += body;
    return write(fd, out.data(), out.size()) == static_cast<ssize_t>(out.size());
}

// Answers every whole request in `input`; false when the connection is to be closed.
bool serve(int fd, std::string& input) {
    while (true) {
        const auto end = input.find("\r\n\r\n");
        if (end == std::string::npos) return true;
        const std::string_view head = std::string_view(input).substr(0, end);
        const std::size_t length = content_length(head);
        if (input.size() < end + 4 + length) return true;
        const bool ping = head.starts_with("GET /ping");
        const auto body = std::string_view(input).substr(end + 4, length);
        if (!answer(fd, ping ? kPing : body)) return false;
        input.erase(0, end + 4 + length);
    }
}

int listen_on(int port) {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        listen(listener, 512) != 0) {
        std::perror("echo_agent: listen");
        std::exit(1);
    }
    return listener;
}

}  // namespace

int main(int argc, char** argv) {
    const int listener = listen_on(argc > 1 ? std::atoi(argv[1]) : 8080);
    const int poll = epoll_create1(EPOLL_CLOEXEC);
    epoll_event event{.events = EPOLLIN, .data = {.fd = listener}};
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    std::unordered_map<int, std::string> inputs;
    epoll_event events[64];
    static char buffer[1 << 16];
    while (true) {
        const int ready = epoll_wait(poll, events, 64, -1);
        for (int i = 0; i < ready; ++i) {
            const int fd = events[i].data.fd;
            if (fd == listener) {
                const int client = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
                if (client < 0) continue;
                const int on = 1;
                setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                epoll_event interest{.events = EPOLLIN, .data = {.fd = client}};
                epoll_ctl(poll, EPOLL_CTL_ADD, client, &interest);
                continue;
            }
            const ssize_t n = read(fd, buffer, sizeof buffer);
            if (n > 0) inputs[fd].append(buffer, static_cast<std::size_t>(n));
            if (n <= 0 || !serve(fd, inputs[fd])) {
                inputs.erase(fd);
                close(fd);
            }
        }
    }
}
