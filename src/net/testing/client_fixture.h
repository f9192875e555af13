#pragma once
// For tests: a client of one upstream on the test's own loop.

#include "async/run.h"
#include "net/http_client.h"
#include "net/testing/raw_peer.h"

namespace ac::net::testing {

class Client final {
  public:
    explicit Client(std::uint16_t port, ClientLimits limits = {})
        : connector_(make_tcp_connector("127.0.0.1", port, timer_)),
          pool_(make_client_pool(*connector_, timer_, limits)) {}

    // POST when there is a body.
    Result<Response> get(std::string target = "/", std::string body = "",
                         Milliseconds patience = Seconds{20}, std::size_t max_bytes = 64 << 20) {
        RequestHead head;
        head.method = body.empty() ? "GET" : "POST";
        head.target = std::move(target);
        head.headers.add("Host", "x");
        return run_on(loop, fetch(*pool_, std::move(head), std::move(body),
                                  clock_.steady() + patience, max_bytes));
    }
    ClientPool& pool() { return *pool_; }
    const Clock& clock() const { return clock_; }
    Loop loop;

  private:
    const SystemClock clock_;
    AsioTimer timer_{clock_};
    std::unique_ptr<Connector> connector_;
    std::unique_ptr<ClientPool> pool_;
};

}  // namespace ac::net::testing
