#include "interpreter/sessions.h"

#include <algorithm>

#include "base/log.h"
#include "crypto/page_token.h"
#include "interpreter/store.h"

namespace ac::interpreter {
namespace {

using storage::Transaction;

constexpr std::size_t kSessionIdLength = 26;

std::string key_of(const Scope& scope, const InterpreterId& interpreter, const SessionId& id) {
    return scope.account + '\n' + scope.region + '\n' + interpreter.text() + '\n' + id.text();
}

std::string listing_of(const Scope& scope, const SessionQuery& query) {
    return "sessions/" + scope.account + '/' + scope.region + '/' + query.interpreter.text() + '/' +
           (query.status ? std::string(to_string(*query.status)) : std::string());
}

Error no_session(const InterpreterId& interpreter, const SessionId& id, std::string_view why) {
    return {.code = ErrorCode::not_found,
            .message = "session " + id.text() + " of code interpreter " + interpreter.text() + ' ' +
                       std::string(why)};
}

}  // namespace

Sessions::Sessions(Parts parts) : parts_(parts), tasks_(parts.loop.executor()) {}

Task<> Sessions::prepare() {
    AC_CO_CHECK(co_await parts_.database.migrate(store::migrations()));
    const WallTime now = parts_.timer.clock().wall();
    auto work = [now, retention = parts_.limits.retention](Transaction& tx) -> Result<> {
        AC_CHECK(store::end_all_sessions(tx, now));
        return store::erase_sessions_before(tx, now - retention);
    };
    co_return co_await parts_.database.write(std::move(work));
}

Task<SessionView> Sessions::start(Scope scope, NewSession wanted) {
    AC_CO_TRY(const Interpreter interpreter,
              co_await parts_.catalog.get(scope, wanted.interpreter));
    if (!wanted.once.token.empty()) {
        auto look = [scope, wanted](Transaction& tx) {
            return store::find_session_by_token(tx, scope, wanted.interpreter, wanted.once.token);
        };
        AC_CO_TRY(const auto known, co_await parts_.database.read(std::move(look)));
        if (known && known->fingerprint != wanted.once.fingerprint)
            co_return fail(other_parameters());
        if (known) {
            SessionId again(known->id);
            co_return co_await get(scope, wanted.interpreter, std::move(again));
        }
    }
    AC_CO_CHECK(admit(scope));
    TemplatePointer any;
    auto guest = co_await take_guest(std::move(any));
    Result<> connected;
    if (guest) connected = co_await connect(*guest, interpreter.network);
    if (guest && !connected) {
        (*guest)->monitor->stop(Milliseconds{0});
        guest = fail(std::move(connected).error());
    }
    if (!guest) {
        dismiss(scope);
        co_return fail(std::move(guest).error());
    }
    const WallTime now = parts_.timer.clock().wall();
    SessionView view{.interpreter = wanted.interpreter,
                     .id = SessionId(random_alphanumeric(parts_.random, kSessionIdLength)),
                     .name = wanted.name,
                     .timeout = wanted.timeout.value_or(parts_.limits.session_default),
                     .created_at = now,
                     .updated_at = now};
    co_return co_await enter(std::move(scope), std::move(view), std::move(wanted.once),
                             *std::move(guest));
}

Result<> Sessions::admit(const Scope& scope) {
    const std::lock_guard lock(mutex_);
    if (draining_) return fail(ErrorCode::unavailable, "the server is shutting down");
    std::size_t& count = per_account_[scope.account];
    if (count >= parts_.limits.sessions_max)
        return fail(ErrorCode::quota_exceeded,
                    "the limit of " + std::to_string(parts_.limits.sessions_max) +
                        " code interpreter sessions of an account is reached");
    ++count;
    return {};
}

void Sessions::dismiss(const Scope& scope) {
    const std::lock_guard lock(mutex_);
    const auto count = per_account_.find(scope.account);
    if (--count->second == 0) per_account_.erase(count);
}

Task<SessionView> Sessions::enter(Scope scope, SessionView view, Idempotency once,
                                  GuestPointer guest) {
    const std::string key = key_of(scope, view.interpreter, view.id);
    bool has_ended = false;
    {
        const std::lock_guard lock(mutex_);
        live_.emplace(key, Live{.scope = scope,
                                .view = view,
                                .guest = guest,
                                .deadline = parts_.timer.clock().steady() + view.timeout});
    }
    start_clock();
    auto work = [scope, view, once](Transaction& tx) {
        return store::insert_session(tx, scope, view, once);
    };
    const auto stored = co_await parts_.database.write(std::move(work));
    {
        const std::lock_guard lock(mutex_);
        has_ended = guest->has_ended;
    }
    if (!stored) guest->monitor->stop(Milliseconds{0});
    if (!stored || has_ended) {
        AC_CO_CHECK(co_await finish(key));
    }
    if (!stored) co_return fail(stored.error());
    co_return view;
}

Task<SessionView> Sessions::get(Scope scope, InterpreterId interpreter, SessionId id) {
    auto work = [scope, interpreter, id](Transaction& tx) {
        return store::find_session(tx, scope, interpreter, id);
    };
    AC_CO_TRY(auto found, co_await parts_.database.read(std::move(work)));
    if (!found) co_return fail(no_session(interpreter, id, "does not exist"));
    co_return *std::move(found);
}

Task<SessionView> Sessions::stop(Scope scope, InterpreterId interpreter, SessionId id) {
    const std::string key = key_of(scope, interpreter, id);
    GuestPointer guest;
    {
        const std::lock_guard lock(mutex_);
        const auto found = live_.find(key);
        if (found != live_.end()) guest = found->second.guest;
    }
    if (guest) {
        AC_CO_CHECK(co_await finish(key));
        guest->link->close(no_session(interpreter, id, "was stopped"));
        guest->monitor->stop(parts_.limits.stop_grace);
    }
    co_return co_await get(std::move(scope), std::move(interpreter), std::move(id));
}

Task<Page<SessionView>> Sessions::list(Scope scope, SessionQuery query) {
    AC_CO_TRY([[maybe_unused]] const auto known,
              co_await parts_.catalog.get(scope, query.interpreter));
    const std::string listing = listing_of(scope, query);
    AC_CO_TRY(const std::string before, start_of(listing, query.page));
    const int wanted = query.page.items_max.value_or(parts_.limits.page_default);
    auto work = [scope, query, before, wanted](Transaction& tx) {
        return store::list_sessions(tx, scope, query, before, wanted + 1);
    };
    AC_CO_TRY(auto found, co_await parts_.database.read(std::move(work)));
    Page<SessionView> page{.items = std::move(found), .next_token = {}};
    if (page.items.size() > static_cast<std::size_t>(wanted)) {
        page.items.resize(static_cast<std::size_t>(wanted));
        page.next_token = page_token(listing, store::session_key(page.items.back()));
    }
    co_return page;
}

Task<std::shared_ptr<AgentCall>> Sessions::call(Scope scope, InterpreterId interpreter,
                                                SessionId id, ToolCall call) {
    AC_CO_TRY(auto request, to_request(std::move(call), parts_.limits));
    GuestPointer guest;
    {
        const std::lock_guard lock(mutex_);
        const auto found = live_.find(key_of(scope, interpreter, id));
        if (found != live_.end()) guest = found->second.guest;
    }
    if (!guest) {
        AC_CO_TRY([[maybe_unused]] const auto known,
                  co_await get(std::move(scope), interpreter, id));
        co_return fail(no_session(interpreter, id, "has ended"));
    }
    co_return guest->link->call(std::move(request.header), std::move(request.body));
}

Result<Sessions::Live> Sessions::live_session(const Scope& scope, const InterpreterId& interpreter,
                                              const SessionId& id) const {
    const std::lock_guard lock(mutex_);
    const auto found = live_.find(key_of(scope, interpreter, id));
    if (found == live_.end())
        return fail(no_session(interpreter, id, "does not exist, or has ended"));
    return found->second;
}

void Sessions::give_up(const Scope& scope, const InterpreterId& interpreter, const SessionId& id) {
    const std::lock_guard lock(mutex_);
    const auto found = live_.find(key_of(scope, interpreter, id));
    if (found != live_.end()) found->second.guest->monitor->stop(Milliseconds{0});
}

void Sessions::end_of(const Scope& scope, const InterpreterId& interpreter) {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, live] : live_)
        if (live.scope == scope && live.view.interpreter == interpreter)
            live.guest->monitor->stop(Milliseconds{0});
}

