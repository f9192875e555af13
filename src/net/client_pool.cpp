#include <map>
#include <mutex>
#include <vector>

#include "net/client_exchange.h"

namespace ac::net {
namespace {

// Shared with the exchanges under way, which give their connections back.
class IdleConnections final {
  public:
    explicit IdleConnections(std::size_t max) : max_(max) {}

    void put(Executor executor, std::unique_ptr<ClientConnection> connection) {
        connection->stream.park();
        const std::lock_guard lock(mutex_);
        if (closed_ || count_ >= max_) return;  // closes it
        by_loop_[&executor.context()].push_back(std::move(connection));
        ++count_;
    }
    // The one used last: it is the least likely to have been closed.
    std::unique_ptr<ClientConnection> take(Executor executor) {
        const std::lock_guard lock(mutex_);
        const auto found = by_loop_.find(&executor.context());
        if (found == by_loop_.end() || found->second.empty()) return nullptr;
        auto connection = std::move(found->second.back());
        found->second.pop_back();
        --count_;
        return connection;
    }
    void close() {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        by_loop_.clear();
        count_ = 0;
    }
    bool is_closed() const {
        const std::lock_guard lock(mutex_);
        return closed_;
    }

  private:
    const std::size_t max_;
    mutable std::mutex mutex_;
    std::map<const void*, std::vector<std::unique_ptr<ClientConnection>>> by_loop_;
    std::size_t count_ = 0;
    bool closed_ = false;
};

// An idle connection has nothing to say: anything to read means that the server closed it or
// lost count of its messages.
bool is_quiet(Stream& stream) {
    char byte;
    const auto seen = stream.try_read(std::span<char>(&byte, 1));
    return seen && !*seen;
}

class Pool final : public ClientPool {
  public:
    Pool(Connector& connector, Timer& timer, ClientLimits limits, std::size_t idle_max,
         ClientSecurity security)
        : connector_(connector),
          security_(std::move(security)),
          clock_(timer.clock()),
          limits_(limits),
          idle_(std::make_shared<IdleConnections>(idle_max)) {}
    ~Pool() override { idle_->close(); }

    Task<std::unique_ptr<ClientExchange>> open(SteadyTime deadline) override;
    void close() override { idle_->close(); }

  private:
    std::unique_ptr<ClientConnection> take_live(Executor executor);
    Task<std::unique_ptr<ClientConnection>> connect(Executor executor, SteadyTime deadline);

    Connector& connector_;
    const ClientSecurity security_;
    const Clock& clock_;
    const ClientLimits limits_;
    std::shared_ptr<IdleConnections> idle_;
};

std::unique_ptr<ClientConnection> Pool::take_live(Executor executor) {
    const auto oldest = clock_.steady() - limits_.idle_timeout;
    while (auto connection = idle_->take(executor)) {
        if (connection->idle_since < oldest || !is_quiet(connection->stream)) continue;
        connection->is_reused = true;
        return connection;
    }
    return nullptr;
}

Task<std::unique_ptr<ClientConnection>> Pool::connect(Executor executor, SteadyTime deadline) {
    AC_CO_TRY(auto fd, co_await connector_.connect(deadline));
    auto connection = std::make_unique<ClientConnection>(executor, std::move(fd), clock_);
    if (security_.tls != nullptr) {
        AC_CO_TRY(auto session, security_.tls->connect(security_.host));
        AC_CO_CHECK(co_await connection->stream.start_tls(std::move(session), deadline));
    }
    co_return connection;
}

Task<std::unique_ptr<ClientExchange>> Pool::open(SteadyTime deadline) {
    const auto executor = co_await asio::this_coro::executor;
    if (idle_->is_closed()) co_return fail(ErrorCode::cancelled, "the client pool is closed");
    auto connection = take_live(executor);
    if (!connection) {
        AC_CO_TRY(connection, co_await connect(executor, deadline));
    }
    HttpClientExchange::GiveBack give_back =
        [executor, idle = idle_, &clock = clock_](std::unique_ptr<ClientConnection> used) {
            used->buffer.shrink();
            used->idle_since = clock.steady();
            idle->put(executor, std::move(used));
        };
    co_return std::make_unique<HttpClientExchange>(std::move(connection), limits_,
                                                   std::move(give_back));
}

Task<Response> ask(ClientExchange& exchange, const RequestHead& head, const std::string& body,
                   SteadyTime deadline, std::size_t max_bytes) {
    exchange.set_deadline(deadline);
    AC_CO_CHECK(co_await exchange.send_head(head, body.size()));
    if (!body.empty()) {
        AC_CO_CHECK(co_await exchange.write_body(body));
    }
    AC_CO_CHECK(co_await exchange.finish_request());
    AC_CO_TRY(auto answer, co_await exchange.read_head(deadline));
    Response response;
    response.status = answer.status;
    response.headers = std::move(answer.headers);
    AC_CO_TRY(response.body, co_await read_all(exchange.body(), max_bytes));
    co_return response;
}

}  // namespace

std::unique_ptr<ClientPool> make_client_pool(Connector& connector, Timer& timer,
                                             ClientLimits limits, std::size_t idle_max,
                                             ClientSecurity security) {
    return std::make_unique<Pool>(connector, timer, limits, idle_max, std::move(security));
}

Task<Response> fetch(ClientPool& pool, RequestHead head, std::string body, SteadyTime deadline,
                     std::size_t max_bytes) {
    while (true) {
        AC_CO_TRY(auto exchange, co_await pool.open(deadline));
        auto response = co_await ask(*exchange, head, body, deadline, max_bytes);
        // At most as often as there are idle connections: a fresh one is not a reused one.
        const bool again =
            !response && response.error().code == ErrorCode::cancelled && exchange->may_retry();
        if (!again) co_return response;
    }
}

}  // namespace ac::net
