// Measures what streams, from stamps that the messages carry (both ends are on one machine).
//
// usage: stream_client events HOST PORT CONNECTIONS < request-bytes
//          sends the request on each connection, reads server-sent events until all answers have
//          ended; the latency of an event is from its stamp to its arrival
//        stream_client echo HOST PORT CONNECTIONS RATE SECONDS < handshake-bytes
//          opens WebSockets, sends RATE messages a second over all of them, and takes the time to
//          each echo
// prints one JSON object: {"count":N,"seconds":S,"failed":N,"p50_us":..,"p99_us":..,"max_us":..}

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

constexpr std::size_t kStampDigits = 20;

long long now_ns() {
    return std::chrono::nanoseconds(Clock::now().time_since_epoch()).count();
}

struct Connection {
    int fd = -1;
    bool in_body = false;
    bool done = false;
    std::size_t chunk_left = 0;  // of the content and the line's end after it
    std::string raw;             // not yet taken apart
    std::string text;            // content
};

struct Tally {
    std::vector<float> latencies;
    std::size_t failed = 0;
    void add(long long stamp) { latencies.push_back(static_cast<float>(now_ns() - stamp) / 1000); }
    void print(double seconds) {
        std::ranges::sort(latencies);
        const auto at = [&](double q) {
            if (latencies.empty()) return 0.0F;
            return latencies[static_cast<std::size_t>(q *
                                                      static_cast<double>(latencies.size() - 1))];
        };
        std::printf(
            "{\"count\":%zu,\"seconds\":%.3f,\"failed\":%zu,\"p50_us\":%.1f,"
            "\"p99_us\":%.1f,\"max_us\":%.1f}\n",
            latencies.size(), seconds, failed, at(0.5), at(0.99), at(1.0));
    }
};

int connect_to(const char* host, int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    inet_pton(AF_INET, host, &address.sin_addr);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        std::perror("stream_client: connect");
        std::exit(1);
    }
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

std::string read_more(int fd) {
    static char buffer[1 << 16];
    const ssize_t n = read(fd, buffer, sizeof buffer);
    if (n <= 0) {
        std::fputs("stream_client: the server closed a connection\n", stderr);
        std::exit(1);
    }
    return {buffer, static_cast<std::size_t>(n)};
}

// Stamps of the whole events in the content.
void take_events(Connection& one, Tally& tally) {
    std::size_t from = 0;
    while (true) {
        const auto end = one.text.find("\n\n", from);
        if (end == std::string::npos) break;
        const auto stamp = one.text.find("\"sent\":", from);
        if (stamp < end) tally.add(std::atoll(one.text.data() + stamp + 7));
        from = end + 2;
    }
    one.text.erase(0, from);
}

// Chunks into content; marks the connection done at the last one.
void take_chunks(Connection& one) {
    std::string_view raw = one.raw;
    while (!raw.empty()) {
        if (one.chunk_left > 0) {
            const std::size_t part = std::min(one.chunk_left, raw.size());
            const std::size_t content = one.chunk_left > 2 ? std::min(part, one.chunk_left - 2) : 0;
            one.text += raw.substr(0, content);
            one.chunk_left -= part;
            raw.remove_prefix(part);
            continue;
        }
        const auto line = raw.find("\r\n");
        if (line == std::string_view::npos) break;
        const auto size = std::strtoul(raw.data(), nullptr, 16);
        one.done = one.done || size == 0;
        one.chunk_left = size == 0 ? 2 : size + 2;
        raw.remove_prefix(line + 2);
    }
    one.raw.erase(0, one.raw.size() - raw.size());
}

bool take_head(Connection& one, std::string_view status) {
    const auto end = one.raw.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    if (!one.raw.starts_with(status)) {
        std::fprintf(stderr, "stream_client: %s\n", one.raw.substr(0, 1000).c_str());
        std::exit(1);
    }
    one.raw.erase(0, end + 4);
    one.in_body = true;
    return true;
}

std::vector<Connection> open_all(char** argv, int poll, const std::string& request) {
    std::vector<Connection> connections(static_cast<std::size_t>(std::atoi(argv[4])));
    for (std::size_t i = 0; i < connections.size(); ++i) {
        connections[i].fd = connect_to(argv[2], std::atoi(argv[3]));
        epoll_event event{.events = EPOLLIN, .data = {.u64 = i}};
        epoll_ctl(poll, EPOLL_CTL_ADD, connections[i].fd, &event);
    }
    for (Connection& one : connections)
        if (write(one.fd, request.data(), request.size()) < 0) std::exit(1);
    return connections;
}