std::size_t Sessions::count() const {
    const std::lock_guard lock(mutex_);
    return live_.size();
}

// The session is no more, for whatever reason; its guest may still be going.
Task<> Sessions::finish(std::string key) {
    Live ended;
    {
        const std::lock_guard lock(mutex_);
        const auto found = live_.find(key);
        if (found == live_.end()) co_return Result<>{};
        ended = std::move(found->second);
        live_.erase(found);
        const auto count = per_account_.find(ended.scope.account);
        if (--count->second == 0) per_account_.erase(count);
    }
    const WallTime now = parts_.timer.clock().wall();
    auto work = [scope = ended.scope, id = ended.view.id, now](Transaction& tx) {
        return store::end_session(tx, scope, id, now);
    };
    co_return co_await parts_.database.write(std::move(work));
}

Task<> Sessions::drain() {
    std::vector<GuestPointer> all;
    {
        const std::lock_guard lock(mutex_);
        draining_ = true;
        all = guests_;
    }
    std::vector<Completion<void>> waits;
    for (const GuestPointer& guest : all) guest->monitor->stop(Milliseconds{0});
    for (const GuestPointer& guest : all) (void)co_await guest->monitor->wait();
    tasks_.cancel();
    co_return co_await tasks_.join();
}

}  // namespace ac::interpreter
