#pragma once
// The owner's end of a pseudo-terminal: what a guest's programs write is read here, what is written
// here they read as typed. One coroutine may read while another writes, on one loop.

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <cstdint>
#include <span>
#include <string_view>

#include "async/task.h"
#include "base/file.h"

namespace ac {

class Terminal final {
  public:
    Terminal(Executor executor, UniqueFd owner);
    // 0 once nobody has the terminal open any more. cancelled: by the group, or hang_up().
    Task<std::size_t> read_some(std::span<char> out);
    // Waits while the terminal's buffer is full. cancelled; unavailable: nobody has it any more.
    Task<> write(std::string_view bytes);
    // The programs are told (SIGWINCH). What is no terminal stays as it is.
    void resize(std::uint16_t columns, std::uint16_t rows);
    // Closes this end. The programs are told (SIGHUP) when no other descriptor of it is left.
    void hang_up();

  private:
    asio::posix::basic_stream_descriptor<Executor> descriptor_;
};

}  // namespace ac
