#pragma once
// An Exchange that remembers what was answered, for logs and metrics.

#include "net/http_server.h"

namespace ac::server {

class ObservedExchange final : public net::Exchange {
  public:
    explicit ObservedExchange(net::Exchange& inner) : inner_(inner) {}

    int status() const { return status_; }
    bool aborted() const { return aborted_; }

    const net::RequestHead& request() const override { return inner_.request(); }
    net::Body& body() override { return inner_.body(); }
    std::string_view peer() const override { return inner_.peer(); }
    Task<> respond(net::Response response) override {
        status_ = response.status;
        return inner_.respond(std::move(response));
    }
    Task<> start(net::ResponseHead head) override {
        status_ = head.status;
        return inner_.start(std::move(head));
    }
    Task<net::Duplex*> switch_protocols(net::ResponseHead head) override {
        status_ = head.status;
        return inner_.switch_protocols(std::move(head));
    }
    Task<> write(std::string_view bytes) override { return inner_.write(bytes); }
    Task<> finish() override { return inner_.finish(); }
    bool started() const override { return inner_.started(); }
    void abort() override {
        aborted_ = true;
        inner_.abort();
    }
    Task<> wait_closed() override { return inner_.wait_closed(); }

  private:
    net::Exchange& inner_;
    int status_ = 0;
    bool aborted_ = false;
};

}  // namespace ac::server
