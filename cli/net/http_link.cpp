#include "cli/net/http_link.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <charconv>
#include <optional>
#include <vector>

#include "async/loop.h"
#include "async/run.h"
#include "async/timer.h"
#include "base/file.h"
#include "net/http_client.h"

namespace ac::cli {
namespace {

constexpr std::size_t kUploadPieceBytes = 256 * 1024;

// Everything that outlives one exchange. Destroyed after the exchanges (shared with them).
struct Connection {
    Connection(const Url& url, const Clock& clock)
        : timer(clock),
          connector(net::make_tcp_connector(url.host, url.port, timer)),
          pool(net::make_client_pool(*connector, timer)) {}
    ~Connection() { pool->close(); }

    Loop loop;
    AsioTimer timer;
    std::unique_ptr<net::Connector> connector;
    std::unique_ptr<net::ClientPool> pool;
};

// Runs `task` on the link's loop; cancels it after `timeout` and waits until it has ended.
template <class T>
Result<T> run_within(Connection& connection, Task<T> task, Milliseconds timeout) {
    std::optional<Result<T>> out;
    asio::cancellation_signal stop_task;
    asio::cancellation_signal stop_alarm;
    bool late = false;
    int running = 2;
    const auto one_ended = [&] {
        if (--running == 0) connection.loop.stop();
    };
    auto task_ended = [&](std::exception_ptr thrown, Result<T> result) {
        if (thrown) result = fail(ErrorCode::cancelled, "the call was cancelled");
        out.emplace(std::move(result));
        stop_alarm.emit(asio::cancellation_type::terminal);
        one_ended();
    };
    auto alarm_rang = [&](std::exception_ptr, Result<>) {
        late = !out.has_value();
        if (late) stop_task.emit(asio::cancellation_type::terminal);
        one_ended();
    };
    const auto executor = connection.loop.executor();
    asio::co_spawn(executor, std::move(task),
                   asio::bind_cancellation_slot(stop_task.slot(), task_ended));
    asio::co_spawn(executor, sleep_for(connection.timer, timeout),
                   asio::bind_cancellation_slot(stop_alarm.slot(), alarm_rang));
    connection.loop.run();
    connection.loop.context().restart();
    if (late && !*out)
        return fail(ErrorCode::deadline_exceeded,
                    fmt::format("no answer within {} s", timeout.count() / 1000));
    return std::move(*out);
}

Task<> send_file(net::ClientExchange& exchange, const std::filesystem::path& path) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) co_return fail(errno_error("open " + path.string(), errno));
    std::vector<char> piece(kUploadPieceBytes);
    while (true) {
        const ssize_t n = ::read(fd.get(), piece.data(), piece.size());
        if (n < 0) co_return fail(errno_error("read " + path.string(), errno));
        if (n == 0) co_return Result<>();
        const std::string_view bytes(piece.data(), static_cast<std::size_t>(n));
        AC_CO_CHECK(co_await exchange.write_body(bytes));
    }
}

struct Opened {
    std::unique_ptr<net::ClientExchange> exchange;
    net::ResponseHead head;
};

Task<> send_request(net::ClientExchange& exchange, const net::RequestHead& head,
                    const Upload& body) {
    const bool from_file = !body.file.empty();
    const std::optional<std::uint64_t> length = from_file ? body.bytes : body.text.size();
    AC_CO_CHECK(co_await exchange.send_head(head, length));
    if (from_file) {
        AC_CO_CHECK(co_await send_file(exchange, body.file));
    } else if (!body.text.empty()) {
        AC_CO_CHECK(co_await exchange.write_body(body.text));
    }
    co_return co_await exchange.finish_request();
}

Task<Opened> exchange_once(net::ClientPool& pool, const net::RequestHead& head, const Upload& body,
                           SteadyTime deadline) {
    // A kept connection may turn out to be dead; a fresh one is tried once.
    for (bool again = true;; again = false) {
        AC_CO_TRY(auto exchange, co_await pool.open(deadline));
        const auto sent = co_await send_request(*exchange, head, body);
        Result<net::ResponseHead> answered = fail(ErrorCode::cancelled, "");
        if (sent) answered = co_await exchange->read_head(deadline);
        if (answered) {
            Opened opened;
            opened.exchange = std::move(exchange);
            opened.head = std::move(*answered);
            co_return opened;
        }
        if (!again || !exchange->may_retry())
            co_return fail(sent ? answered.error() : sent.error());
    }
}

