#pragma once
// For tests: a server on loopback whose handler is a function, with its loops on threads of their
// own, and a clock that the test moves.

#include <functional>
#include <thread>

#include "async/completion.h"
#include "async/run.h"
#include "net/http_server.h"
#include "net/testing/raw_peer.h"

namespace ac::net::testing {

class FunctionHandler final : public Handler {
  public:
    using Function = std::function<Detached(Exchange&)>;
    explicit FunctionHandler(Function function) : function_(std::move(function)) {}
    Detached handle(Exchange& exchange) override { return function_(exchange); }

  private:
    Function function_;
};

class TestServer final {
  public:
    explicit TestServer(FunctionHandler::Function function, ServerLimits limits = {},
                        std::size_t loops = 2, const TlsServer* tls = nullptr)
        : loops_(loops), handler_(std::move(function)) {
        server_ = std::move(make_http_server(loops_, clock_, handler_, "127.0.0.1", 0, limits, tls))
                      .value();
        thread_ = std::thread([this] { loops_.run(); });
    }
    ~TestServer() {
        if (server_) (void)drain(Milliseconds{0});
        loops_.stop();
        thread_.join();
    }

    Result<> drain(Milliseconds patience) {
        auto result = run(drain_within(patience));
        server_.reset();
        return result;
    }
    // On a loop that lives until the server's threads have ended: one that wakes it may still be
    // inside its scheduler when the task is done.
    template <class T>
    Result<T> run(Task<T> task) {
        return run_on(waiting_, std::move(task));
    }
    std::uint16_t port() const { return server_->endpoint().port(); }
    RawPeer connect(int receive_buffer_bytes = 0) const {
        return RawPeer::connect(port(), receive_buffer_bytes);
    }
    std::string ask(std::string_view request) const {
        RawPeer peer = connect();
        peer.send(request);
        return peer.receive_response();
    }
    HttpServer& server() { return *server_; }
    ManualClock& clock() { return clock_; }
    Loops& loops() { return loops_; }

  private:
    Task<> drain_within(Milliseconds patience) {
        co_return co_await server_->drain(clock_.steady() + patience);
    }

    ManualClock clock_;
    Loop waiting_;
    Loops loops_;
    FunctionHandler handler_;
    std::unique_ptr<HttpServer> server_;
    std::thread thread_;
};

}  // namespace ac::net::testing
