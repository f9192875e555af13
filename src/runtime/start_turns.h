#pragma once
// Sessions' starts take turns, in the order in which they were asked for: of a hundred that are
// asked for at once the first is there when it has been started, not when all have. A turn is
// given back when the agent listens, or when it has taken its time: whoever sleeps before it
// listens does not keep the others waiting.

#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "async/completion.h"

namespace ac::runtime {

class StartTurns final {
  public:
    // Given back when destroyed. Movable.
    class Turn final {
      public:
        explicit Turn(StartTurns& turns) : turns_(&turns) {}
        Turn(Turn&& other) noexcept : turns_(std::exchange(other.turns_, nullptr)) {}
        Turn& operator=(Turn&&) = delete;
        ~Turn() { end(); }
        void end() {
            if (StartTurns* const turns = std::exchange(turns_, nullptr)) turns->give_back();
        }

      private:
        StartTurns* turns_;
    };

    // How many at the same time. Outlives every turn.
    explicit StartTurns(std::size_t at_once) : free_(at_once) {}

    // Thread-safe. Not cut short by cancellation: turns come to an end by themselves.
    Task<Turn> take() {
        Completion<void> turn;
        {
            const std::lock_guard lock(mutex_);
            if (free_ > 0) {
                --free_;
                turn.complete({});
            } else {
                waiting_.push_back(turn);
            }
        }
        AC_CO_CHECK(co_await turn.result());
        co_return Turn(*this);
    }

  private:
    void give_back() {
        std::optional<Completion<void>> next;
        {
            const std::lock_guard lock(mutex_);
            if (waiting_.empty()) {
                ++free_;
            } else {
                next = std::move(waiting_.front());
                waiting_.pop_front();
            }
        }
        if (next) next->complete({});
    }

    std::mutex mutex_;
    std::size_t free_;
    std::deque<Completion<void>> waiting_;
};

}  // namespace ac::runtime
