// A native agent for benchmarks of what streams: POST /invocations answers with server-sent events
// that carry the moment when each was sent, GET /ws echoes WebSocket messages, GET /ping is
// healthy. One thread, one epoll; it reads only what benchmarks send.
//
// usage: stream_agent [PORT]   (default 8080)
// body of an invocation: {"events":N,"rate":R}   R events a second, each in a write of its own;
// 0: as fast as they are taken, many in one write.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kPing = R"({"status":"Healthy"})";
constexpr std::string_view kStreamHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
// The answer to the key that RFC 6455 1.3 has as its example, which is what benchmarks send.
constexpr std::string_view kSwitching =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
constexpr std::size_t kBlockBytes = 16 * 1024;

struct Connection {
    bool is_socket = false;  // WebSocket
    std::string input;
    std::string output;  // not yet taken by the kernel
    std::uint64_t events_left = 0;
    double rate = 0;
    std::uint64_t sent = 0;
    Clock::time_point began;
    Clock::time_point due() const {
        return began + std::chrono::nanoseconds(
                           static_cast<long long>(1e9 * static_cast<double>(sent) / rate));
    }
};

double number_after(std::string_view text, std::string_view name) {
    const auto at = text.find(name);
    return at == std::string_view::npos ? 0 : std::atof(text.data() + at + name.size());
}

// One event in a chunk of its own: 63 bytes.
void append_event(std::string& out) {
    char text[80];
    const auto now = std::chrono::nanoseconds(Clock::now().time_since_epoch()).count();
    std::snprintf(text, sizeof text,
                  "3f\r\ndata: {\"sent\":%020lld,\"text\":\"a token, or two \"}\n\n\r\n",
                  static_cast<long long>(now));
    out += text;
}

// False: the peer has gone.
bool flush(int fd, Connection& one) {
    while (!one.output.empty()) {
        const ssize_t n =
            send(fd, one.output.data(), one.output.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0) return errno == EAGAIN;
        one.output.erase(0, static_cast<std::size_t>(n));
    }
    return true;
}

bool stream(int fd, Connection& one) {
    while (one.events_left > 0 && one.output.empty()) {
        if (one.rate > 0 && one.due() > Clock::now()) break;
        do {
            append_event(one.output);
            ++one.sent;
        } while (--one.events_left > 0 && one.rate == 0 && one.output.size() < kBlockBytes);
        if (one.events_left == 0) one.output += "0\r\n\r\n";
        if (!flush(fd, one)) return false;
        if (one.rate == 0) break;  // the others' turn
    }
    return true;
}

// Answers the whole frames in the input; texts of benchmarks are shorter than 126 bytes.
void echo_frames(Connection& one) {
    while (one.input.size() >= 6) {
        const std::size_t length = static_cast<unsigned char>(one.input[1]) & 0x7fU;
        if (one.input.size() < 6 + length) return;
        one.output += one.input[0];
        one.output += static_cast<char>(length);
        for (std::size_t i = 0; i < length; ++i)
            one.output += static_cast<char>(one.input[6 + i] ^ one.input[2 + i % 4]);
        one.input.erase(0, 6 + length);
    }
}

void take_requests(Connection& one) {
    while (!one.is_socket) {
        const auto end = one.input.find("\r\n\r\n");
        if (end == std::string::npos) return;
        const std::string_view head = std::string_view(one.input).substr(0, end);
        const auto length = static_cast<std::size_t>(number_after(head, "Content-Length: "));
        if (one.input.size() < end + 4 + length) return;
        if (head.starts_with("GET /ws")) {
            one.output += kSwitching;
            one.is_socket = true;
        } else if (head.starts_with("GET /ping")) {
            one.output += "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kPing.size()) +
                          "\r\n\r\n" + std::string(kPing);
        } else {
            const std::string body = one.input.substr(end + 4, length);
            one.events_left = static_cast<std::uint64_t>(number_after(body, "\"events\":"));
            one.rate = number_after(body, "\"rate\":");
            one.sent = 0;
            one.began = Clock::now();
            one.output += kStreamHead;
        }
        one.input.erase(0, end + 4 + length);
    }
}

bool receive(int fd, Connection& one) {
    static char buffer[1 << 16];
    const ssize_t n = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return true;
    if (n <= 0) return false;
    one.input.append(buffer, static_cast<std::size_t>(n));
    take_requests(one);
    if (one.is_socket) echo_frames(one);
    return flush(fd, one);
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
        std::perror("stream_agent: listen");
        std::exit(1);
    }
    return listener;
}

void accept_one(int poll, int listener, std::map<int, Connection>& connections) {
    const int client = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    const int on = 1;
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    epoll_event interest{.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.fd = client}};
    epoll_ctl(poll, EPOLL_CTL_ADD, client, &interest);
    connections[client];
}

// Until something is due: 0 while somebody streams without pauses.
timespec patience(const std::map<int, Connection>& connections) {
    auto wait = std::chrono::nanoseconds(std::chrono::seconds(1)) - std::chrono::nanoseconds(1);
    for (const auto& [fd, one] : connections) {
        if (one.events_left == 0 || !one.output.empty()) continue;
        if (one.rate == 0) return {};
        wait = std::clamp(std::chrono::nanoseconds(one.due() - Clock::now()),
                          std::chrono::nanoseconds(0), wait);
    }
    return {.tv_sec = 0, .tv_nsec = wait.count()};
}

}  // namespace

int main(int argc, char** argv) {
    prctl(PR_SET_TIMERSLACK, 1UL);
    const int listener = listen_on(argc > 1 ? std::atoi(argv[1]) : 8080);
    const int poll = epoll_create1(EPOLL_CLOEXEC);
    epoll_event event{.events = EPOLLIN, .data = {.fd = listener}};
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    std::map<int, Connection> connections;
    epoll_event events[64];
    while (true) {
        const timespec wait = patience(connections);
        const int ready = epoll_pwait2(poll, events, 64, &wait, nullptr);
        for (int i = 0; i < ready; ++i) {
            const int fd = events[i].data.fd;
            if (fd == listener) {
                accept_one(poll, listener, connections);
            } else if (!flush(fd, connections[fd]) || !receive(fd, connections[fd])) {
                connections.erase(fd);
                close(fd);
            }
        }
        for (auto at = connections.begin(); at != connections.end();) {
            const bool lives = stream(at->first, at->second);
            if (!lives) close(at->first);
            at = lives ? std::next(at) : connections.erase(at);
        }
    }
}
