#pragma once
// What a guest writes, read as it comes.

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <optional>
#include <span>

#include "async/task.h"
#include "base/file.h"

namespace ac {

struct Pipe {
    UniqueFd reading;
    UniqueFd writing;
};

// Both ends close on exec.
Result<Pipe> make_pipe();

class PipeReader final {
  public:
    PipeReader(Executor executor, UniqueFd reading);
    // 0 at the end, when nobody can write any more. `out` lives until the Task is done.
    Task<std::size_t> read_some(std::span<char> out);

    // For who waits for more than this pipe: nothing is lost when the wait is cancelled.
    Task<> wait_readable();
    // What is there now: nullopt where there is nothing yet, 0 at the end.
    Result<std::optional<std::size_t>> read_now(std::span<char> out);

  private:
    asio::posix::basic_stream_descriptor<Executor> descriptor_;
};

}  // namespace ac
