// Guests that are kept ready ahead of demand, and the template that they come from.

#include <utility>

#include "base/log.h"
#include "interpreter/sessions.h"

namespace ac::interpreter {
namespace {

constexpr Milliseconds kTick{1000};

}  // namespace

void Sessions::use_again() {
    {
        const std::lock_guard lock(mutex_);
        if (filling_ || draining_ || pool_.size() >= parts_.limits.pool) return;
        filling_ = true;
    }
    tasks_.spawn("interpreter pool", fill_pool());
}

// One after the other: who waits for a session has the processors first.
Detached Sessions::fill_pool() {
    (void)co_await provide_template();
    while (true) {
        TemplatePointer from;
        {
            const std::lock_guard lock(mutex_);
            filling_ = !draining_ && pool_.size() < parts_.limits.pool;
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
        if (now - last_start_ > parts_.limits.pool_idle)
            for (const GuestPointer& guest : std::exchange(pool_, {}))
                guest->monitor->stop(Milliseconds{0});
        if (live_.empty() && pool_.empty() && !filling_) template_.reset();
        if ((live_.empty() && pool_.empty()) || !slept) {
            keeping_time_ = false;
            co_return;
        }
    }
}

}  // namespace ac::interpreter
