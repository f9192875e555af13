#include "runtime/session_host.h"

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <thread>

namespace ac::runtime {
namespace {

// A session that ends between becoming ready and being entered is started again, but not for ever.
constexpr int kEnterAttempts = 4;

// One start waits for the kernel while another computes.
std::size_t starts_at_once() {
    return std::max(4U, 2 * std::thread::hardware_concurrency());
}

std::string key_of(const SessionAddress& address) {
    std::string key;
    key.reserve(160);
    for (const std::string_view part :
         {std::string_view(address.scope.account), std::string_view(address.scope.region),
          std::string_view(address.runtime.text()), std::string_view(address.endpoint),
          std::string_view(address.session.text())}) {
        key += part;
        key += '\n';
    }
    return key;
}

bool is_of(const Session& session, const Scope& scope, const Resource& resource) {
    return session.address.scope == scope && session.address.runtime == resource.runtime &&
           (resource.endpoint.empty() || session.address.endpoint == resource.endpoint);
}

std::unexpected<Error> in_progress() {
    return fail(ErrorCode::busy, "Session operation in progress, please retry");
}

Result<> check_proof(const Spec& spec, const Caller& caller) {
    const bool wants_token = !spec.authorizer.empty();
    if (wants_token == (caller.proof == Caller::Proof::token)) return {};
    return fail(ErrorCode::permission_denied,
                "Authorization method mismatch. The agent is configured for a different "
                "authorization method than what was used in your request. Check the agent's "
                "authorization configuration and ensure your request uses the matching method "
                "(OAuth or SigV4)");
}

SessionTimes times_of(const Spec& spec, const RuntimeLimits& limits) {
    return {
        .idle_timeout = std::min(spec.idle_timeout.value_or(limits.idle_timeout), limits.idle_max),
        .lifetime_max = spec.lifetime_max.value_or(limits.lifetime_max),
        .busy_recheck = limits.busy_recheck};
}

}  // namespace

Lease::~Lease() {
    if (session_) host_->release(*session_, activity_);
}

std::shared_ptr<sandbox::Monitor> Lease::monitor() const {
    const std::lock_guard lock(host_->mutex_);
    return session_->monitor;
}

std::optional<Error> Lease::end_error() const {
    const std::lock_guard lock(host_->mutex_);
    return session_->end_error;
}

SessionHost::SessionHost(Catalog& catalog, sandbox::Sandbox& sandbox, Timer& timer, Random& random,
                         ThreadPool& pool, Loop& loop, const RuntimeLimits& limits, Options options)
    : catalog_(catalog),
      timer_(timer),
      random_(random),
      pool_(pool),
      limits_(limits),
      folder_(options.folder),
      storage_(folder_ / "storage"),
      starter_(sandbox, timer, limits, {options.public_url, options.platform, options.egress},
               tasks_),
      turns_(starts_at_once()),
      templates_(sandbox, starter_, timer, limits, options.pool, starting_, tasks_),
      warm_(starter_, templates_, timer, limits, options.pool, starting_, tasks_),
      tasks_(loop.executor()) {}

Task<Lease> SessionHost::enter(SessionAddress address) {
    if (address.session.empty()) address.session = SessionId(random_uuid(random_));
    const std::string key = key_of(address);
    const Caller caller = std::exchange(address.caller, {});
    for (int attempt = 0; attempt < kEnterAttempts; ++attempt) {
        auto found = find(key);
        if (!found) {
            AC_CO_CHECK(co_await create(address, caller, key));
            continue;
        }
        if (found->admission == Admission::admitted) {
            Lease lease(*this, std::move(found->session));
            const Result<> proven = check_proof(lease.session().target.spec, caller);
            if (proven) co_return lease;
            lease.forget();
            co_return fail(proven.error());
        }
        if (found->admission == Admission::busy) co_return in_progress();
        AC_CO_CHECK(co_await found->ready->cancellable_result());
    }
    co_return in_progress();
}

std::optional<SessionHost::Found> SessionHost::find(const std::string& key) {
    const std::lock_guard lock(mutex_);
    const auto it = sessions_.find(key);
    if (it == sessions_.end()) return std::nullopt;
    Session& session = *it->second;
    Found found{.session = it->second, .admission = it->second->machine.admit()};
    if (found.admission == Admission::wait) found.ready = it->second->ready_waiters.emplace_back();
    if (found.admission != Admission::admitted) return found;
    session.last_used_wall = timer_.clock().wall();
    if (std::exchange(session.is_background, false))
        session.monitor->move_to(sandbox::Monitor::Ground::foreground);
    return found;
}

Task<> SessionHost::create(const SessionAddress& address, const Caller& caller,
                           const std::string& key) {
    std::uint64_t ends = 0;
    {
        const std::lock_guard lock(mutex_);
        ends = ends_;
    }
    AC_CO_TRY(Resolved target,
              co_await catalog_.resolve(address.scope, address.runtime, address.endpoint));
    AC_CO_CHECK(check_proof(target.spec, caller));
    {
        const std::lock_guard lock(mutex_);
        if (ends != ends_) co_return Result<>{};  // something was deleted meanwhile: look again
    }
    co_return insert(address, key, std::move(target));
}

Result<> SessionHost::insert(const SessionAddress& address, const std::string& key,
                             Resolved target) {
    const SessionTimes times = times_of(target.spec, limits_);
    auto session = std::make_shared<Session>(address, std::move(target), times,
                                             timer_.clock().steady(), timer_.clock().wall());
    bool start_time = false;
    {
        const std::lock_guard lock(mutex_);
        if (draining_) return fail(ErrorCode::unavailable, "the server is shutting down");
        if (sessions_.contains(key)) return {};  // another invocation was first
        std::size_t& count = per_account_[address.scope.account];
        if (count >= limits_.sessions_max) {
            return fail(ErrorCode::quota_exceeded,
                        "the limit of " + std::to_string(limits_.sessions_max) +
                            " concurrent sessions of an account is reached");
        }
        ++count;
        sessions_.emplace(key, session);
        start_time = !std::exchange(keeping_time_, true);
    }
    tasks_.spawn("session start", provision(std::move(session)));
    if (start_time) tasks_.spawn("session clock", keep_time());
    return {};
}

Task<> SessionHost::stop(SessionAddress address) {
    const std::string key = key_of(address);
    SessionPointer session;
    Completion<void> ended;
    {
        const std::lock_guard lock(mutex_);
        const auto it = sessions_.find(key);
        if (it == sessions_.end()) {
            co_return fail(ErrorCode::not_found, "no session " + address.session.text() +
                                                     " of agent runtime " + address.runtime.text() +
                                                     " is running");
        }
        session = it->second;
        if (session->machine.state() == SessionState::draining) co_return in_progress();
        session->end_waiters.push_back(ended);
        session->machine.ask_stop(StopReason::requested);
    }
    stop_guest(session);
    co_return co_await ended.cancellable_result();
}

void SessionHost::end(const Scope& scope, const Resource& resource, StopReason reason) {
    std::vector<SessionPointer> ending;
    {
        const std::lock_guard lock(mutex_);
        ++ends_;
        for (const auto& [key, session] : sessions_) {
            if (is_of(*session, scope, resource) &&
                session->machine.ask_stop(reason) == SessionAction::stop_guest)
                ending.push_back(session);
        }
    }
    // After the sessions: one that is being started takes no guest when it has been told to end.
    warm_.discard(scope, resource);
    templates_.discard(scope, resource);
    for (const SessionPointer& session : ending) stop_guest(session);
}

Task<> SessionHost::wait_gone(Scope scope, RuntimeId id) {
    const Resource all{.runtime = id};
    while (true) {
        std::optional<Completion<void>> ended;
        {
            const std::lock_guard lock(mutex_);
            for (const auto& [key, session] : sessions_)
                if (is_of(*session, scope, all)) ended = session->end_waiters.emplace_back();
        }
        if (!ended) break;
        AC_CO_CHECK(co_await ended->cancellable_result());
    }
    co_return co_await warm_.wait_gone(scope, id);
}

Task<std::vector<SessionView>> SessionHost::list(Scope scope, RuntimeId id) {
    const Resource all{.runtime = id};
    std::vector<SessionView> views;
    std::vector<std::shared_ptr<sandbox::Monitor>> monitors;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [key, session] : sessions_) {
            if (!is_of(*session, scope, all)) continue;
            views.push_back({.session = session->address.session,
                             .endpoint = session->address.endpoint,
                             .version = session->target.version,
                             .state = std::string(to_string(session->machine.state())),
                             .started_at = session->started_wall,
                             .last_used_at = session->last_used_wall,
                             .invocations = session->machine.in_flight()});
            monitors.push_back(session->monitor);
        }
    }
    for (std::size_t i = 0; i < views.size(); ++i) {
        if (!monitors[i]) continue;
        const auto usage = co_await monitors[i]->usage();
        if (usage) views[i].memory_bytes = usage->memory_bytes;
    }
    std::ranges::sort(views, {}, [](const SessionView& view) { return view.started_at; });
    co_return views;
}

