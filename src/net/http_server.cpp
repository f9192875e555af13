#include "net/http_server.h"

#include <sys/socket.h>

#include <array>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <cstring>

#include "async/timer.h"
#include "base/log.h"
#include "net/http_connection.h"
#include "net/listener.h"

namespace ac::net {
namespace {

// Connections taken off the listener before other work of the loop has its turn.
constexpr int kAcceptBatch = 64;

// Without file descriptors nothing can be accepted until a connection closes: look again after
// this long instead of spinning.
constexpr Milliseconds kExhaustedPause{100};

// After drain()'s deadline cancelled handlers have this long to unwind.
constexpr Milliseconds kUnwindTime{5000};

constexpr std::string_view kFull =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\n"
    "Connection: close\r\n\r\n";

// Answers without waiting for anything: there is no room for one more connection.
void turn_away(UniqueFd connected) {
    (void)::send(connected.get(), kFull.data(), kFull.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)::shutdown(connected.get(), SHUT_WR);
    // Unread bytes would turn the close into a reset, which overtakes the answer.
    std::array<char, 4096> scratch;
    (void)::recv(connected.get(), scratch.data(), scratch.size(), MSG_DONTWAIT);
}

// Whether every connection has ended, and who waits for that. On the main loop.
struct Ending {
    bool done = false;
    LoopSignal changed;
};

class Alarm final : public Deadlines::Entry {
  public:
    Alarm(Executor executor, const Clock& clock, LoopSignal& signal)
        : Entry(executor, clock), signal_(signal) {}
    bool rang = false;

  private:
    void expired() override {
        rang = true;
        signal_.notify();
    }
    LoopSignal& signal_;
};

class Server final : public HttpServer {
  public:
    Server(Loops& loops, const Clock& clock, Handler& handler, UniqueFd listener,
           ServerLimits limits, const TlsServer* tls);

    asio::ip::tcp::endpoint endpoint() const override { return endpoint_; }
    Task<> drain(SteadyTime deadline) override;
    std::size_t connections() const override { return *count_; }

  private:
    using Listener = asio::posix::basic_stream_descriptor<Executor>;

    Detached accept_all();
    // True when the process has run out of descriptors or memory for more.
    bool accept_batch();
    void admit(Accepted accepted);
    Detached drain_on_main(SteadyTime deadline, Completion<void> drained);
    Detached join_hosts(std::shared_ptr<Ending> ending);
    // Whether every connection ended in time.
    asio::awaitable<bool, Executor> wait_for(Ending& ending, const Clock& clock,
                                             SteadyTime deadline);

    Loops& loops_;
    const Clock& clock_;
    const ServerLimits limits_;
    const SystemClock system_clock_;
    AsioTimer timer_{system_clock_};
    std::shared_ptr<std::atomic<std::size_t>> count_ =
        std::make_shared<std::atomic<std::size_t>>(0);
    std::vector<std::shared_ptr<ConnectionHost>> hosts_;
    std::size_t next_host_ = 0;
    asio::ip::tcp::endpoint endpoint_;
    Listener listener_;
    SteadyTime next_complaint_{};
    TaskGroup tasks_;
};

Server::Server(Loops& loops, const Clock& clock, Handler& handler, UniqueFd listener,
               ServerLimits limits, const TlsServer* tls)
    : loops_(loops),
      clock_(clock),
      limits_(limits),
      listener_(loops.main().executor()),
      tasks_(loops.main().executor()) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0 &&
        size <= endpoint_.capacity()) {
        std::memcpy(endpoint_.data(), &address, size);
        endpoint_.resize(size);
    }
    listener_.assign(listener.release());
    for (std::size_t i = 0; i < loops.size(); ++i)
        hosts_.push_back(std::make_shared<ConnectionHost>(loops.at(i).executor(), limits, clock,
                                                          handler, count_, tls));
    tasks_.spawn("http accept", accept_all());
}

