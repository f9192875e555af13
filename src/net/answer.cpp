#include "net/answer.h"

#include <charconv>
#include <cstring>

#include "base/encoding.h"
#include "net/http_text.h"

namespace ac::net {
namespace {

// Up to here copying a body behind its head is cheaper than a second piece.
constexpr std::size_t kCopiedBodyBytesMax = 4 * 1024;

// RFC 9110 6.4.1.
bool may_have_content(int status) {
    return status >= 200 && status != 204 && status != 304;
}

std::unexpected<Error> misuse(const char* what) {
    return fail(ErrorCode::internal, what);
}

}  // namespace

void Answer::begin(const Terms& terms) {
    terms_ = terms;
    state_ = State::unstarted;
    delimiting_ = Delimiting::none;
    left_ = 0;
    head_.clear();
    head_sent_ = 0;
    head_waits_ = false;
}

void Answer::append_head(int status, const Headers& headers, std::string_view date) {
    head_.clear();
    append_status_line(head_, status);
    bool has_date = false;
    for (const Header& header : headers) {
        if (is_framing_field(header.name)) {
            if (header.name.size() == 10 && equals_ignoring_case(header.value, "close"))
                terms_.keep_alive = false;
            continue;
        }
        has_date = has_date || equals_ignoring_case(header.name, "date");
        append_field(head_, header.name, header.value);
    }
    if (!has_date) append_field(head_, "Date", date);
}

Task<> Answer::respond(Response response, std::string_view date) {
    if (started()) co_return misuse("the exchange was answered already");
    append_head(response.status, response.headers, date);
    if (may_have_content(response.status)) {
        head_ += "Content-Length: ";
        append_number(head_, response.body.size());
        head_ += "\r\n";
    }
    if (!terms_.keep_alive)
        head_ += "Connection: close\r\n";
    else if (terms_.version_minor == 0)
        head_ += "Connection: keep-alive\r\n";
    head_ += "\r\n";
    state_ = State::finished;

    const bool has_body = may_have_content(response.status) && !terms_.head_only;
    const bool copied = response.body.size() <= kCopiedBodyBytesMax;
    if (has_body && copied) head_ += response.body;
    Pieces pieces;
    pieces.add(head_);
    if (has_body && !copied) pieces.add(response.body);
    const auto written = stream_.try_write(pieces);
    const bool is_out = written && *written == Stream::Written::all;
    Result<> sent;
    if (!is_out) sent = co_await send(pieces);
    // The connection keeps the buffer, and an answer may hold a secret.
    std::memset(head_.data(), 0, head_.size());
    co_return sent;
}

void Answer::choose_delimiting(const ResponseHead& head) {
    delimiting_ = Delimiting::none;
    if (!may_have_content(head.status)) return;
    if (const auto value = head.headers.find("content-length")) {
        const auto text = trim(*value);
        const auto parsed = std::from_chars(text.data(), text.data() + text.size(), left_);
        if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size()) {
            delimiting_ = Delimiting::length;
            return;
        }
    }
    delimiting_ = terms_.version_minor >= 1 ? Delimiting::chunks : Delimiting::close;
}

Result<> Answer::start(const ResponseHead& head, std::string_view date) {
    if (started()) return misuse("the exchange was answered already");
    choose_delimiting(head);
    append_head(head.status, head.headers, date);
    if (delimiting_ == Delimiting::length) {
        head_ += "Content-Length: ";
        append_number(head_, left_);
        head_ += "\r\n";
    } else if (delimiting_ == Delimiting::chunks) {
        head_ += "Transfer-Encoding: chunked\r\n";
    } else if (delimiting_ == Delimiting::close) {
        terms_.keep_alive = false;
    }
    if (!terms_.keep_alive)
        head_ += "Connection: close\r\n";
    else if (terms_.version_minor == 0)
        head_ += "Connection: keep-alive\r\n";
    head_ += "\r\n";
    state_ = State::streaming;
    head_waits_ = true;
    return {};
}

Task<> Answer::switch_protocols(const ResponseHead& head, std::string_view date) {
    if (started()) co_return misuse("the exchange was answered already");
    append_head(head.status, head.headers, date);
    if (const auto options = head.headers.find("connection"))
        append_field(head_, "Connection", *options);
    head_ += "\r\n";
    state_ = State::finished;
    terms_.keep_alive = false;
    Pieces pieces;
    pieces.add(head_);
    co_return co_await send(pieces);
}

void Answer::flush_head() {
    if (!head_waits_ || failed_) return;
    Pieces pieces;
    const auto rest = std::string_view(head_).substr(head_sent_);
    pieces.add(rest);
    const auto written = stream_.try_write(pieces);
    if (!written) {
        failed_ = true;
        return;
    }
    head_waits_ = *written != Stream::Written::all;
    head_sent_ = head_.size() - pieces.size();
}

void Answer::take_head(Pieces& pieces) {
    if (!head_waits_) return;
    head_waits_ = false;
    pieces.add(std::string_view(head_).substr(head_sent_));
}

Task<> Answer::send(Pieces& pieces) {
    auto sent = co_await stream_.write(pieces, patience_);
    if (!sent) failed_ = true;
    co_return sent;
}

Task<> Answer::write(std::string_view bytes) {
    if (state_ != State::streaming) co_return misuse("write() outside start() and finish()");
    if (failed_) co_return fail(ErrorCode::cancelled, "the peer closed the connection");
    if (delimiting_ == Delimiting::none && !bytes.empty())
        co_return misuse("a response of this status has no content");
    if (delimiting_ == Delimiting::length) {
        if (bytes.size() > left_) co_return misuse("more content than Content-Length said");
        left_ -= bytes.size();
    }
    std::string size_line;
    Pieces pieces;
    take_head(pieces);
    if (!bytes.empty() && !terms_.head_only) {
        if (delimiting_ == Delimiting::chunks) append_chunk_size(size_line, bytes.size());
        pieces.add(size_line);
        pieces.add(bytes);
        if (delimiting_ == Delimiting::chunks) pieces.add("\r\n");
    }
    // Nearly always there is room, and nothing to wait for.
    const auto written = stream_.try_write(pieces);
    if (written && *written == Stream::Written::all) co_return Result<>{};
    co_return co_await send(pieces);
}

Task<> Answer::finish() {
    if (state_ != State::streaming) co_return misuse("finish() without start()");
    if (failed_) co_return fail(ErrorCode::cancelled, "the peer closed the connection");
    if (delimiting_ == Delimiting::length && left_ > 0 && !terms_.head_only)
        co_return misuse("less content than Content-Length said");
    Pieces pieces;
    take_head(pieces);
    if (delimiting_ == Delimiting::chunks && !terms_.head_only) pieces.add("0\r\n\r\n");
    state_ = State::finished;
    co_return co_await send(pieces);
}

}  // namespace ac::net
