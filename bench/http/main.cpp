// The HTTP layer by itself, for bench/http_layer.py: one loop, every request answered with two
// bytes. Prints its port and serves until it is killed.
#include <iostream>

#include "net/http_server.h"

namespace {

class TwoBytes final : public ac::net::Handler {
  public:
    ac::Detached handle(ac::net::Exchange& exchange) override {
        ac::net::Response response;
        response.headers.add("Content-Type", "text/plain");
        response.body = "ok";
        (void)co_await exchange.respond(std::move(response));
    }
};

}  // namespace

int main() {
    const ac::SystemClock clock;
    ac::Loops loops(1);
    TwoBytes handler;
    const auto server = ac::net::make_http_server(loops, clock, handler, "127.0.0.1", 0);
    if (!server) {
        std::cerr << server.error().message << "\n";
        return 1;
    }
    std::cout << (*server)->endpoint().port() << std::endl;
    loops.run();
}
