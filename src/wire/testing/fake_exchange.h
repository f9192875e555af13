#pragma once
// An Exchange in memory, for tests: a request and its body in, the answer out.

#include <string>
#include <utility>

#include "async/completion.h"
#include "net/http_server.h"

namespace ac::wire::testing {

class FakeExchange final : public net::Exchange {
  public:
    explicit FakeExchange(net::RequestHead head, std::string body = {})
        : head_(std::move(head)), body_(std::move(body)) {}

    const net::RequestHead& request() const override { return head_; }
    net::Body& body() override { return body_; }
    std::string_view peer() const override { return "127.0.0.1:1"; }
    Task<> respond(net::Response answer) override {
        AC_ASSERT(!started_);
        started_ = finished_ = true;
        response = std::move(answer);
        co_return Result<>();
    }
    Task<> start(net::ResponseHead head) override {
        AC_ASSERT(!started_);
        started_ = true;
        response.status = head.status;
        response.headers = std::move(head.headers);
        co_return Result<>();
    }
    Task<> write(std::string_view bytes) override {
        response.body += bytes;
        co_return Result<>();
    }
    Task<> finish() override {
        finished_ = true;
        co_return Result<>();
    }
    bool started() const override { return started_; }
    Task<net::Duplex*> switch_protocols(net::ResponseHead) override {
        co_return fail(ErrorCode::internal, "the test's client speaks HTTP only");
    }
    void abort() override { aborted = true; }
    // Until close(), or until the wait is cancelled.
    Task<> wait_closed() override { return closed_.cancellable_result(); }
    void close() { closed_.complete(fail(ErrorCode::cancelled, "the test's client has gone")); }
    bool finished() const { return finished_; }

    net::Response response;
    bool aborted = false;

  private:
    net::RequestHead head_;
    net::StringBody body_;
    Completion<void> closed_;
    bool started_ = false;
    bool finished_ = false;
};

}  // namespace ac::wire::testing
