#include "async/terminal.h"

#include <sys/ioctl.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>

namespace ac {

Terminal::Terminal(Executor executor, UniqueFd owner) : descriptor_(executor, owner.release()) {}

Task<std::size_t> Terminal::read_some(std::span<char> out) {
    boost::system::error_code error;
    auto token = asio::redirect_error(use_task, error);
    const auto buffer = asio::buffer(out.data(), out.size());
    const std::size_t size = co_await descriptor_.async_read_some(buffer, token);
    // Linux tells the end of a terminal by EIO (tty_io.c).
    if (error == asio::error::eof || error.value() == EIO) co_return std::size_t{0};
    if (error == asio::error::operation_aborted)
        co_return fail(ErrorCode::cancelled, "the reading of a terminal was cancelled");
    if (error) co_return fail(ErrorCode::unavailable, "cannot read a terminal");
    co_return size;
}

Task<> Terminal::write(std::string_view bytes) {
    boost::system::error_code error;
    auto token = asio::redirect_error(use_task, error);
    const auto buffer = asio::buffer(bytes.data(), bytes.size());
    co_await asio::async_write(descriptor_, buffer, token);
    if (error == asio::error::operation_aborted)
        co_return fail(ErrorCode::cancelled, "the writing to a terminal was cancelled");
    if (error) co_return fail(ErrorCode::unavailable, "nobody has the terminal any more");
    co_return Result<>{};
}

void Terminal::resize(std::uint16_t columns, std::uint16_t rows) {
    const winsize window{.ws_row = rows, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    (void)::ioctl(descriptor_.native_handle(), TIOCSWINSZ, &window);
}

void Terminal::hang_up() {
    boost::system::error_code ignored;
    descriptor_.close(ignored);
}

}  // namespace ac
