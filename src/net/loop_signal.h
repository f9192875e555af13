#pragma once
// LoopSignal lets one coroutine wait for another of the same loop. Unlike Completion it can be
// awaited again and again, and the wait ends when its coroutine is cancelled.

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/post.hpp>
#include <functional>

#include "async/task.h"

namespace ac::net {

inline bool is_cancelled(const asio::cancellation_state& state) {
    return state.cancelled() != asio::cancellation_type::none;
}

class LoopSignal final {
  public:
    LoopSignal() = default;
    LoopSignal(const LoopSignal&) = delete;
    LoopSignal& operator=(const LoopSignal&) = delete;

    // Ends at the next notify(), with false when cancelled. One waiter; the signal outlives the
    // wait.
    asio::awaitable<bool, Executor> wait() {
        if (is_cancelled(co_await asio::this_coro::cancellation_state)) co_return false;
        Initiate initiate(this);
        co_await asio::async_initiate<const asio::use_awaitable_t<Executor>&, void()>(
            std::move(initiate), use_task);
        co_return !is_cancelled(co_await asio::this_coro::cancellation_state);
    }
    void notify() {
        if (!resume_) return;
        slot_.clear();
        auto resume = std::exchange(resume_, nullptr);
        resume();
    }

  private:
    struct Initiate {
        explicit Initiate(LoopSignal* s) : signal(s) {}
        template <class Handler>
        void operator()(Handler&& handler) const {
            auto executor = asio::get_associated_executor(handler);
            signal->slot_ = asio::get_associated_cancellation_slot(handler);
            signal->resume_ = [handler = std::forward<Handler>(handler), executor]() mutable {
                asio::post(executor, std::move(handler));
            };
            if (signal->slot_.is_connected())
                signal->slot_.assign(
                    [s = signal](asio::cancellation_type) { s->notify_cancelled(); });
        }
        LoopSignal* signal;
    };

    // The slot is running this very function: it must not be cleared from inside.
    void notify_cancelled() {
        if (!resume_) return;
        auto resume = std::exchange(resume_, nullptr);
        resume();
    }

    std::move_only_function<void()> resume_;
    asio::cancellation_slot slot_;
};

}  // namespace ac::net
