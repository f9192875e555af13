#include "net/http_connection.h"

#include <array>
#include <boost/asio/post.hpp>

#include "base/log.h"
#include "base/time_text.h"
#include "net/http2_connection.h"

namespace ac::net {
namespace {

// An unread request body up to this size is read and dropped so that the connection can be kept;
// beyond it closing is cheaper.
constexpr std::uint64_t kDroppedBodyBytesMax = 256 * 1024;

// After the last answer we read on for a while, or the peer's kernel would throw our answer away
// when the peer is still sending (RFC 9112 9.6).
constexpr Milliseconds kLingerTime{3000};
constexpr std::uint64_t kLingerBytesMax = 16 * 1024 * 1024;

// Pipelined bytes that wait_closed() takes in while it looks for the connection's end.
constexpr std::size_t kWatchBytesMax = 16 * 1024;

}  // namespace

ConnectionHost::ConnectionHost(Executor executor, ServerLimits limits, const Clock& clock,
                               Handler& handler, std::shared_ptr<std::atomic<std::size_t>> count,
                               const TlsServer* tls)
    : executor_(executor),
      limits_(limits),
      clock_(clock),
      handler_(handler),
      count_(std::move(count)),
      tls_(tls),
      tasks_(executor) {}

std::string_view ConnectionHost::date() {
    const WallTime now = clock_.wall();
    const std::int64_t second = to_epoch_ms(now) / 1000;
    if (second != date_second_) {
        date_second_ = second;
        date_ = to_http_date(now);
    }
    return date_;
}

void ConnectionHost::start_draining() {
    draining_ = true;
    for (HttpConnection* connection : connections_) connection->end_if_idle();
}

Detached serve_connection(std::shared_ptr<ConnectionHost> host, UniqueFd connected,
                          std::string peer) {
    auto connection = std::make_shared<HttpConnection>(host, std::move(connected), std::move(peer));
    co_await connection->run();
}

HttpConnection::HttpConnection(std::shared_ptr<ConnectionHost> host, UniqueFd connected,
                               std::string peer)
    : host_(std::move(host)),
      peer_(std::move(peer)),
      stream_(host_->executor(), std::move(connected), host_->clock()),
      body_(stream_, buffer_, host_->limits().stall_timeout, host_->limits().body_bytes_max),
      answer_(stream_, host_->limits().stall_timeout),
      duplex_(stream_, buffer_, host_->limits().stall_timeout) {
    place_ = host_->connections().insert(host_->connections().end(), this);
}

HttpConnection::~HttpConnection() {
    host_->connections().erase(place_);
    --host_->count();
}

void HttpConnection::end_if_idle() {
    if (idle_) stream_.cancel();
}

Task<> HttpConnection::start_tls() {
    AC_CO_TRY(auto session, host_->tls()->accept());
    const auto deadline = host_->clock().steady() + host_->limits().head_timeout;
    co_return co_await stream_.start_tls(std::move(session), deadline);
}

Detached HttpConnection::run() {
    if (host_->tls() != nullptr && !co_await start_tls()) co_return;
    while (true) {
        const Arrival arrival = co_await next_request();
        if (arrival == Arrival::ended) co_return;
        if (arrival == Arrival::http2) {
            co_await serve_http2(host_, stream_, buffer_, peer_);
            co_return;
        }
        if (arrival == Arrival::refused) {
            co_await refuse_request();
            break;
        }
        if (!co_await serve_request()) {
            // A client that has said all it had to say is not waited for.
            if (body_.is_complete() && buffer_.empty()) co_return;
            break;
        }
        buffer_.shrink();
    }
    if (!aborted_ && !switched_ && !answer_.failed()) co_await linger();
}

asio::awaitable<HttpConnection::Arrival, Executor> HttpConnection::next_request() {
    const ServerLimits& limits = host_->limits();
    scanner_.reset();
    auto deadline = host_->clock().steady() + (first_ ? limits.head_timeout : limits.idle_timeout);
    bool begun = false;
    while (true) {
        if (!buffer_.empty()) {
            const auto state = scanner_.scan(buffer_.text());
            if (state == HeadScanner::State::complete) co_return parse();
            if (state == HeadScanner::State::malformed)
                co_return refuse(400, "this is not an HTTP/1.1 request");
            if (buffer_.size() >= limits.head_bytes_max)
                co_return scanner_.past_first_line()
                    ? refuse(431, "the request's head is too long")
                    : refuse(414, "the request target is too long");
            if (!begun && !first_) deadline = host_->clock().steady() + limits.head_timeout;
            begun = true;
        }
        if (!begun && host_->is_draining()) co_return Arrival::ended;
        const auto room = buffer_.prepare(limits.head_bytes_max);
        idle_ = !begun;
        const auto count = co_await stream_.read_some(room, deadline);
        idle_ = false;
        if (!count && begun && count.error().code == ErrorCode::deadline_exceeded)
            co_return refuse(408, "the request's head did not arrive in time");
        if (!count || *count == 0) co_return Arrival::ended;
        buffer_.commit(*count);
    }
}

HttpConnection::Arrival HttpConnection::parse() {
    const ServerLimits& limits = host_->limits();
    const auto text = buffer_.text().substr(0, scanner_.size());
    if (first_ && text == kHttp2Head) return Arrival::http2;
    const auto framing = parse_request_head(text, limits.header_count_max, request_);
    if (!framing) return refuse(framing.error().status, framing.error().reason);
    if (request_.method == "CONNECT" && !limits.accepts_connect)
        return refuse(501, "CONNECT is not supported");
    framing_ = *framing;
    first_ = false;
    buffer_.consume(text.size());
    if (framing_.coding == Coding::length && framing_.length > limits.body_bytes_max)
        return refuse(413, "the request's body is too large");
    return Arrival::request;
}

HttpConnection::Arrival HttpConnection::refuse(int status, std::string_view reason) {
    rejection_ = {status, reason};
    return Arrival::refused;
}

Detached HttpConnection::refuse_request() {
    Answer::Terms terms;
    terms.keep_alive = false;
    answer_.begin(terms);
    Response response;
    response.status = rejection_.status;
    response.headers.add("Content-Type", "text/plain");
    response.body = std::string(rejection_.reason) + "\n";
    // The peer may be gone; there is nobody else to tell.
    (void)co_await answer_.respond(std::move(response), host_->date());
}

asio::awaitable<bool, Executor> HttpConnection::serve_request() {
    body_.begin(framing_);
    Answer::Terms terms;
    terms.head_only = request_.method == "HEAD";
    terms.version_minor = framing_.version_minor;
    terms.keep_alive = framing_.keep_alive;
    answer_.begin(terms);
    std::string bug;
    try {
        co_await host_->handler().handle(*this);
    } catch (const std::exception& e) {
        bug = e.what();
        if (bug.empty()) bug = "an exception";
    }
    if (is_cancelled(co_await asio::this_coro::cancellation_state)) {
        abort();
        co_return false;
    }
    if (!bug.empty()) AC_LOG(error, "handler threw", {"what", bug}, {"path", request_.path()});
    co_return co_await settle();
}

// Brings the exchange to an end whatever the handler left undone.
asio::awaitable<bool, Executor> HttpConnection::settle() {
    if (watching_) {
        AC_LOG(error, "handler left wait_closed() running", {"path", request_.path()});
        abort();
    }
    if (aborted_ || switched_) co_return false;
    if (!answer_.started()) {
        Response response;
        response.status = 500;
        answer_.forbid_keep_alive();
        (void)co_await answer_.respond(std::move(response), host_->date());
        co_return false;
    }
    if (!answer_.finished()) {
        abort();
        co_return false;
    }
    if (!answer_.keep_alive()) co_return false;
    if (!body_.is_complete() && !co_await body_.drop_rest(kDroppedBodyBytesMax)) co_return false;
    co_return true;
}

// Called when the answer begins: a connection on which the rest of the request cannot be got rid
// of says that it will close.
void HttpConnection::settle_keep_alive() {
    const auto left = body_.left();
    const bool stuck = body_.is_broken() || body_.owes_continue();
    if (stuck || (left && *left > kDroppedBodyBytesMax) || host_->is_draining())
        answer_.forbid_keep_alive();
    body_.forgive_continue();
}

Task<> HttpConnection::respond(Response response) {
    settle_keep_alive();
    return answer_.respond(std::move(response), host_->date());
}

// The head leaves with the first write if that follows at once, otherwise as soon as this
// coroutine waits for something.
Task<> HttpConnection::start(ResponseHead head) {
    settle_keep_alive();
    AC_CO_CHECK(answer_.start(head, host_->date()));
    asio::post(host_->executor(), [self = shared_from_this()] { self->answer_.flush_head(); });
    co_return Result<>{};
}

Task<Duplex*> HttpConnection::switch_protocols(ResponseHead head) {
    if (!body_.is_complete())
        co_return fail(ErrorCode::invalid_argument, "a request that upgrades has no content");
    switched_ = true;
    AC_CO_CHECK(co_await answer_.switch_protocols(head, host_->date()));
    co_return &duplex_;
}

void HttpConnection::abort() {
    aborted_ = true;
    // Where only the connection's end ends the message, it must not look like a proper one.
    if (answer_.close_delimited())
        stream_.reset();
    else
        stream_.close();
}

Task<> HttpConnection::wait_closed() {
    const auto self = shared_from_this();
    while (!body_.is_complete()) {
        // Whoever reads the body notices the end; two readers would steal from each other.
        if (body_.is_broken()) co_return fail(ErrorCode::cancelled, "the client went away");
        if (!co_await body_.ended().wait())
            co_return fail(ErrorCode::cancelled, "the watch was ended");
    }
    while (true) {
        const auto room = buffer_.prepare(kWatchBytesMax);
        if (room.empty()) co_return co_await stream_.wait_failed();
        const auto count = co_await watch(room);
        if (!count || *count == 0) co_return fail(ErrorCode::cancelled, "the client went away");
        buffer_.commit(*count);
    }
}

// The flag falls however the wait ends: one that is cancelled just before it begins throws.
Task<std::size_t> HttpConnection::watch(std::span<char> room) {
    struct Flag {
        explicit Flag(bool& to) : flag(to) { flag = true; }
        ~Flag() { flag = false; }
        Flag(const Flag&) = delete;
        bool& flag;
    };
    const Flag watching(watching_);
    co_return co_await stream_.read_some(room, SteadyTime::max());
}

Detached HttpConnection::linger() {
    stream_.shutdown_write();
    std::array<char, 4096> scratch;
    const std::span<char> room(scratch);
    const auto deadline = host_->clock().steady() + kLingerTime;
    std::uint64_t dropped = 0;
    while (dropped < kLingerBytesMax) {
        const auto count = co_await stream_.read_some(room, deadline);
        if (!count || *count == 0) co_return;
        dropped += *count;
    }
}

}  // namespace ac::net
