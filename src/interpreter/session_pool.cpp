// Guests that are kept ready ahead of demand, and the template that they come from.

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "interpreter/sessions.h"

namespace ac::interpreter {
namespace {

constexpr Milliseconds kTick{1000};
// After a start the processors are its session's for so long, while there are guests left.
constexpr Milliseconds kCalm{150};
constexpr Milliseconds kPace{50};

}  // namespace

std::size_t Sessions::guests_wanted(SteadyTime now) {
    const auto& limits = parts_.limits;
    if (!template_ || limits.pool == 0) return limits.pool;
    std::ptrdiff_t most = 0;  // that started within one burst's time
    auto first = starts_.begin();
    for (auto last = starts_.begin(); last != starts_.end(); ++last) {
        while (*last - *first > limits.pool_burst) ++first;
        if (now - *last < limits.pool_memory) most = std::max(most, last - first + 1);
    }
    return std::max(limits.pool, std::min(static_cast<std::size_t>(most), limits.pool_max));
}

void Sessions::use_again() {
    const SteadyTime now = parts_.timer.clock().steady();
    {
        const std::lock_guard lock(mutex_);
        if (filling_ || draining_ || pool_.size() >= guests_wanted(now)) return;
        filling_ = true;
    }
    tasks_.spawn("interpreter pool", fill_pool());
}

// Until nobody has started a session for a moment, or few guests are left. Beyond the few that are
// always there, guests are made at a pace that neighbours do not feel.
Task<> Sessions::wait_for_calm() {
    while (true) {
        const SteadyTime now = parts_.timer.clock().steady();
        SteadyTime until = now;
        {
            const std::lock_guard lock(mutex_);
            const bool are_few = pool_.size() < (parts_.limits.pool + 1) / 2;
            if (!draining_ && !are_few && !starts_.empty()) until = starts_.back() + kCalm;
            if (!draining_ && pool_.size() >= parts_.limits.pool)
                until = std::max(until, last_made_ + kPace);
        }
        if (until <= now) co_return Result<>{};
        AC_CO_CHECK(co_await parts_.timer.sleep_until(until));
    }
}

// One after the other: who waits for a session has the processors first.
Detached Sessions::fill_pool() {
    (void)co_await provide_template();
    while (true) {
        (void)co_await wait_for_calm();
        const SteadyTime now = parts_.timer.clock().steady();
        TemplatePointer from;
        {
            const std::lock_guard lock(mutex_);
            filling_ = !draining_ && pool_.size() < guests_wanted(now);
            if (!filling_) co_return;
            from = template_;
        }
        auto guest = co_await make_guest(std::move(from));
        bool usable = guest && (*guest)->from != nullptr;  // then it has been waited for
        if (guest && !usable) {
            const auto ready = co_await (*guest)->link->ready().cancellable_result();
            usable = ready.has_value();
        }
        const std::lock_guard lock(mutex_);
        if (!usable || draining_) {
            // A start that must not fail will say why.
            filling_ = false;
            if (guest) (*guest)->monitor->stop(Milliseconds{0});
            co_return;
        }
        last_made_ = parts_.timer.clock().steady();
        if (!(*guest)->has_ended) pool_.push_back(*std::move(guest));
    }
}

// Before the pool, so that what is in it has the imports; who cannot wait starts without.
Task<> Sessions::provide_template() {
    {
        const std::lock_guard lock(mutex_);
        if (template_ || is_template_impossible_ || draining_) co_return Result<>{};
    }
    GuestStart start = parts_.image.freeze(parts_.limits);
    auto made = co_await sandbox::make_template(parts_.sandbox, std::move(start.policy),
                                                start.limits, std::move(start.command));
    if (!made)
        AC_LOG(warn, "code interpreter sessions start without a template",
               {"why", made.error().message});
    const std::lock_guard lock(mutex_);
    is_template_impossible_ = !made;
    if (made) template_ = *std::move(made);
    co_return Result<>{};
}

void Sessions::start_clock() {
    {
        const std::lock_guard lock(mutex_);
        if (keeping_time_ || draining_) return;
        keeping_time_ = true;
    }
    tasks_.spawn("interpreter clock", keep_time());
}

// Looks at all sessions once a second while there are any, instead of a timer each.
Detached Sessions::keep_time() {
    while (true) {
        const bool slept = (co_await sleep_for(parts_.timer, kTick)).has_value();
        const SteadyTime now = parts_.timer.clock().steady();
        const std::lock_guard lock(mutex_);
        for (const auto& [key, live] : live_)
            if (now >= live.deadline) live.guest->monitor->stop(Milliseconds{0});
        const bool is_idle = starts_.empty() || now - starts_.back() > parts_.limits.pool_idle;
        const std::size_t kept = is_idle ? 0 : guests_wanted(now);
        for (; pool_.size() > kept; pool_.pop_back()) pool_.back()->monitor->stop(Milliseconds{0});
        if (live_.empty() && pool_.empty() && !filling_) template_.reset();
        if ((live_.empty() && pool_.empty()) || !slept) {
            keeping_time_ = false;
            co_return;
        }
    }
}

}  // namespace ac::interpreter
