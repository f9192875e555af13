#pragma once
// For tests: a provider played by the test as raw bytes, one connection after the other, and an
// upstream that leads to it.

#include <gtest/gtest.h>

#include <thread>

#include "async/run.h"
#include "models/upstream.h"
#include "net/testing/raw_peer.h"

namespace ac::models::testing {

// Answers each connection's first request with `answer` and then closes, or holds it open.
class StubProvider final {
  public:
    enum class Then { close, hold };

    explicit StubProvider(std::string answer, Then then = Then::close)
        : answer_(std::move(answer)), then_(then), thread_([this] { serve(); }) {}
    ~StubProvider() { finish(); }

    // What was asked, once it has been.
    std::string finish() {
        if (thread_.joinable()) thread_.join();
        return asked_;
    }
    std::uint16_t port() const { return server_.port(); }
    // The client closed a connection that was held open.
    bool saw_close() {
        finish();
        return saw_close_;
    }

  private:
    void serve() {
        net::testing::RawPeer peer = server_.accept();
        asked_ = peer.receive_until("\r\n\r\n");
        const auto at = asked_.find("Content-Length: ");
        if (at != std::string::npos)
            asked_ += peer.receive_exactly(std::stoul(asked_.substr(at + 16)));
        peer.send(answer_);
        if (then_ == Then::hold) {
            (void)peer.receive_all();
            saw_close_ = true;
        }
    }

    net::testing::RawServer server_;
    const std::string answer_;
    const Then then_;
    std::string asked_;
    bool saw_close_ = false;
    std::thread thread_;
};

// A client's side: an upstream to the stub, on a loop of its own.
class StubClient final {
  public:
    explicit StubClient(const StubProvider& provider, std::string base_path = "/v1")
        : connector_(net::make_tcp_connector("127.0.0.1", provider.port(), timer_)),
          upstream_(make_connector_upstream(*connector_, timer_, std::move(base_path))) {}

    const std::shared_ptr<Upstream>& upstream() const { return upstream_; }
    const Clock& clock() const { return clock_; }
    SteadyTime deadline() const { return clock_.steady() + Seconds{20}; }

    Result<ChatAnswer> ask(ChatModel& model, const ChatRequest& request) {
        return run_on(loop_, ask_whole(model, request, deadline()));
    }
    Loop& loop() { return loop_; }

  private:
    static Task<ChatAnswer> ask_whole(ChatModel& model, const ChatRequest& request,
                                      SteadyTime deadline) {
        AC_CO_TRY(const auto stream, co_await model.start(request, deadline));
        co_return co_await collect(*stream);
    }

    const SystemClock clock_;
    AsioTimer timer_{clock_};
    Loop loop_;
    std::unique_ptr<net::Connector> connector_;
    std::shared_ptr<Upstream> upstream_;
};

inline std::string sse_head() {
    return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
}

inline std::string http(int status, const std::string& type, const std::string& body) {
    return "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Type: " + type +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace ac::models::testing
