#include "async/pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <cerrno>

namespace ac {

Result<Pipe> make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return fail(errno_error("cannot make a pipe", errno));
    return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

PipeReader::PipeReader(Executor executor, UniqueFd reading)
    : descriptor_(executor, reading.release()) {}

Task<std::size_t> PipeReader::read_some(std::span<char> out) {
    boost::system::error_code error;
    auto token = asio::redirect_error(use_task, error);
    const auto buffer = asio::buffer(out.data(), out.size());
    const std::size_t size = co_await descriptor_.async_read_some(buffer, token);
    if (error == asio::error::eof) co_return std::size_t{0};
    if (error == asio::error::operation_aborted)
        co_return fail(ErrorCode::cancelled, "the reading of a guest's output was cancelled");
    if (error) co_return fail(ErrorCode::unavailable, "cannot read a guest's output");
    co_return size;
}

Task<> PipeReader::wait_readable() {
    boost::system::error_code error;
    auto token = asio::redirect_error(use_task, error);
    co_await descriptor_.async_wait(asio::posix::descriptor_base::wait_read, token);
    if (error) co_return fail(ErrorCode::cancelled, "the wait for a guest's output was cancelled");
    co_return Result<>{};
}

Result<std::optional<std::size_t>> PipeReader::read_now(std::span<char> out) {
    descriptor_.non_blocking(true);
    while (true) {
        const ssize_t size = ::read(descriptor_.native_handle(), out.data(), out.size());
        if (size >= 0) return std::optional(static_cast<std::size_t>(size));
        if (errno == EAGAIN) return std::optional<std::size_t>();
        if (errno != EINTR) return fail(ErrorCode::unavailable, "cannot read a guest's output");
    }
}

}  // namespace ac