Detached Server::accept_all() {
    while (true) {
        boost::system::error_code error;
        auto token = asio::redirect_error(use_task, error);
        co_await listener_.async_wait(Listener::wait_read, token);
        if (error) co_return;
        if (accept_batch() && !co_await sleep_for(timer_, kExhaustedPause)) co_return;
    }
}

bool Server::accept_batch() {
    for (int i = 0; i < kAcceptBatch; ++i) {
        auto accepted = accept_one(listener_.native_handle());
        switch (accepted.outcome) {
            case Accepted::Outcome::connection:
                admit(std::move(accepted));
                break;
            case Accepted::Outcome::none_waiting:
                return false;
            case Accepted::Outcome::try_again:
                break;
            case Accepted::Outcome::exhausted:
                if (const auto now = system_clock_.steady(); now >= next_complaint_) {
                    next_complaint_ = now + Seconds{10};
                    AC_LOG(warn, "cannot accept connections", {"errno", accepted.error});
                }
                return true;
        }
    }
    return false;
}

void Server::admit(Accepted accepted) {
    if (*count_ >= limits_.connections_max) {
        turn_away(std::move(accepted.socket));
        return;
    }
    ++*count_;
    const auto& host = hosts_[next_host_++ % hosts_.size()];
    host->tasks().spawn("http connection", serve_connection(host, std::move(accepted.socket),
                                                            std::move(accepted.peer)));
}

Detached Server::join_hosts(std::shared_ptr<Ending> ending) {
    for (const auto& host : hosts_) (void)co_await host->tasks().join();
    ending->done = true;
    ending->changed.notify();
}

asio::awaitable<bool, Executor> Server::wait_for(Ending& ending, const Clock& clock,
                                                 SteadyTime deadline) {
    Alarm alarm(loops_.main().executor(), clock, ending.changed);
    alarm.arm(deadline);
    while (!ending.done && !alarm.rang)
        if (!co_await ending.changed.wait()) break;
    co_return ending.done;
}

Detached Server::drain_on_main(SteadyTime deadline, Completion<void> drained) {
    boost::system::error_code ignored;
    listener_.close(ignored);
    for (const auto& host : hosts_)
        asio::post(host->executor(), [host] { host->start_draining(); });
    const auto ending = std::make_shared<Ending>();
    tasks_.spawn("http join", join_hosts(ending));
    if (co_await wait_for(*ending, clock_, deadline)) {
        drained.complete({});
        co_return;
    }
    for (const auto& host : hosts_) host->tasks().cancel();
    const auto unwound_by = system_clock_.steady() + kUnwindTime;
    if (co_await wait_for(*ending, system_clock_, unwound_by))
        drained.complete(fail(ErrorCode::deadline_exceeded, "exchanges were cut off"));
    else
        drained.complete(fail(ErrorCode::internal, "handlers did not end when cancelled"));
}

Task<> Server::drain(SteadyTime deadline) {
    Completion<void> drained;
    tasks_.spawn("http drain", drain_on_main(deadline, drained));
    auto result = co_await drained.result();
    // Handlers that cannot be ended cannot be waited for either.
    if (!result && result.error().code == ErrorCode::internal) co_return result;
    AC_CO_CHECK(co_await tasks_.join());
    co_return result;
}

}  // namespace

Result<std::unique_ptr<HttpServer>> make_http_server(Loops& loops, const Clock& clock,
                                                     Handler& handler, std::string_view host,
                                                     std::uint16_t port, ServerLimits limits,
                                                     const TlsServer* tls) {
    AC_TRY(auto listener, listen_tcp(host, port));
    return std::make_unique<Server>(loops, clock, handler, std::move(listener), limits, tls);
}

Result<std::unique_ptr<HttpServer>> make_http_server(Loops& loops, const Clock& clock,
                                                     Handler& handler, UniqueFd listener,
                                                     ServerLimits limits, const TlsServer* tls) {
    return std::make_unique<Server>(loops, clock, handler, std::move(listener), limits, tls);
}

}  // namespace ac::net
