#pragma once
// Completion<T> is the bridge from "some thread will know later" to a Task: one side awaits
// result(), the other calls complete() once, from any thread. The waiter resumes on its own loop.

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "async/task.h"

namespace ac {

template <class T>
class Completion final {
  public:
    Completion() : state_(std::make_shared<State>()) {}

    // First call wins; later ones are ignored. Thread-safe.
    void complete(Result<T> result) const {
        std::unique_lock lock(state_->mutex);
        if (state_->result) return;
        state_->result.emplace(std::move(result));
        auto resume = std::move(state_->resume);
        lock.unlock();
        if (resume) resume();
    }

    bool is_complete() const {
        const std::lock_guard lock(state_->mutex);
        return state_->result.has_value();
    }

    // One waiter only. Not cut short by cancellation: who completes it may still use what the
    // waiter owns.
    Task<T> result() const { return wait(*this, false); }

    // The same, but cancellation of the waiting task completes it with ErrorCode::cancelled.
    Task<T> cancellable_result() const { return wait(*this, true); }

  private:
    struct State {
        std::mutex mutex;
        std::optional<Result<T>> result;
        std::move_only_function<void()> resume;
    };

    static Task<T> wait(Completion completion, bool cancellable) {
        if (cancellable) {
            const auto cancellation = co_await asio::this_coro::cancellation_state;
            if (cancellation.cancelled() != asio::cancellation_type::none)
                co_return fail(ErrorCode::cancelled, "the wait was cancelled");
        }
        Initiate initiate(completion, cancellable);
        co_await asio::async_initiate<const asio::use_awaitable_t<Executor>&, void()>(
            std::move(initiate), use_task);
        co_return std::move(*completion.state_->result);
    }

    struct Initiate {
        Initiate(Completion c, bool can) : completion(std::move(c)), cancellable(can) {}
        template <class Handler>
        void operator()(Handler&& handler) const {
            auto executor = asio::get_associated_executor(handler);
            const auto& state = completion.state_;
            if (auto slot = asio::get_associated_cancellation_slot(handler);
                cancellable && slot.is_connected())
                slot.assign([completion = completion](asio::cancellation_type) {
                    completion.complete(fail(ErrorCode::cancelled, "the wait was cancelled"));
                });
            std::unique_lock lock(state->mutex);
            if (state->result) {
                lock.unlock();
                asio::post(executor, std::forward<Handler>(handler));
                return;
            }
            // No work guard: a Loop runs until it is stopped, and after the post the waiter's loop
            // may end and be destroyed while the completing thread is still in here.
            state->resume = [handler = std::forward<Handler>(handler), executor]() mutable {
                asio::post(executor, std::move(handler));
            };
        }
        Completion completion;
        bool cancellable;
    };

    std::shared_ptr<State> state_;
};

}  // namespace ac