void read_events(char** argv, const std::string& request) {
    const int poll = epoll_create1(EPOLL_CLOEXEC);
    Tally tally;
    const auto began = Clock::now();
    auto connections = open_all(argv, poll, request);
    std::size_t left = connections.size();
    while (left > 0) {
        epoll_event events[64];
        const int ready = epoll_wait(poll, events, 64, -1);
        for (int i = 0; i < ready; ++i) {
            Connection& one = connections[events[i].data.u64];
            one.raw += read_more(one.fd);
            if (!one.in_body && !take_head(one, "HTTP/1.1 200")) continue;
            take_chunks(one);
            take_events(one, tally);
            if (!one.done) continue;
            epoll_ctl(poll, EPOLL_CTL_DEL, one.fd, nullptr);
            --left;
        }
    }
    tally.print(std::chrono::duration<double>(Clock::now() - began).count());
}

// A masked text frame with a stamp in it, from RFC 6455 5.2; the mask is zeros.
std::string stamped_frame() {
    char text[64];
    const int size = std::snprintf(text, sizeof text, "{\"sent\":%020lld}", now_ns());
    std::string frame("\x81");
    frame += static_cast<char>(0x80 | size);
    frame.append(4, '\0');
    return frame + text;
}

void take_echoes(Connection& one, Tally& tally) {
    std::size_t from = 0;
    while (one.raw.size() - from >= 2) {
        const std::size_t length = static_cast<unsigned char>(one.raw[from + 1]) & 0x7fU;
        if (one.raw.size() - from < 2 + length) break;
        const bool is_text = one.raw[from] == '\x81' && length == 9 + kStampDigits;
        if (is_text)
            tally.add(std::atoll(one.raw.data() + from + 2 + 8));
        else
            ++tally.failed;
        from += 2 + length;
    }
    one.raw.erase(0, from);
}

void shake_hands(std::vector<Connection>& connections) {
    for (Connection& one : connections)
        while (!one.in_body) {
            one.raw += read_more(one.fd);
            (void)take_head(one, "HTTP/1.1 101");
        }
}

void echo(char** argv, const std::string& request) {
    prctl(PR_SET_TIMERSLACK, 1UL);
    const double rate = std::atof(argv[5]);
    const auto total = static_cast<std::size_t>(rate * std::atof(argv[6]));
    const int poll = epoll_create1(EPOLL_CLOEXEC);
    auto connections = open_all(argv, poll, request);
    shake_hands(connections);
    Tally tally;
    std::size_t sent = 0;
    const auto began = Clock::now();
    while (tally.latencies.size() + tally.failed < total) {
        const auto due_of = [&](std::size_t n) {
            return began + std::chrono::nanoseconds(
                               static_cast<long long>(1e9 * static_cast<double>(n) / rate));
        };
        for (; sent < total && due_of(sent) <= Clock::now(); ++sent) {
            const std::string frame = stamped_frame();
            if (write(connections[sent % connections.size()].fd, frame.data(), frame.size()) < 0)
                std::exit(1);
        }
        const auto left = std::chrono::nanoseconds(due_of(sent) - Clock::now()).count();
        const timespec patience{.tv_sec = 0, .tv_nsec = std::clamp<long>(left, 0, 999'999'999)};
        epoll_event events[64];
        const int ready = epoll_pwait2(poll, events, 64, &patience, nullptr);
        for (int i = 0; i < ready; ++i) {
            Connection& one = connections[events[i].data.u64];
            one.raw += read_more(one.fd);
            take_echoes(one, tally);
        }
    }
    tally.print(std::chrono::duration<double>(Clock::now() - began).count());
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view what = argc > 1 ? argv[1] : "";
    const std::string request{std::istreambuf_iterator<char>(std::cin), {}};
    if (what == "events" && argc == 5) {
        read_events(argv, request);
    } else if (what == "echo" && argc == 7) {
        echo(argv, request);
    } else {
        std::fputs(
            "usage: stream_client events HOST PORT CONNECTIONS < request\n"
            "       stream_client echo HOST PORT CONNECTIONS RATE SECONDS < request\n",
            stderr);
        return 2;
    }
}
