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

}  // namespace ac
