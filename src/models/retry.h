#pragma once
// What to do after a call to a provider has failed with nothing of its answer passed on: again, the
// next provider of the route, or tell the caller. Sans-I/O.

#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"

namespace ac::models {

struct RetryStep {
    enum class Kind { again, next_target, give_up };
    Kind kind = Kind::give_up;
    Milliseconds pause{0};  // with Kind::again
};

class RetryPlan final {
  public:
    // `random` outlives the plan.
    RetryPlan(std::size_t targets, Random& random) : targets_(targets), random_(random) {}

    std::size_t target() const { return target_; }  // the index of the one to call
    // `attempts_max` of the target just called.
    RetryStep failed(const Error& error, int attempts_max);
    // Its gate let the call not through: no use to try it again.
    RetryStep refused();

  private:
    RetryStep next();

    const std::size_t targets_;
    Random& random_;
    std::size_t target_ = 0;
    int attempts_ = 0;
};

// The caller's own fault, or the caller has gone: no other provider would do better.
bool is_callers_fault(const Error& error);
// It may pass by itself.
bool is_passing(const Error& error);

}  // namespace ac::models
