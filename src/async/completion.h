#pragma once
// Completion<T> is the bridge from "some thread will know later" to a Task: one side awaits
// result(), the other calls complete() once, from any thread. The waiter resumes on its own loop.

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
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

    // One waiter only.
    Task<T> result() const { return wait(state_); }

  private:
    struct State {
        std::mutex mutex;
        std::optional<Result<T>> result;
        std::move_only_function<void()> resume;
    };

    static Task<T> wait(std::shared_ptr<State> state) {
        co_await asio::async_initiate<const asio::use_awaitable_t<Executor>&, void()>(
            Initiate{state}, use_task);
        co_return std::move(*state->result);
    }

    struct Initiate {
        explicit Initiate(std::shared_ptr<State> s) : state(std::move(s)) {}
        template <class Handler>
        void operator()(Handler&& handler) const {
            auto executor = asio::get_associated_executor(handler);
            std::unique_lock lock(state->mutex);
            if (state->result) {
                lock.unlock();
                asio::post(executor, std::forward<Handler>(handler));
                return;
            }
            state->resume = [handler = std::forward<Handler>(handler), executor,
                             work = asio::make_work_guard(executor)]() mutable {
                asio::post(executor, std::move(handler));
            };
        }
        std::shared_ptr<State> state;
    };

    std::shared_ptr<State> state_;
};

}  // namespace ac
