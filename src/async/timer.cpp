#include "async/timer.h"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>

namespace ac {

Task<> AsioTimer::sleep_until(SteadyTime deadline) {
    using LoopTimer =
        asio::basic_waitable_timer<std::chrono::steady_clock,
                                   asio::wait_traits<std::chrono::steady_clock>, Executor>;
    const auto cancellation = co_await asio::this_coro::cancellation_state;
    if (cancellation.cancelled() != asio::cancellation_type::none)
        co_return fail(ErrorCode::cancelled, "the wait was cancelled");
    const auto executor = co_await asio::this_coro::executor;
    LoopTimer timer(executor, deadline);
    boost::system::error_code error;
    auto token = asio::redirect_error(use_task, error);
    co_await timer.async_wait(token);
    if (error) co_return fail(ErrorCode::cancelled, "the wait was cancelled");
    co_return Result<>{};
}

Task<> sleep_for(Timer& timer, Milliseconds duration) {
    const auto deadline = timer.clock().steady() + duration;
    return timer.sleep_until(deadline);
}

}  // namespace ac
