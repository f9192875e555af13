#pragma once
// One connection of the HTTP server: reads request after request, hands each to the handler, sees
// the answer out, and decides whether the connection can go on.

#include <atomic>
#include <list>
#include <memory>

#include "async/task_group.h"
#include "net/answer.h"
#include "net/http_server.h"
#include "net/message_body.h"
#include "net/stream_duplex.h"

namespace ac::net {

class HttpConnection;

// What the connections of one loop share. Lives as long as any of them.
class ConnectionHost final {
  public:
    ConnectionHost(Executor executor, ServerLimits limits, const Clock& clock, Handler& handler,
                   std::shared_ptr<std::atomic<std::size_t>> count, const TlsServer* tls);

    Executor executor() const { return executor_; }
    const ServerLimits& limits() const { return limits_; }
    const Clock& clock() const { return clock_; }
    Handler& handler() const { return handler_; }
    std::atomic<std::size_t>& count() { return *count_; }
    const TlsServer* tls() const { return tls_; }
    std::list<HttpConnection*>& connections() { return connections_; }
    TaskGroup& tasks() { return tasks_; }
    // RFC 9110 5.6.7, made once a second.
    std::string_view date();

    bool is_draining() const { return draining_; }
    // Idle connections end now, the others after their exchange.
    void start_draining();

  private:
    const Executor executor_;
    const ServerLimits limits_;
    const Clock& clock_;
    Handler& handler_;
    const std::shared_ptr<std::atomic<std::size_t>> count_;
    const TlsServer* const tls_;
    std::list<HttpConnection*> connections_;
    bool draining_ = false;
    std::string date_;
    std::int64_t date_second_ = -1;
    TaskGroup tasks_;
};

// Serves `connected` until it ends. `peer` is the text of its address.
Detached serve_connection(std::shared_ptr<ConnectionHost> host, UniqueFd connected,
                          std::string peer);

class HttpConnection final : public Exchange, public std::enable_shared_from_this<HttpConnection> {
  public:
    HttpConnection(std::shared_ptr<ConnectionHost> host, UniqueFd connected, std::string peer);
    ~HttpConnection() override;

    Detached run();
    void end_if_idle();

    const RequestHead& request() const override { return request_; }
    Body& body() override { return body_; }
    std::string_view peer() const override { return peer_; }
    Task<> respond(Response response) override;
    Task<> start(ResponseHead head) override;
    Task<> write(std::string_view bytes) override { return answer_.write(bytes); }
    Task<> finish() override { return answer_.finish(); }
    bool started() const override { return answer_.started(); }
    Task<Duplex*> switch_protocols(ResponseHead head) override;
    void abort() override;
    Task<> wait_closed() override;

  private:
    enum class Arrival { request, ended, refused, http2 };

    Task<> start_tls();
    asio::awaitable<Arrival, Executor> next_request();
    Arrival parse();
    Arrival refuse(int status, std::string_view reason);
    Detached refuse_request();
    asio::awaitable<bool, Executor> serve_request();
    Detached answer_for_handler(const char* what);
    asio::awaitable<bool, Executor> settle();
    void settle_keep_alive();
    Task<std::size_t> watch(std::span<char> room);
    Detached linger();

    const std::shared_ptr<ConnectionHost> host_;
    std::list<HttpConnection*>::iterator place_;
    const std::string peer_;
    Stream stream_;
    ReadBuffer buffer_;
    HeadScanner scanner_;
    RequestHead request_;
    Framing framing_;
    MessageBody body_;
    Answer answer_;
    StreamDuplex duplex_;
    Rejection rejection_{};
    bool switched_ = false;  // HTTP is over on this connection
    bool first_ = true;      // no request was read yet
    bool idle_ = false;      // waits for the first byte of a request
    bool watching_ = false;  // wait_closed() is reading
    bool aborted_ = false;
};

}  // namespace ac::net
