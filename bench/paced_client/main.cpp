// Sends the same HTTP request at a fixed rate over keep-alive connections and prints the latency of
// the answers, measured from the moment each was due (so that a stalled server is not flattered).
//
// usage: paced_client HOST PORT RATE SECONDS CONNECTIONS < request-bytes
// prints one JSON object: {"sent":N,"failed":N,"p50_us":..,"p99_us":..,"max_us":..}

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Connection {
    int fd = -1;
    bool busy = false;
    Clock::time_point due;
    std::string input;
};

// Length of the first whole response in `input`, or 0.
std::size_t whole_response(std::string_view input) {
    const auto end = input.find("\r\n\r\n");
    if (end == std::string_view::npos) return 0;
    const auto head = input.substr(0, end);
    for (const std::string_view name : {"Content-Length: ", "content-length: "}) {
        const auto at = head.find(name);
        if (at == std::string_view::npos) continue;
        const char* number = head.data() + at + name.size();
        const std::size_t size = end + 4 + std::strtoul(number, nullptr, 10);
        return input.size() >= size ? size : 0;
    }
    const auto last = input.find("0\r\n\r\n", end + 4);  // chunked
    return last == std::string_view::npos ? 0 : last + 5;
}

int connect_to(const char* host, int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    inet_pton(AF_INET, host, &address.sin_addr);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        std::perror("paced_client: connect");
        std::exit(1);
    }
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

void print(std::size_t sent, std::size_t failed, std::vector<double> latencies) {
    std::ranges::sort(latencies);
    const auto at = [&](double q) {
        return latencies[static_cast<std::size_t>(q * static_cast<double>(latencies.size() - 1))];
    };
    std::printf("{\"sent\":%zu,\"failed\":%zu,\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f}\n",
                sent, failed, at(0.5), at(0.99), latencies.back());
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 6) {
        std::fputs("usage: paced_client HOST PORT RATE SECONDS CONNECTIONS < request\n", stderr);
        return 2;
    }
    prctl(PR_SET_TIMERSLACK, 1UL);
    const std::string request{std::istreambuf_iterator<char>(std::cin), {}};
    const double rate = std::atof(argv[3]);
    const auto total = static_cast<std::size_t>(rate * std::atof(argv[4]));
    std::vector<Connection> connections(static_cast<std::size_t>(std::atoi(argv[5])));
    const int poll = epoll_create1(EPOLL_CLOEXEC);
    for (std::size_t i = 0; i < connections.size(); ++i) {
        connections[i].fd = connect_to(argv[1], std::atoi(argv[2]));
        epoll_event event{.events = EPOLLIN, .data = {.u64 = i}};
        epoll_ctl(poll, EPOLL_CTL_ADD, connections[i].fd, &event);
    }
    std::vector<double> latencies;
    std::size_t sent = 0;
    std::size_t done = 0;
    std::size_t failed = 0;
    const auto start = Clock::now();
    static char buffer[1 << 16];
    while (done < total) {
        for (auto& connection : connections) {
            const auto due = start + std::chrono::nanoseconds(static_cast<long long>(
                                         1e9 * static_cast<double>(sent) / rate));
            if (sent >= total || due > Clock::now()) break;
            if (connection.busy) continue;
            connection.busy = true;
            connection.due = due;
            ++sent;
            if (write(connection.fd, request.data(), request.size()) < 0) return 1;
        }
        // Sleeps until the next request is due, so as not to take a core from what is measured.
        const auto next = start + std::chrono::nanoseconds(static_cast<long long>(
                                      1e9 * static_cast<double>(sent) / rate));
        const auto left = std::max<std::chrono::nanoseconds>(next - Clock::now(), {});
        const timespec patience{.tv_sec = 0, .tv_nsec = std::min<long>(left.count(), 999'999'999)};
        epoll_event events[64];
        const int ready = epoll_pwait2(poll, events, 64, &patience, nullptr);
        for (int i = 0; i < ready; ++i) {
            Connection& connection = connections[events[i].data.u64];
            const ssize_t n = read(connection.fd, buffer, sizeof buffer);
            if (n <= 0) {
                std::fputs("paced_client: the server closed a connection\n", stderr);
                return 1;
            }
            connection.input.append(buffer, static_cast<std::size_t>(n));
            const std::size_t size = whole_response(connection.input);
            if (size == 0) continue;
            if (!connection.input.starts_with("HTTP/1.1 200")) ++failed;
            latencies.push_back(
                std::chrono::duration<double, std::micro>(Clock::now() - connection.due).count());
            connection.input.erase(0, size);
            connection.busy = false;
            ++done;
        }
    }
    print(sent, failed, std::move(latencies));
}
