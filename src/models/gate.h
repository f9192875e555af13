#pragma once
// The door of one provider: so many calls at a time, so many that wait, none while the breaker is
// open. A Pass is held as long as the call lasts. Thread-safe.

#include <deque>
#include <memory>
#include <mutex>

#include "async/completion.h"
#include "async/timer.h"
#include "models/breaker.h"
#include "models/config.h"

namespace ac::models {

class ProviderGate final {
  public:
    // `timer` outlives the gate; the gate outlives its passes.
    ProviderGate(std::string name, const ProviderLimits& limits, Timer& timer);

    class Pass final {
      public:
        Pass() = default;
        explicit Pass(ProviderGate& gate) : gate_(&gate) {}
        Pass(Pass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
        Pass& operator=(Pass&& other) noexcept {
            std::swap(gate_, other.gate_);
            return *this;
        }
        ~Pass() {
            if (gate_) gate_->leave();
        }

      private:
        ProviderGate* gate_ = nullptr;
    };

    // throttled: the queue is full, or its wait took too long; unavailable: the breaker is open;
    // cancelled.
    Task<Pass> enter();
    // How the call of a pass went, for the breaker.
    void report_begin();
    void report_success();
    void report_failure();
    void report_nothing();

    std::size_t calls() const;
    std::size_t waiting() const;
    bool is_open() const;

  private:
    struct Waiter {
        Completion<void> turn;
        bool has_turn = false;  // guarded by mutex_
    };

    void leave();

    const std::string name_;
    const ProviderLimits limits_;
    Timer& timer_;
    mutable std::mutex mutex_;
    Breaker breaker_;
    std::size_t calls_ = 0;
    std::deque<std::shared_ptr<Waiter>> waiting_;
};

}  // namespace ac::models
