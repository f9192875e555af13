#include "models/gate.h"

#include <boost/asio/experimental/awaitable_operators.hpp>

namespace ac::models {

ProviderGate::ProviderGate(std::string name, const ProviderLimits& limits, Timer& timer)
    : name_(std::move(name)),
      limits_(limits),
      timer_(timer),
      breaker_(limits.breaker_failures, limits.breaker_pause) {}

Task<ProviderGate::Pass> ProviderGate::enter() {
    using namespace asio::experimental::awaitable_operators;
    const auto waiter = std::make_shared<Waiter>();
    {
        const std::lock_guard lock(mutex_);
        if (!breaker_.may_call(timer_.clock().steady()))
            co_return fail(ErrorCode::unavailable, "provider " + name_ +
                                                       " has failed repeatedly and is left alone "
                                                       "for now");
        if (calls_ < limits_.concurrency_max) {
            ++calls_;
            co_return Pass(*this);
        }
        if (waiting_.size() >= limits_.queue_max) {
            breaker_.abandoned();
            co_return fail(ErrorCode::throttled,
                           "provider " + name_ + " is busy and its queue is full");
        }
        waiting_.push_back(waiter);
    }
    const SteadyTime patience_end = timer_.clock().steady() + limits_.queue_timeout;
    const auto first =
        co_await (waiter->turn.cancellable_result() || timer_.sleep_until(patience_end));
    const bool timed_out = first.index() == 1 && std::get<1>(first).has_value();
    const std::lock_guard lock(mutex_);
    // A turn that was given in the same moment is taken, whatever ended the wait.
    if (waiter->has_turn) co_return Pass(*this);
    std::erase(waiting_, waiter);
    breaker_.abandoned();
    if (timed_out) co_return fail(ErrorCode::throttled, "provider " + name_ + " is busy");
    co_return fail(ErrorCode::cancelled, "the caller went away");
}

void ProviderGate::leave() {
    std::shared_ptr<Waiter> next;
    {
        const std::lock_guard lock(mutex_);
        if (waiting_.empty()) {
            --calls_;
        } else {
            next = std::move(waiting_.front());
            waiting_.pop_front();
            next->has_turn = true;
        }
    }
    if (next) next->turn.complete({});
}

void ProviderGate::report_begin() {
    const std::lock_guard lock(mutex_);
    breaker_.began();
}

void ProviderGate::report_success() {
    const std::lock_guard lock(mutex_);
    breaker_.succeeded();
}

void ProviderGate::report_failure() {
    const std::lock_guard lock(mutex_);
    breaker_.failed(timer_.clock().steady());
}

void ProviderGate::report_nothing() {
    const std::lock_guard lock(mutex_);
    breaker_.abandoned();
}

std::size_t ProviderGate::calls() const {
    const std::lock_guard lock(mutex_);
    return calls_;
}

std::size_t ProviderGate::waiting() const {
    const std::lock_guard lock(mutex_);
    return waiting_.size();
}

bool ProviderGate::is_open() const {
    const std::lock_guard lock(mutex_);
    return breaker_.is_open(timer_.clock().steady());
}

}  // namespace ac::models