bool SessionHost::is_live(const SessionAddress& address) const {
    const std::string key = key_of(address);
    const std::lock_guard lock(mutex_);
    return sessions_.contains(key);
}

std::size_t SessionHost::count() const {
    const std::lock_guard lock(mutex_);
    return sessions_.size();
}

Task<> SessionHost::wait_all_gone() {
    while (true) {
        std::optional<Completion<void>> ended;
        {
            const std::lock_guard lock(mutex_);
            if (sessions_.empty()) break;
            ended = sessions_.begin()->second->end_waiters.emplace_back();
        }
        AC_CO_CHECK(co_await ended->cancellable_result());
    }
    co_return co_await warm_.wait_all_gone();
}

Task<> SessionHost::drain(SteadyTime deadline) {
    using namespace asio::experimental::awaitable_operators;
    std::vector<SessionPointer> all;
    {
        const std::lock_guard lock(mutex_);
        draining_ = true;
        for (const auto& [key, session] : sessions_) {
            session->machine.ask_stop(StopReason::shutdown);
            all.push_back(session);
        }
    }
    warm_.close(limits_.stop_grace);
    templates_.close();
    for (const SessionPointer& session : all) stop_guest(session);
    co_await (wait_all_gone() || timer_.sleep_until(deadline));
    warm_.close(Milliseconds{0});
    for (const SessionPointer& session : all) {
        const std::lock_guard lock(mutex_);
        if (session->monitor) session->monitor->stop(Milliseconds{0});
    }
    tasks_.cancel();
    co_return co_await tasks_.join();
}

void SessionHost::release(Session& session, SessionMachine::Activity activity) {
    const std::lock_guard lock(mutex_);
    session.machine.release(timer_.clock().steady(), activity);
}

}  // namespace ac::runtime
