#include "net/stream.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/redirect_error.hpp>
#include <cerrno>

#include "net/loop_signal.h"
#include "net/stream_tls.h"

namespace ac::net {
namespace {

using boost::system::error_code;

std::unexpected<Error> gone() {
    return fail(ErrorCode::cancelled, "the peer closed the connection");
}

std::unexpected<Error> late(const char* what) {
    return fail(ErrorCode::deadline_exceeded, what);
}

int family_of(int fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return AF_INET;
    return address.ss_family;
}

}  // namespace

void Pieces::add(std::string_view text) {
    if (text.empty()) return;
    AC_ASSERT(count_ < kMax);
    pieces_[static_cast<std::size_t>(count_++)] = {const_cast<char*>(text.data()), text.size()};
}

std::size_t Pieces::size() const {
    std::size_t bytes = 0;
    for (int i = first_; i < count_; ++i) bytes += pieces_[static_cast<std::size_t>(i)].iov_len;
    return bytes;
}

std::string_view Pieces::front() const {
    const iovec& front = pieces_[static_cast<std::size_t>(first_)];
    return {static_cast<const char*>(front.iov_base), front.iov_len};
}

void Pieces::consume(std::size_t bytes) {
    while (bytes > 0) {
        iovec& front = pieces_[static_cast<std::size_t>(first_)];
        if (bytes < front.iov_len) {
            front.iov_base = static_cast<char*>(front.iov_base) + bytes;
            front.iov_len -= bytes;
            return;
        }
        bytes -= front.iov_len;
        ++first_;
    }
}

void Stream::Side::expired() {
    is_expired = true;
    stream_.cancel();
}

Stream::Stream(Executor executor, UniqueFd connected, const Clock& clock)
    : clock_(clock),
      socket_(executor),
      reading_(executor, clock, *this),
      writing_(executor, clock, *this) {
    error_code error;
    const asio::generic::stream_protocol protocol(family_of(connected.get()), 0);
    socket_.assign(protocol, connected.get(), error);
    if (!error) connected.release();
}

Stream::~Stream() = default;

Task<std::size_t> Stream::read_raw(std::span<char> out, SteadyTime deadline) {
    if (is_cancelled(co_await asio::this_coro::cancellation_state)) co_return gone();
    // Asio does not look at the socket again once it has seen the end.
    if (has_ended_) co_return std::size_t{0};
    error_code error;
    auto token = asio::redirect_error(use_task, error);
    reading_.is_expired = false;
    reading_.arm(deadline);
    const std::size_t count =
        co_await socket_.async_read_some(asio::mutable_buffer(out.data(), out.size()), token);
    reading_.disarm();
    if (!error) co_return count;
    has_ended_ = error == asio::error::eof;
    if (has_ended_) co_return std::size_t{0};
    if (reading_.is_expired) co_return late("nothing came in time");
    co_return gone();
}

Result<std::optional<std::size_t>> Stream::try_read_raw(std::span<char> out) {
    while (true) {
        const ssize_t count = ::recv(socket_.native_handle(), out.data(), out.size(), MSG_DONTWAIT);
        if (count >= 0) return static_cast<std::size_t>(count);
        if (errno == EAGAIN || errno == EWOULDBLOCK) return std::nullopt;
        if (errno != EINTR) return gone();
    }
}

Task<> Stream::wait_readable() {
    if (is_cancelled(co_await asio::this_coro::cancellation_state)) co_return gone();
    error_code error;
    auto token = asio::redirect_error(use_task, error);
    co_await socket_.async_wait(Socket::wait_read, token);
    if (error) co_return gone();
    co_return Result<>{};
}

Task<> Stream::wait_failed() {
    if (is_cancelled(co_await asio::this_coro::cancellation_state)) co_return gone();
    error_code error;
    auto token = asio::redirect_error(use_task, error);
    co_await socket_.async_wait(Socket::wait_error, token);
    co_return gone();
}

Result<Stream::Written> Stream::try_write_raw(Pieces& pieces) {
    while (!pieces.empty()) {
        msghdr message{};
        message.msg_iov = pieces.data();
        message.msg_iovlen = static_cast<std::size_t>(pieces.count());
        const ssize_t count =
            ::sendmsg(socket_.native_handle(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count >= 0)
            pieces.consume(static_cast<std::size_t>(count));
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            return Written::part;
        else if (errno != EINTR)
            return gone();
    }
    return Written::all;
}

Task<> Stream::write(Pieces& pieces, Milliseconds patience) {
    while (true) {
        AC_CO_TRY(const Written written, try_write(pieces));
        if (written == Written::all) co_return Result<>{};
        AC_CO_CHECK(co_await wait_writable(clock_.steady() + patience));
    }
}

Task<> Stream::wait_writable(SteadyTime deadline) {
    if (is_cancelled(co_await asio::this_coro::cancellation_state)) co_return gone();
    error_code error;
    auto token = asio::redirect_error(use_task, error);
    writing_.is_expired = false;
    writing_.arm(deadline);
    co_await socket_.async_wait(Socket::wait_write, token);
    writing_.disarm();
    if (!error) co_return Result<>{};
    if (writing_.is_expired) co_return late("the peer did not read in time");
    co_return gone();
}

void Stream::cancel() {
    error_code ignored;
    socket_.cancel(ignored);
}

void Stream::acknowledge_at_once() {
    const int on = 1;
    ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

void Stream::shutdown_write() {
    if (tls_) {
        tls_->session->write_end();
        (void)flush_tls();
    }
    error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
}

void Stream::close() {
    error_code ignored;
    socket_.close(ignored);
}

void Stream::reset() {
    error_code ignored;
    socket_.set_option(asio::socket_base::linger(true, 0), ignored);
    socket_.close(ignored);
}

UniqueFd Stream::release() {
    error_code error;
    UniqueFd fd(socket_.release(error));
    return fd;
}

void Stream::park() {
    reading_.detach();
    writing_.detach();
}

}  // namespace ac::net
