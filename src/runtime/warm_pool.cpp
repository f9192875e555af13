#include "runtime/warm_pool.h"

#include <algorithm>

#include "base/log.h"

namespace ac::runtime {
namespace {

constexpr Milliseconds kTick{200};
constexpr Seconds kLookEvery{15};
constexpr std::size_t kStartsAtOnce = 2;
// While more sessions than this are being started, the processors are theirs but for one start;
// while there are so many that they wait for each other, theirs alone.
constexpr std::size_t kSessionsFirst = 2;
constexpr std::size_t kSessionsOnly = 8;
// After a failure, doubled with each further one in a row.
constexpr Seconds kPause{5};
constexpr int kDoublingsMax = 7;

std::string key_of(const Scope& scope, const RuntimeId& runtime, std::string_view endpoint) {
    std::string key = scope.account + '\n' + scope.region + '\n' + runtime.text() + '\n';
    if (!endpoint.empty()) (key += endpoint) += '\n';
    return key;
}

std::unexpected<Error> called_out() {
    return fail(ErrorCode::conflict, "it called the platform before it had a session");
}

}  // namespace

WarmPool::WarmPool(GuestStarter& starter, AgentTemplates& templates, Timer& timer,
                   const RuntimeLimits& limits, PoolOptions options,
                   const std::atomic<std::size_t>& sessions_starting, TaskGroup& tasks)
    : starter_(starter),
      templates_(templates),
      timer_(timer),
      limits_(limits),
      options_(options),
      sessions_starting_(sessions_starting),
      tasks_(tasks) {}

std::shared_ptr<WarmGuest> WarmPool::take(const SessionAddress& address, const Resolved& target) {
    if (options_.guests_max == 0 || !target.spec.storage_paths.empty()) return nullptr;
    const SteadyTime now = timer_.clock().steady();
    const std::string key = key_of(address.scope, address.runtime, address.endpoint);
    std::lock_guard lock(mutex_);
    if (closed_) return nullptr;
    const PoolDemand none(options_.idle, options_.version_guests_max, options_.burst_guests_max);
    Endpoint& endpoint =
        endpoints_.try_emplace(key, Endpoint{.address = address, .demand = none}).first->second;
    if (!endpoint.target || endpoint.target->version != target.version) {
        endpoint.target = target;
        endpoint.failures = 0;
        endpoint.paused_until = {};
        endpoint.is_ordinary = false;
    }
    if (!std::exchange(keeping_, true)) tasks_.spawn("warm pool", keep());
    if (endpoint.is_ordinary) return nullptr;
    endpoint.demand.started(now);
    for (const GuestPointer& warm : guests_) {
        if (warm->key != key || warm->version != target.version ||
            warm->state != WarmGuest::State::waiting || warm->next_look == SteadyTime::max() ||
            calls_out(warm->listeners))  // the next tick sends it away
            continue;
        const GuestPointer taken = warm;
        taken->state = WarmGuest::State::taken;
        erase(*taken);
        endpoint.failures = 0;
        ++counts_.taken;
        return taken;
    }
    ++counts_.missed;
    return nullptr;
}

void WarmPool::reject(WarmGuest& warm) {
    warm.monitor->stop(Milliseconds{0});
    const std::lock_guard lock(mutex_);
    ++counts_.discarded;
    ++counts_.failed;
    note_failure(warm);
}

void WarmPool::discard(const Scope& scope, const Resource& resource) {
    const std::string prefix = key_of(scope, resource.runtime, resource.endpoint);
    const std::lock_guard lock(mutex_);
    for (auto& [key, endpoint] : endpoints_)
        if (key.starts_with(prefix)) endpoint.target.reset();
    for (const GuestPointer& warm : guests_of(prefix)) send_away(*warm);
}

Task<> WarmPool::wait_gone(std::string prefix) {
    while (true) {
        std::optional<Completion<void>> change;
        {
            const std::lock_guard lock(mutex_);
            if (!guests_of(prefix).empty()) change = change_waiters_.emplace_back();
        }
        if (!change) co_return Result<>{};
        AC_CO_CHECK(co_await change->cancellable_result());
    }
}

Task<> WarmPool::wait_gone(Scope scope, RuntimeId id) {
    return wait_gone(key_of(scope, id, ""));
}

Task<> WarmPool::wait_all_gone() {
    return wait_gone(std::string());
}

void WarmPool::close(Milliseconds grace) {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    endpoints_.clear();
    for (const GuestPointer& warm : guests_) {
        send_away(*warm);
        if (warm->monitor) warm->monitor->stop(grace);
    }
}

PoolStatistics WarmPool::statistics() const {
    const std::lock_guard lock(mutex_);
    PoolStatistics out = counts_;
    for (const GuestPointer& warm : guests_)
        if (warm->state == WarmGuest::State::waiting) ++out.waiting;
    return out;
}

Detached WarmPool::keep() {
    while (true) {
        const bool slept = (co_await sleep_for(timer_, kTick)).has_value();
        Work work;
        {
            const std::lock_guard lock(mutex_);
            if (slept) work = next_work(timer_.clock().steady());
            if (!slept || work.is_over) {
                keeping_ = false;
                co_return;
            }
        }
        for (auto& [warm, target] : work.starting)
            tasks_.spawn("warm guest", bring_up(std::move(warm), std::move(target)));
        for (GuestPointer& warm : work.looking)
            tasks_.spawn("warm guest ping", look(std::move(warm)));
    }
}

WarmPool::Work WarmPool::next_work(SteadyTime now) {
    Work work;
    for (const GuestPointer& warm : std::vector(guests_)) {
        if (warm->state != WarmGuest::State::waiting) continue;
        if (calls_out(warm->listeners)) {
            endpoints_.at(warm->key).is_ordinary = true;
            send_away(*warm);
        } else if (now >= warm->next_look) {
            warm->next_look = SteadyTime::max();
            work.looking.push_back(warm);
        }
    }
    for (auto& [key, endpoint] : endpoints_) size(key, endpoint, now, work);
    std::erase_if(endpoints_, [&](const auto& entry) {
        return entry.second.demand.wanted(now) == 0 && guests_of(entry.first).empty();
    });
    work.is_over = endpoints_.empty();
    return work;
}

void WarmPool::size(const std::string& key, Endpoint& endpoint, SteadyTime now, Work& work) {
    std::size_t wanted = endpoint.demand.wanted(now);
    if (!endpoint.target || endpoint.is_ordinary) wanted = 0;
    std::size_t have = 0;
    for (const GuestPointer& warm : guests_of(key)) {
        if (warm->state == WarmGuest::State::leaving) continue;
        const bool is_stale = endpoint.target && warm->version != endpoint.target->version;
        if (!is_stale && have < wanted)
            ++have;
        else
            send_away(*warm);
    }
    if (templates_.is_making(endpoint.address)) return;
    for (; have < wanted && now >= endpoint.paused_until && may_start(); ++have) {
        auto warm = std::make_shared<WarmGuest>();
        warm->key = key;
        warm->address = endpoint.address;
        warm->version = endpoint.target->version;
        warm->protocol = endpoint.target->spec.protocol;
        guests_.push_back(warm);
        work.starting.emplace_back(std::move(warm), *endpoint.target);
    }
}

bool WarmPool::may_start() const {
    const auto starting = std::ranges::count_if(guests_, [](const GuestPointer& warm) {
        return warm->state == WarmGuest::State::starting;
    });
    const std::size_t sessions = sessions_starting_;
    const std::size_t most = sessions <= kSessionsFirst ? kStartsAtOnce
                             : sessions < kSessionsOnly ? 1
                                                        : 0;
    return guests_.size() < options_.guests_max && static_cast<std::size_t>(starting) < most;
}

Detached WarmPool::bring_up(GuestPointer warm, Resolved target) {
    const Result<> started = co_await start(warm, target);
    const std::lock_guard lock(mutex_);
    if (started && warm->state == WarmGuest::State::starting) {
        warm->state = WarmGuest::State::waiting;
        warm->next_look = timer_.clock().steady() + kLookEvery;
        warm->monitor->move_to(sandbox::Monitor::Ground::background);
        if (warm->is_of_template) templates_.note_start(warm->address, warm->version, true);
        co_return;
    }
    if (!started && send_away(*warm)) {
        AC_LOG(info, "a guest could not be started ahead of its session",
               {"runtime", warm->address.runtime.text()}, {"what", started.error().message});
        if (const auto it = endpoints_.find(warm->key);
            it != endpoints_.end() && started.error().code == ErrorCode::conflict)
            it->second.is_ordinary = true;
        else
            note_failure(*warm);
    }
    if (!warm->monitor) erase(*warm);  // else watch() does
}

Task<> WarmPool::start(GuestPointer warm, const Resolved& target) {
    const SessionAddress& address = warm->address;
    const ServerProtocol protocol = warm->protocol;
    GuestPlan plan = starter_.plan(address.scope, address.runtime, address.endpoint, target);
    auto output = std::make_shared<GuestOutput>(limits_);
    auto from = templates_.find(address, target);
    warm->is_of_template = from != nullptr;
    AC_CO_TRY(warm->guest, co_await starter_.start(std::move(plan), protocol, std::move(output),
                                                   std::move(from)));
    bool is_wanted = false;
    {
        const std::lock_guard lock(mutex_);
        warm->monitor = warm->guest.monitor;
        is_wanted = warm->state == WarmGuest::State::starting;
    }
    tasks_.spawn("warm guest watch", watch(warm, warm->guest.monitor));
    if (!is_wanted) {
        warm->guest.monitor->stop(Milliseconds{0});
        co_return fail(ErrorCode::cancelled, "it is not wanted any more");
    }
    AC_CO_TRY(warm->listeners, co_await starter_.listen(*warm->guest.monitor, target.spec));
    const std::function<Result<>()> go_on = [this, &warm]() -> Result<> {
        if (calls_out(warm->listeners)) return called_out();
        const std::lock_guard lock(mutex_);
        if (warm->state == WarmGuest::State::starting) return {};
        return fail(ErrorCode::cancelled, "it ended while it was started");
    };
    AC_CO_TRY(UniqueFd first,
              co_await starter_.await_listening(*warm->guest.monitor, protocol, go_on));
    warm->guest.connector->keep(std::move(first));
    AC_CO_CHECK(co_await starter_.ping(warm->guest, protocol));
    if (calls_out(warm->listeners)) co_return called_out();
    co_return Result<>{};
}

Detached WarmPool::watch(GuestPointer warm, std::shared_ptr<sandbox::Monitor> monitor) {
    (void)co_await monitor->wait();
    const std::lock_guard lock(mutex_);
    if (warm->state == WarmGuest::State::taken) co_return;
    if (send_away(*warm)) {
        ++counts_.failed;
        note_failure(*warm);
    }
    erase(*warm);
}

Detached WarmPool::look(GuestPointer warm) {
    const Result<> well = co_await starter_.ping(warm->guest, warm->protocol);
    const std::lock_guard lock(mutex_);
    warm->next_look = timer_.clock().steady() + kLookEvery;
    if (well || !send_away(*warm)) co_return;
    ++counts_.failed;
    note_failure(*warm);
}

std::vector<WarmPool::GuestPointer> WarmPool::guests_of(const std::string& prefix) const {
    std::vector<GuestPointer> out;
    for (const GuestPointer& warm : guests_)
        if (warm->key.starts_with(prefix)) out.push_back(warm);
    return out;
}

bool WarmPool::send_away(WarmGuest& warm) {
    if (warm.state == WarmGuest::State::leaving || warm.state == WarmGuest::State::taken)
        return false;
    warm.state = WarmGuest::State::leaving;
    ++counts_.discarded;
    if (warm.monitor) warm.monitor->stop(limits_.stop_grace);
    return true;
}

void WarmPool::note_failure(const WarmGuest& warm) {
    if (warm.is_of_template) templates_.note_start(warm.address, warm.version, false);
    const auto it = endpoints_.find(warm.key);
    if (it == endpoints_.end() || !it->second.target || it->second.target->version != warm.version)
        return;
    Endpoint& endpoint = it->second;
    endpoint.paused_until =
        timer_.clock().steady() + kPause * (1 << std::min(endpoint.failures, kDoublingsMax));
    ++endpoint.failures;
}

void WarmPool::erase(const WarmGuest& warm) {
    std::erase_if(guests_, [&](const GuestPointer& one) { return one.get() == &warm; });
    for (const auto& waiter : std::exchange(change_waiters_, {})) waiter.complete({});
}

}  // namespace ac::runtime
