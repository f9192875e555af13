#pragma once
// An Exchange whose answers carry the request's id, whoever writes them.

#include <string>
#include <utility>

#include "net/http_server.h"

namespace ac::wire {

inline constexpr std::string_view kRequestIdHeader = "x-amzn-RequestId";

class IdentifiedExchange final : public net::Exchange {
  public:
    // `inner` outlives this.
    IdentifiedExchange(net::Exchange& inner, std::string request_id)
        : inner_(inner), request_id_(std::move(request_id)) {}

    const net::RequestHead& request() const override { return inner_.request(); }
    net::Body& body() override { return inner_.body(); }
    std::string_view peer() const override { return inner_.peer(); }
    Task<> respond(net::Response response) override {
        response.headers.set(kRequestIdHeader, request_id_);
        return inner_.respond(std::move(response));
    }
    Task<> start(net::ResponseHead head) override {
        head.headers.set(kRequestIdHeader, request_id_);
        return inner_.start(std::move(head));
    }
    Task<net::Duplex*> switch_protocols(net::ResponseHead head) override {
        head.headers.set(kRequestIdHeader, request_id_);
        return inner_.switch_protocols(std::move(head));
    }
    Task<> write(std::string_view bytes) override { return inner_.write(bytes); }
    Task<> finish() override { return inner_.finish(); }
    bool started() const override { return inner_.started(); }
    void abort() override { inner_.abort(); }
    Task<> wait_closed() override { return inner_.wait_closed(); }

  private:
    net::Exchange& inner_;
    std::string request_id_;
};

}  // namespace ac::wire