class LinkReply final : public Reply {
  public:
    LinkReply(std::shared_ptr<Connection> connection, Opened opened)
        : connection_(std::move(connection)), opened_(std::move(opened)) {}

    const net::ResponseHead& head() const override { return opened_.head; }

    Expected<std::size_t> read_some(std::span<char> out, Milliseconds timeout) override {
        AC_TRY(const std::size_t n,
               run_within(*connection_, opened_.exchange->body().read_some(out), timeout));
        return n;
    }

  private:
    std::shared_ptr<Connection> connection_;
    Opened opened_;
};

class BlockingLink final : public HttpLink {
  public:
    BlockingLink(Url url, const Clock& clock)
        : url_(std::move(url)),
          clock_(clock),
          connection_(std::make_shared<Connection>(url_, clock)) {}

    const Url& url() const override { return url_; }

    Expected<std::unique_ptr<Reply>> open(net::RequestHead head, Upload body,
                                          Milliseconds timeout) override {
        head.headers.set("Host", url_.authority());
        const SteadyTime deadline = clock_.steady() + timeout;
        auto opened = run_within(*connection_,
                                 exchange_once(*connection_->pool, head, body, deadline), timeout);
        if (!opened) return std::unexpected(explain(opened.error()));
        return std::make_unique<LinkReply>(connection_, std::move(*opened));
    }

  private:
    Failure explain(const Error& error) const {
        if (error.code != ErrorCode::unavailable && error.code != ErrorCode::cancelled)
            return error;
        return Failure(ExitCode::unreachable,
                       fmt::format("no answer from {}: {}", url_.text(), error.message),
                       "Is the daemon running there? `agentcore daemon status` tells.");
    }

    Url url_;
    const Clock& clock_;
    std::shared_ptr<Connection> connection_;
};

}  // namespace

std::string Url::authority() const {
    const bool v6 = host.find(':') != std::string::npos;
    return v6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

Expected<Url> parse_url(std::string_view text) {
    const auto bad = [&](std::string_view why) {
        return failed(ExitCode::usage, fmt::format("{} is not a usable endpoint: {}", text, why),
                      "Give http://HOST:PORT, as in --endpoint http://127.0.0.1:7070");
    };
    std::string_view rest = text;
    if (rest.starts_with("https://")) return bad("this program does not speak TLS yet");
    if (!rest.starts_with("http://")) return bad("it does not start with http://");
    rest.remove_prefix(7);
    while (rest.ends_with('/')) rest.remove_suffix(1);
    Url url;
    if (rest.starts_with('[')) {
        const auto end = rest.find(']');
        if (end == std::string_view::npos) return bad("] is missing");
        url.host = std::string(rest.substr(1, end - 1));
        rest.remove_prefix(end + 1);
    } else {
        const auto end = rest.find(':');
        url.host = std::string(rest.substr(0, end));
        rest = end == std::string_view::npos ? std::string_view() : rest.substr(end);
    }
    if (url.host.empty() || url.host.find_first_of("/?#@ ") != std::string::npos)
        return bad("it must name a host and a port only");
    url.port = 80;
    if (rest.starts_with(':')) {
        rest.remove_prefix(1);
        const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), url.port);
        if (error != std::errc() || end != rest.data() + rest.size() || url.port == 0)
            return bad("the port is not a number from 1 to 65535");
    } else if (!rest.empty()) {
        return bad("it must name a host and a port only");
    }
    return url;
}

std::unique_ptr<HttpLink> make_http_link(Url url, const Clock& clock) {
    return std::make_unique<BlockingLink>(std::move(url), clock);
}

void pause(const Clock& clock, Milliseconds duration) {
    Loop loop;
    AsioTimer timer(clock);
    (void)run_on(loop, sleep_for(timer, duration));
}

Expected<std::string> read_all(Reply& reply, std::size_t bytes_max, Milliseconds timeout) {
    std::string text;
    std::vector<char> buffer(64 * 1024);
    while (true) {
        AC_TRY(const std::size_t n, reply.read_some(buffer, timeout));
        if (n == 0) return text;
        text.append(buffer.data(), n);
        if (text.size() > bytes_max)
            return failed(ExitCode::failed, fmt::format("the answer is over {} bytes", bytes_max));
    }
}

}  // namespace ac::cli
