#pragma once
// Task<T> is a lazy coroutine that ends in a Result<T>. It runs on one Loop (a thread with an
// io_context); what it awaits resumes it there. The executor is concrete, which is worth a third
// of the HTTP throughput (docs/design/0001-stack.md).
//
// NAME IT BEFORE YOU AWAIT IT: no Type{...} or [capture] temporary inside a co_await expression
// (g++ 12 frees it twice; tools/tidy.py looks for it).

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/result.h"

namespace ac {

namespace asio = boost::asio;

using Executor = asio::io_context::executor_type;

template <class T = void>
using Task = asio::awaitable<Result<T>, Executor>;

// A coroutine that has nobody to report to: the top of a connection or of a background job.
using Detached = asio::awaitable<void, Executor>;

inline constexpr asio::use_awaitable_t<Executor> use_task{};

}  // namespace ac
