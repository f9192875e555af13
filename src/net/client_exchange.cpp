#include "net/client_exchange.h"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <limits>

#include "net/http_head.h"
#include "net/http_text.h"

namespace ac::net {
namespace {

// More 1xx heads than that and the server is playing games.
constexpr int kInterimMax = 16;

// What is read ahead of the response while the request is still being written.
constexpr std::size_t kEarlyBytesMax = 64 * 1024;

std::unexpected<Error> not_http(std::string_view why) {
    return fail(ErrorCode::invalid_argument,
                "the server's answer is not HTTP: " + std::string(why));
}

std::unexpected<Error> misuse(const char* what) {
    return fail(ErrorCode::internal, what);
}

// Whether `text`, which follows a response's head, holds the whole content.
bool holds_all(const Framing& framing, std::string_view text) {
    if (framing.coding == Coding::none) return true;
    if (framing.coding == Coding::length) return text.size() >= framing.length;
    if (framing.coding == Coding::until_close) return false;
    ChunkDecoder chunks;
    while (!text.empty() && !chunks.is_done()) {
        const auto eaten = chunks.eat_framing(text);
        if (!eaten) return true;  // broken: nothing good will follow
        text.remove_prefix(*eaten);
        const auto content = std::min<std::uint64_t>(chunks.content(), text.size());
        if (chunks.content() > 0) chunks.took(content);
        text.remove_prefix(static_cast<std::size_t>(content));
    }
    return chunks.is_done();
}

}  // namespace

HttpClientExchange::HttpClientExchange(std::unique_ptr<ClientConnection> connection,
                                       const ClientLimits& limits, GiveBack give_back)
    : connection_(std::move(connection)),
      limits_(limits),
      give_back_(std::move(give_back)),
      stream_(connection_->stream),
      buffer_(connection_->buffer),
      body_(stream_, buffer_, limits.read_stall_timeout, std::numeric_limits<std::int64_t>::max()),
      duplex_(stream_, buffer_, limits.write_stall_timeout) {}

HttpClientExchange::~HttpClientExchange() {
    if (is_reusable())
        give_back_(std::move(connection_));
    else if (sending_ == Sending::body || sending_ == Sending::dropped)
        stream_.reset();  // or the kernel would go on sending what nobody reads
}

bool HttpClientExchange::is_reusable() const {
    return sending_ == Sending::finished && receiving_ == Receiving::body && keep_alive_ &&
           body_.is_complete() && buffer_.empty() && stream_.is_open();
}

void HttpClientExchange::set_deadline(SteadyTime deadline) {
    deadline_ = deadline;
    body_.set_deadline(deadline);
}

Task<> HttpClientExchange::send_head(const RequestHead& head, std::optional<std::uint64_t> length) {
    if (sending_ != Sending::unstarted) co_return misuse("send_head() twice");
    if (!is_token(head.method) || !is_target(head.target))
        co_return fail(ErrorCode::invalid_argument, "the method or the target is malformed");
    response_to_ = head.method == "HEAD" ? ResponseTo::head : ResponseTo::other;
    left_ = length;
    append_request_line(head_, head.method, head.target);
    for (const Header& header : head.headers)
        if (!is_framing_field(header.name)) append_field(head_, header.name, header.value);
    may_switch_ = head.headers.contains("upgrade");
    if (may_switch_) head_ += "Connection: Upgrade\r\n";
    if (!length) {
        head_ += "Transfer-Encoding: chunked\r\n";
    } else if (*length > 0 || head.method == "POST" || head.method == "PUT" ||
               head.method == "PATCH") {
        head_ += "Content-Length: ";
        append_number(head_, *length);
        head_ += "\r\n";
    }
    head_ += "\r\n";
    head_waits_ = true;
    sending_ = Sending::body;
    co_return Result<>{};
}

void HttpClientExchange::take_head(Pieces& pieces) {
    if (!head_waits_) return;
    head_waits_ = false;
    pieces.add(head_);
}

Task<> HttpClientExchange::write_body(std::string_view bytes) {
    if (sending_ == Sending::dropped) co_return Result<>{};
    if (sending_ != Sending::body) co_return misuse("write_body() outside a request");
    if (left_) {
        if (bytes.size() > *left_) co_return misuse("more content than the head said");
        *left_ -= bytes.size();
    }
    std::string size_line;
    Pieces pieces;
    take_head(pieces);
    if (!bytes.empty()) {
        if (!left_) append_chunk_size(size_line, bytes.size());
        pieces.add(size_line);
        pieces.add(bytes);
        if (!left_) pieces.add("\r\n");
    }
    co_return co_await send(pieces);
}

Task<> HttpClientExchange::finish_request() {
    if (sending_ == Sending::dropped) co_return Result<>{};
    if (sending_ != Sending::body) co_return misuse("finish_request() outside a request");
    if (left_.value_or(0) > 0) co_return misuse("less content than the head said");
    Pieces pieces;
    take_head(pieces);
    if (!left_) pieces.add("0\r\n\r\n");
    AC_CO_CHECK(co_await send(pieces));
    if (sending_ == Sending::body) sending_ = Sending::finished;
    co_return Result<>{};
}

// A server that has closed may have answered first: what it said is still to be read, so a failed
// write is no error yet.
Task<> HttpClientExchange::send(Pieces& pieces) {
    while (true) {
        const auto written = stream_.try_write(pieces);
        if (!written) {
            sending_ = Sending::dropped;
            co_return Result<>{};
        }
        if (*written == Stream::Written::all) co_return Result<>{};
        if (is_answered_early()) {
            sending_ = Sending::dropped;
            co_return Result<>{};
        }
        AC_CO_CHECK(co_await wait_for_room());
    }
}

Task<> HttpClientExchange::wait_for_room() {
    using namespace asio::experimental::awaitable_operators;
    const auto patience_end = stream_.clock().steady() + limits_.write_stall_timeout;
    const auto deadline = std::min(deadline_, patience_end);
    const bool may_read = receiving_ == Receiving::unstarted && buffer_.size() < kEarlyBytesMax;
    if (!may_read) co_return co_await stream_.wait_writable(deadline);
    const auto first = co_await (stream_.wait_writable(deadline) || stream_.wait_readable());
    if (first.index() == 0) co_return std::get<0>(first);
    // A deadline ends both waits, in either order.
    if (const Result<>& readable = std::get<1>(first); !readable) {
        if (stream_.clock().steady() < deadline) co_return readable;
        co_return fail(ErrorCode::deadline_exceeded, "the server did not read in time");
    }
    take_early_bytes();
    co_return Result<>{};
}

void HttpClientExchange::take_early_bytes() {
    const auto count = stream_.try_read(buffer_.prepare(kEarlyBytesMax));
    if (!count || (*count && **count == 0)) {
        sending_ = Sending::dropped;
        return;
    }
    if (!*count) return;
    heard_ = true;
    buffer_.commit(**count);
}

bool HttpClientExchange::is_answered_early() const {
    if (sending_ == Sending::dropped) return true;
    if (receiving_ != Receiving::unstarted) return false;
    HeadScanner scanner;
    auto text = buffer_.text();
    while (true) {
        scanner.reset();
        const auto state = scanner.scan(text);
        if (state == HeadScanner::State::malformed) return true;
        if (state == HeadScanner::State::incomplete) break;
        ResponseHead head;
        const auto framing = parse_response_head(text.substr(0, scanner.size()),
                                                 limits_.header_count_max, response_to_, head);
        if (!framing) return true;
        text.remove_prefix(scanner.size());
        if (head.status < 200) continue;
        if (head.status >= 300 || holds_all(*framing, text)) return true;
        break;
    }
    // A success that streams while it reads goes on, unless neither side can move any more.
    return buffer_.size() >= kEarlyBytesMax;
}

Result<std::optional<ResponseHead>> HttpClientExchange::parse_head() {
    while (!buffer_.empty()) {
        const auto state = scanner_.scan(buffer_.text());
        if (state == HeadScanner::State::malformed) return not_http("malformed head");
        if (state == HeadScanner::State::incomplete) {
            if (buffer_.size() < limits_.head_bytes_max) return std::nullopt;
            return fail(ErrorCode::too_large, "the server's response head is too long");
        }
        ResponseHead head;
        const auto text = buffer_.text().substr(0, scanner_.size());
        const auto framing =
            parse_response_head(text, limits_.header_count_max, response_to_, head);
        if (!framing) return not_http(framing.error().reason);
        buffer_.consume(text.size());
        scanner_.reset();
        if (head.status >= 200) {
            keep_alive_ = framing->keep_alive;
            body_.begin(*framing);
            return head;
        }
        if (head.status == 101 && may_switch_) {
            Framing none;
            none.keep_alive = false;
            keep_alive_ = false;
            body_.begin(none);
            return head;
        }
        if (head.status == 101 || ++interim_ > kInterimMax)
            return not_http("an interim response nobody asked for");
    }
    return std::nullopt;
}

Task<bool> HttpClientExchange::heard_by(SteadyTime deadline) {
    if (receiving_ != Receiving::unstarted) co_return misuse("heard_by() after read_head()");
    if (!buffer_.text().empty()) co_return true;
    if (head_waits_) {
        Pieces pieces;
        take_head(pieces);
        AC_CO_CHECK(co_await send(pieces));
    }
    const auto room = buffer_.prepare(limits_.head_bytes_max);
    const auto count = co_await stream_.read_some(room, std::min(deadline, deadline_));
    if (!count) {
        const bool is_early = stream_.clock().steady() < deadline_;
        if (count.error().code == ErrorCode::deadline_exceeded && is_early) co_return false;
        co_return fail(count.error());
    }
    if (*count > 0) {
        heard_ = true;
        buffer_.commit(*count);
    }
    co_return true;
}

Task<ResponseHead> HttpClientExchange::read_head(SteadyTime deadline) {
    if (receiving_ != Receiving::unstarted) co_return misuse("read_head() twice");
    if (head_waits_) {
        Pieces pieces;
        take_head(pieces);
        AC_CO_CHECK(co_await send(pieces));
    }
    receiving_ = Receiving::head;
    while (true) {
        AC_CO_TRY(auto head, parse_head());
        if (head) {
            receiving_ = Receiving::body;
            if (buffer_.text().empty()) stream_.acknowledge_at_once();
            co_return std::move(*head);
        }
        const auto room = buffer_.prepare(limits_.head_bytes_max);
        AC_CO_TRY(const std::size_t count,
                  co_await stream_.read_some(room, std::min(deadline, deadline_)));
        if (count == 0)
            co_return fail(ErrorCode::cancelled, "the server closed before it answered");
        heard_ = true;
        buffer_.commit(count);
    }
}

}  // namespace ac::net
