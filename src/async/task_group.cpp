#include "async/task_group.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <mutex>
#include <optional>

#include "base/log.h"

namespace ac {

struct TaskGroup::State {
    explicit State(Executor e) : executor(e) {}

    Executor executor;
    mutable std::mutex mutex;
    std::list<asio::cancellation_signal> running;  // touched on the group's loop only
    std::size_t count = 0;                         // guarded by mutex
    bool cancelled = false;                        // on the loop only
    std::optional<Completion<void>> joiner;        // guarded by mutex

    void ended() {
        std::optional<Completion<void>> wake;
        {
            const std::lock_guard lock(mutex);
            if (--count == 0) wake = std::exchange(joiner, std::nullopt);
        }
        if (wake) wake->complete({});
    }
};

namespace {

// Cancellation reaches a Task as an error of what it waits for, never as an exception.
Detached without_throwing(Detached work) {
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await std::move(work);
}

}  // namespace

TaskGroup::TaskGroup(Executor executor) : state_(std::make_shared<State>(executor)) {}

TaskGroup::~TaskGroup() {
    AC_ASSERT(size() == 0 || state_->executor.context().stopped());
}

void TaskGroup::spawn(std::string name, Detached work) {
    {
        const std::lock_guard lock(state_->mutex);
        ++state_->count;
    }
    asio::post(state_->executor, [state = state_, name = std::move(name),
                                  work = std::move(work)]() mutable {
        auto signal = state->running.emplace(state->running.end());
        auto done = [state, signal, name = std::move(name)](const std::exception_ptr& thrown) {
            if (thrown) {
                try {
                    std::rethrow_exception(thrown);
                } catch (const std::exception& e) {
                    AC_LOG(error, "background task threw", {"task", name}, {"what", e.what()});
                }
            }
            state->running.erase(signal);
            state->ended();
        };
        asio::co_spawn(state->executor, without_throwing(std::move(work)),
                       asio::bind_cancellation_slot(signal->slot(), std::move(done)));
        if (state->cancelled) signal->emit(asio::cancellation_type::terminal);
    });
}

void TaskGroup::cancel() {
    asio::post(state_->executor, [state = state_] {
        state->cancelled = true;
        // A task may end, and leave the list, while it is told: take the next one first.
        for (auto it = state->running.begin(); it != state->running.end();) {
            auto current = it++;
            current->emit(asio::cancellation_type::terminal);
        }
    });
}

Task<> TaskGroup::join() {
    Completion<void> done;
    {
        const std::lock_guard lock(state_->mutex);
        if (state_->count == 0)
            done.complete({});
        else
            state_->joiner = done;
    }
    return done.result();
}

std::size_t TaskGroup::size() const {
    const std::lock_guard lock(state_->mutex);
    return state_->count;
}

}  // namespace ac
