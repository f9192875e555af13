#pragma once
// Runs one Task to its end on the calling thread: main(), command-line programs and tests.

#include <boost/asio/co_spawn.hpp>
#include <optional>

#include "async/loop.h"

namespace ac {

template <class T>
Result<T> run_on(Loop& loop, Task<T> task) {
    std::optional<Result<T>> out;
    std::exception_ptr thrown;
    asio::co_spawn(loop.executor(), std::move(task), [&](std::exception_ptr e, Result<T> result) {
        thrown = e;
        out.emplace(std::move(result));
        loop.stop();
    });
    loop.run();
    loop.context().restart();
    if (thrown) std::rethrow_exception(thrown);
    return std::move(*out);
}

}  // namespace ac
