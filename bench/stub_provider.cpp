// A model that answers at once: an OpenAI-compatible server of one thread whose answer is always
// the same stream, so that a benchmark measures what stands in front of it.
//
// usage: stub_provider PORT EVENTS      (EVENTS text deltas an answer)

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <unordered_map>

namespace {

std::string event(const char* choices) {
    return "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,"
           "\"model\":\"stub\",\"choices\":[" +
           std::string(choices) + "]}\n\n";
}

std::string answer_of(int events) {
    std::string body = event(
        "{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},"
        "\"finish_reason\":null}");
    for (int i = 0; i < events; ++i)
        body += event("{\"index\":0,\"delta\":{\"content\":\"token \"},\"finish_reason\":null}");
    body += event("{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}") + "data: [DONE]\n\n";
    std::array<char, 32> size{};
    std::snprintf(size.data(), size.size(), "%zx\r\n", body.size());
    return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
           "\r\n" +
           std::string(size.data()) + body + "\r\n0\r\n\r\n";
}

// Length of the first whole request in `input`, or 0.
std::size_t whole_request(const std::string& input) {
    const auto end = input.find("\r\n\r\n");
    if (end == std::string::npos) return 0;
    const auto at = input.find("Content-Length: ");
    const std::size_t size =
        end + 4 + (at < end ? std::strtoul(input.c_str() + at + 16, nullptr, 10) : 0);
    return input.size() >= size ? size : 0;
}

void send_all(int fd, const std::string& text) {
    for (std::size_t sent = 0; sent < text.size();) {
        const ssize_t count = send(fd, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
        if (count <= 0) return;
        sent += static_cast<std::size_t>(count);
    }
}

int listen_on(int port) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        listen(fd, 256) != 0) {
        std::perror("stub_provider");
        std::exit(1);
    }
    return fd;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    const std::string answer = answer_of(std::atoi(argv[2]));
    const int listener = listen_on(std::atoi(argv[1]));
    const int poll = epoll_create1(EPOLL_CLOEXEC);
    std::unordered_map<int, std::string> inputs;
    const auto watch = [&](int fd) {
        epoll_event wanted{.events = EPOLLIN, .data = {.fd = fd}};
        epoll_ctl(poll, EPOLL_CTL_ADD, fd, &wanted);
    };
    watch(listener);
    std::array<epoll_event, 64> ready{};
    std::array<char, 65536> buffer{};
    while (true) {
        const int count = epoll_wait(poll, ready.data(), ready.size(), -1);
        for (int i = 0; i < count; ++i) {
            const int fd = ready[static_cast<std::size_t>(i)].data.fd;
            if (fd == listener) {
                const int client = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
                const int on = 1;
                setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                watch(client);
                continue;
            }
            const ssize_t size = recv(fd, buffer.data(), buffer.size(), 0);
            if (size <= 0) {
                inputs.erase(fd);
                close(fd);
                continue;
            }
            std::string& input = inputs[fd];
            input.append(buffer.data(), static_cast<std::size_t>(size));
            while (const std::size_t whole = whole_request(input)) {
                input.erase(0, whole);
                send_all(fd, answer);
            }
        }
    }
}
