#include "net/message_body.h"

#include <array>

namespace ac::net {
namespace {

// What may wait in the buffer while chunk framing is looked at; content goes past it.
constexpr std::size_t kBufferBytesMax = 16 * 1024;

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

template <class A, class B>
std::size_t least(A a, B b) {
    return static_cast<std::size_t>(std::min<std::uint64_t>(a, b));
}

}  // namespace

void MessageBody::begin(const Framing& framing) {
    framing_ = framing;
    chunks_ = {};
    received_ = 0;
    broken_.reset();
    complete_ = framing.coding == Coding::none;
    // A peer that has begun to send the body does not wait for our leave.
    owes_continue_ = framing.expects_continue && buffer_.empty();
}

std::optional<std::uint64_t> MessageBody::length() const {
    if (framing_.coding == Coding::none) return 0;
    if (framing_.coding == Coding::length) return framing_.length;
    return std::nullopt;
}

std::optional<std::uint64_t> MessageBody::left() const {
    if (complete_) return 0;
    if (framing_.coding == Coding::length) return framing_.length - received_;
    return std::nullopt;
}

Task<std::size_t> MessageBody::read_some(std::span<char> out) {
    if (broken_) co_return fail(*broken_);
    if (complete_ || out.empty()) co_return std::size_t{0};
    if (owes_continue_) {
        owes_continue_ = false;
        Pieces pieces;
        pieces.add(kContinue);
        if (auto sent = co_await stream_.write(pieces, patience_); !sent)
            co_return break_off(std::move(sent).error());
    }
    if (framing_.coding == Coding::chunked) co_return co_await read_chunked(out);
    co_return co_await read_plain(out);
}

Task<std::size_t> MessageBody::read_plain(std::span<char> out) {
    const bool has_length = framing_.coding == Coding::length;
    if (has_length) out = out.first(least(out.size(), framing_.length - received_));
    std::size_t count = take_buffered(out);
    if (count == 0) {
        auto received = co_await stream_.read_some(out, patience_end());
        if (!received) co_return break_off(std::move(received).error());
        count = *received;
    }
    if (count == 0) {
        if (has_length)
            co_return break_off({ErrorCode::cancelled, "the peer left in the middle of a body"});
        complete();
        co_return std::size_t{0};
    }
    received_ += count;
    if (received_ > bytes_max_)
        co_return break_off({ErrorCode::too_large, "the body is over its bound"});
    if (has_length && received_ == framing_.length) complete();
    co_return count;
}

// A peer may send many small chunks at once: what has come of them is read in one piece, so that
// whoever passes it on does so in one piece. What is wrong with the last is told by the next read.
Task<std::size_t> MessageBody::read_chunked(std::span<char> out) {
    std::size_t total = 0;
    const auto ended = [&](std::unexpected<Error> broken) -> Result<std::size_t> {
        if (total > 0) return total;
        return broken;
    };
    while (!out.empty()) {
        auto eaten = chunks_.eat_framing(buffer_.text());
        if (!eaten) co_return ended(break_off(std::move(eaten).error()));
        buffer_.consume(*eaten);
        if (chunks_.is_done()) {
            complete();
            co_return total;
        }
        if (chunks_.content() > 0) {
            if (received_ + chunks_.content() > bytes_max_)
                co_return ended(break_off({ErrorCode::too_large, "the body is over its bound"}));
            const auto part = out.first(least(out.size(), chunks_.content()));
            std::size_t count = take_buffered(part);
            if (count == 0) {
                AC_CO_TRY(count, co_await receive(part));
            }
            chunks_.took(count);
            received_ += count;
            total += count;
            out = out.subspan(count);
            if (buffer_.empty()) co_return total;
            continue;
        }
        if (total > 0) co_return total;
        const auto room = buffer_.prepare(kBufferBytesMax);
        AC_CO_TRY(const std::size_t count, co_await receive(room));
        buffer_.commit(count);
    }
    co_return total;
}

// More bytes of a body that has not ended, so an end of the stream is an error.
Task<std::size_t> MessageBody::receive(std::span<char> out) {
    auto received = co_await stream_.read_some(out, patience_end());
    if (!received) co_return break_off(std::move(received).error());
    if (*received == 0)
        co_return break_off({ErrorCode::cancelled, "the peer left in the middle of a body"});
    co_return *received;
}

std::size_t MessageBody::take_buffered(std::span<char> out) {
    const std::size_t count = least(out.size(), buffer_.size());
    if (count == 0) return 0;
    std::memcpy(out.data(), buffer_.text().data(), count);
    buffer_.consume(count);
    return count;
}

asio::awaitable<bool, Executor> MessageBody::drop_rest(std::uint64_t bytes_max) {
    std::array<char, 4096> scratch;
    std::uint64_t dropped = 0;
    while (!complete_) {
        const std::span<char> room(scratch);
        const auto count = co_await read_some(room);
        if (!count) co_return false;
        dropped += *count;
        if (dropped > bytes_max) co_return false;
    }
    co_return true;
}

void MessageBody::complete() {
    complete_ = true;
    ended_.notify();
}

std::unexpected<Error> MessageBody::break_off(Error error) {
    broken_ = error;
    ended_.notify();
    return fail(std::move(error));
}

}  // namespace ac::net
