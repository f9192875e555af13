#include "runtime/invocation.h"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <memory>
#include <span>

#include "base/storable_text.h"
#include "runtime/proxy_headers.h"

namespace ac::runtime {
namespace {

constexpr std::size_t kSmallBytesMax = 16 * 1024;
constexpr std::size_t kBufferBytes = 64 * 1024;
constexpr Milliseconds kSoon{200};

bool is_success(int status) {
    return status >= 200 && status < 300;
}

}  // namespace

Invocation::Invocation(Lease& lease, AgentCall call, std::string request_id,
                       net::Exchange& exchange, net::Body& body, Timer& timer,
                       const RuntimeLimits& limits, Signal& ending, net::Headers identity)
    : lease_(lease),
      call_(call),
      request_id_(std::move(request_id)),
      exchange_(exchange),
      body_(body),
      timer_(timer),
      limits_(limits),
      ending_(ending),
      deadline_(timer.clock().steady() + limits.invocation_max),
      identity_(std::move(identity)) {}

net::RequestHead Invocation::request_for_guest() const {
    const Session& session = lease_.session();
    net::RequestHead head = guest_request(exchange_.request(), session.address.session, request_id_,
                                          session.target.spec.header_allowlist);
    const ServerProtocol protocol = session.target.spec.protocol;
    if (const auto route = agent_route(protocol, call_)) {
        head.method = route->method;
        head.target = route->path;
    }
    head.headers.set("Host", "127.0.0.1:" + std::to_string(agent_port(protocol)));
    for (const net::Header& header : exchange_.request().headers)
        if (is_protocol_header(protocol, header.name)) head.headers.set(header.name, header.value);
    if (protocol == ServerProtocol::mcp) name_mcp_session(head.headers);
    for (const net::Header& header : identity_) head.headers.set(header.name, header.value);
    return head;
}

// An agent that keeps MCP sessions itself refuses an id that is not its own, most of all with the
// request that asks for one; those that keep none take whatever comes.
void Invocation::name_mcp_session(net::Headers& headers) const {
    const bool opens = small_body_ && small_body_->find("\"initialize\"") != std::string::npos;
    headers.remove("Mcp-Session-Id");
    if (opens) return;
    const std::string own = lease_.session().mcp.id();
    headers.add("Mcp-Session-Id", own.empty() ? lease_.session().address.session.text() : own);
}

net::Headers Invocation::headers_for_caller(const net::ResponseHead& head) const {
    const Session& session = lease_.session();
    net::Headers headers = caller_headers(head, exchange_.request(), session.address.session);
    if (session.target.spec.protocol != ServerProtocol::mcp) return headers;
    if (const auto own = headers.find("Mcp-Session-Id")) session.mcp.learn(*own);
    headers.set("Mcp-Session-Id", session.address.session.text());
    return headers;
}

// MCP clients ask whether a server has a stream, and understand its no.
bool Invocation::passes_on(int status) const {
    return is_success(status) || call_ == AgentCall::mcp_stream || call_ == AgentCall::mcp_end;
}

Task<> Invocation::run() {
    AC_CO_CHECK(co_await read_small_body());
    // Not ?: around two co_await: g++ 12 destroys their result twice.
    auto beginning = small_body_ ? begin_small_request() : begin_large_request();
    Result<> asked = co_await std::move(beginning);
    if (asked) {
        auto asking = is_whole_answer() ? ask_guest() : ask_watching_caller();
        asked = co_await std::move(asking);
    }
    if (fault_ == Fault::caller) lease_.forget();
    if (!asked && fault_ == Fault::guest) co_return co_await explain(std::move(asked).error());
    co_return asked;
}

// Whichever ends first decides, and the other is cancelled: the agent's answer has been passed on,
// or the caller has gone.
Task<> Invocation::ask_watching_caller() {
    using namespace asio::experimental::awaitable_operators;
    auto ended = co_await (ask_guest() || follow_caller());
    if (ended.index() == 0) co_return std::get<0>(std::move(ended));
    fault_ = Fault::caller;
    co_return std::get<1>(std::move(ended));
}

// Nothing is left that could take long, so that the caller need not be watched.
bool Invocation::is_whole_answer() const {
    if (!head_) return false;
    const auto length = guest_->body().length();
    return length && *length <= kBufferBytes;
}

template <class T>
Result<T> Invocation::from_guest(Result<T> result) {
    if (result || fault_ != Fault::none) return result;
    if (result.error().code == ErrorCode::deadline_exceeded &&
        timer_.clock().steady() >= deadline_) {
        return fail(ErrorCode::deadline_exceeded,
                    "the invocation took longer than " +
                        std::to_string(limits_.invocation_max.count()) + " s");
    }
    fault_ = Fault::guest;
    return result;
}

Result<> Invocation::from_caller(Result<> result) {
    if (!result && fault_ == Fault::none) fault_ = Fault::caller;
    return result;
}

Task<> Invocation::read_small_body() {
    const auto length = body_.length();
    if (length && *length > limits_.request_bytes_max) {
        co_return fail(
            ErrorCode::too_large,
            "the payload is larger than " + std::to_string(limits_.request_bytes_max) + " bytes");
    }
    if (!length || *length > kSmallBytesMax) co_return Result<>{};
    auto read = co_await net::read_all(body_, kSmallBytesMax);
    if (!read) {
        lease_.forget();
        co_return fail(std::move(read).error());
    }
    small_body_ = *std::move(read);
    co_return Result<>{};
}

// On a connection of its own: what has been streamed cannot be sent again.
Task<> Invocation::begin_large_request() {
    const Session& session = lease_.session();
    auto opened = co_await session.fresh->open(deadline_);
    AC_CO_TRY(guest_, from_guest(std::move(opened)));
    guest_->set_deadline(deadline_);
    const net::RequestHead head = request_for_guest();
    Result<> sent = co_await guest_->send_head(head, body_.length());
    co_return from_guest(std::move(sent));
}

Task<> Invocation::ask_guest() {
    if (!head_) {
        auto head = co_await guest_->read_head(deadline_);
        AC_CO_TRY(head_, from_guest(std::move(head)));
    }
    co_return co_await answer(*std::move(head_));
}

// Most agents that answer small requests do so soon; watching the caller meanwhile would cost as
// much as the rest of the invocation.
Task<> Invocation::begin_small_request() {
    const net::RequestHead head = request_for_guest();
    Result<> asked = co_await try_small_request(head);
    // Agents close kept-alive connections after a few seconds; one that was closed just now has
    // not seen the request.
    if (!asked && guest_ && guest_->may_retry() && !lease_.end_error())
        asked = co_await try_small_request(head);
    co_return from_guest(std::move(asked));
}

Task<> Invocation::try_small_request(const net::RequestHead& head) {
    guest_.reset();
    AC_CO_TRY(guest_, co_await lease_.session().pool->open(deadline_));
    guest_->set_deadline(deadline_);
    AC_CO_CHECK(co_await guest_->send_head(head, small_body_->size()));
    if (!small_body_->empty()) {
        AC_CO_CHECK(co_await guest_->write_body(*small_body_));
    }
    AC_CO_CHECK(co_await guest_->finish_request());
    const SteadyTime soon = timer_.clock().steady() + kSoon;
    AC_CO_TRY(const bool heard, co_await guest_->heard_by(soon));
    if (heard) {
        AC_CO_TRY(head_, co_await guest_->read_head(deadline_));
    }
    co_return Result<>{};
}

// Beside the answer: the rest of a large request goes to the agent, then the caller is watched.
// Ends only when the caller has gone or sends what it must not.
Task<> Invocation::follow_caller() {
    if (!small_body_) {
        Result<> sent = co_await send_large_body();
        if (!sent) co_return sent;
    }
    using namespace asio::experimental::awaitable_operators;
    auto ended = co_await (exchange_.wait_closed() || await_drain());
    if (ended.index() == 1) co_return std::get<1>(std::move(ended));
    AC_CO_CHECK(std::get<0>(std::move(ended)));
    co_return fail(ErrorCode::cancelled, "the caller went away");
}

// An answer that has not begun is work under way, and the server itself bounds the wait for it; a
// stream may have no end of its own.
Task<> Invocation::await_drain() {
    constexpr Milliseconds kLook{500};
    AC_CO_CHECK(co_await ending_.wait());
    if (call_ != AgentCall::mcp_stream) {
        AC_CO_CHECK(co_await timer_.sleep_until(timer_.clock().steady() + limits_.stream_drain));
    }
    while (!exchange_.started()) {
        AC_CO_CHECK(co_await sleep_for(timer_, kLook));
    }
    co_return fail(ErrorCode::cancelled, "the server is shutting down");
}

Task<> Invocation::send_large_body() {
    const auto buffer = std::make_unique_for_overwrite<char[]>(kBufferBytes);
    const std::span<char> room(buffer.get(), kBufferBytes);
    std::uint64_t total = 0;
    while (true) {
        AC_CO_TRY(const std::size_t size, co_await body_.read_some(room));
        if (size == 0) break;
        total += size;
        if (total > limits_.request_bytes_max) {
            co_return fail(ErrorCode::too_large, "the payload is larger than " +
                                                     std::to_string(limits_.request_bytes_max) +
                                                     " bytes");
        }
        const std::string_view bytes(buffer.get(), size);
        // What the agent does not take is told by its answer, which is awaited elsewhere.
        if (!co_await guest_->write_body(bytes)) co_return Result<>{};
    }
    (void)co_await guest_->finish_request();
    co_return Result<>{};
}

Task<> Invocation::answer(net::ResponseHead head) {
    if (!passes_on(head.status)) co_return co_await refuse(head.status);
    const auto length = guest_->body().length();
    if (length && *length <= kBufferBytes)
        co_return co_await answer_whole(std::move(head), *length);
    co_return co_await answer_streaming(std::move(head));
}

// In one piece, which saves two writes to the caller.
Task<> Invocation::answer_whole(net::ResponseHead head, std::uint64_t size) {
    net::Response response{.status = head.status};
    response.headers = headers_for_caller(head);
    if (size > 0) {
        auto read = co_await net::read_all(guest_->body(), size);
        AC_CO_TRY(response.body, from_guest(std::move(read)));
    }
    Result<> sent = co_await exchange_.respond(std::move(response));
    co_return from_caller(std::move(sent));
}

Task<> Invocation::answer_streaming(net::ResponseHead head) {
    net::ResponseHead begin{.status = head.status};
    begin.headers = headers_for_caller(head);
    if (const auto length = guest_->body().length())
        begin.headers.add("Content-Length", std::to_string(*length));
    Result<> started = co_await exchange_.start(std::move(begin));
    AC_CO_CHECK(from_caller(std::move(started)));
    const auto buffer = std::make_unique_for_overwrite<char[]>(kBufferBytes);
    const std::span<char> room(buffer.get(), kBufferBytes);
    while (true) {
        auto read = co_await guest_->body().read_some(room);
        AC_CO_TRY(const std::size_t size, from_guest(std::move(read)));
        if (size == 0) break;
        const std::string_view bytes(buffer.get(), size);
        Result<> written = co_await exchange_.write(bytes);
        AC_CO_CHECK(from_caller(std::move(written)));
    }
    Result<> finished = co_await exchange_.finish();
    co_return from_caller(std::move(finished));
}

// The agent answered an error: the caller is told its status and the beginning of its body.
Task<> Invocation::refuse(int status) {
    std::string text(limits_.error_body_bytes_max, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
        const std::span<char> room(text.data() + size, text.size() - size);
        const auto read = co_await guest_->body().read_some(room);
        if (!read || *read == 0) break;
        size += *read;
    }
    text.resize(size);
    std::string message = "Received error (" + std::to_string(status) + ") from runtime";
    if (!text.empty()) message += ": " + to_storable_text(text);
    Error error{.code = ErrorCode::guest_failed, .message = std::move(message)};
    if (status == 406) error.reason = kNotAcceptable;
    co_return fail(std::move(error));
}

// The agent broke off. If its session is ending, that is the reason to tell.
Task<> Invocation::explain(Error error) {
    constexpr Milliseconds kLook{5};
    constexpr int kLooks = 60;
    guest_.reset();
    for (int i = 0; i < kLooks; ++i) {
        if (auto ended = lease_.end_error()) co_return fail(*std::move(ended));
        if (error.code == ErrorCode::invalid_argument || error.code == ErrorCode::too_large) break;
        if (!co_await sleep_for(timer_, kLook)) break;
    }
    const bool rubbish =
        error.code == ErrorCode::invalid_argument || error.code == ErrorCode::too_large;
    co_return fail(ErrorCode::guest_failed, (rubbish ? "the agent's answer is not valid HTTP: "
                                                     : "the agent broke off the connection: ") +
                                                error.message);
}

}  // namespace ac::runtime
