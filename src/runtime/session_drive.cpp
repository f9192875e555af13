// How a session's guest is started, watched and ended: what SessionHost does for its machines.

#include <algorithm>
#include <limits>

#include "runtime/session_host.h"

namespace ac::runtime {
namespace {

constexpr Milliseconds kTick{1000};
constexpr Seconds kPingMax{5};
constexpr std::size_t kPingBytesMax = 4096;
constexpr Milliseconds kEndMax{1000};
constexpr Milliseconds kEndLook{20};
// As long as the start of an agent that computes takes, beside others; one that takes longer
// mostly waits for something.
constexpr Milliseconds kTurnMax{100};
// Without an invocation; then its agent leaves the processors to those that have one.
constexpr Milliseconds kCalm{2000};

std::string with_tail(std::string message, const SessionLog& log) {
    const std::string tail = log.tail();
    if (!tail.empty()) message += "; its last output:\n" + tail;
    return message;
}

std::uint16_t port_of(const Session& session) {
    return agent_port(session.target.spec.protocol);
}

net::RequestHead ping_request(const Session& session) {
    net::RequestHead head{.method = "GET", .target = "/ping"};
    head.headers.add("Host", "127.0.0.1:" + std::to_string(port_of(session)));
    return head;
}

}  // namespace

Detached SessionHost::provision(SessionPointer session) {
    const Result<> started = co_await start_guest(session);
    std::vector<Completion<void>> waiters;
    bool has_guest = false;
    {
        const std::lock_guard lock(mutex_);
        has_guest = session->monitor != nullptr;
        if (started) {
            session->machine.became_ready(timer_.clock().steady());
            if (session->machine.state() == SessionState::ready)
                waiters = std::exchange(session->ready_waiters, {});
        } else {
            session->machine.ask_stop(StopReason::start_failed);
        }
    }
    for (const auto& waiter : waiters) waiter.complete({});
    if (started) co_return;
    session->start_error = started.error();
    if (has_guest)
        stop_guest(session);  // watch() finishes the session
    else
        finish(session, started.error());
}

std::filesystem::path SessionHost::log_folder_of(const SessionAddress& address) const {
    return log_folder(folder_, address.runtime, address.endpoint);
}

void SessionHost::prune_old_logs(const SessionAddress& address) {
    pool_.post([folder = log_folder_of(address), max = limits_.log_files_max] {
        prune_logs(folder, max);
    });
}

Task<> SessionHost::start_guest(SessionPointer session) {
    prune_old_logs(session->address);
    AC_CO_TRY(const bool adopted, co_await adopt_waiting(session));
    if (adopted) co_return Result<>{};
    ++starting_;
    const auto from = templates_.find(session->address, session->target);
    const Result<> started = co_await start_new_guest(session, from);
    --starting_;
    if (from && (started || ended_by_itself(*session)))
        templates_.note_start(session->address, session->target.version, started.has_value());
    co_return started;
}

// Nobody asked it to.
bool SessionHost::ended_by_itself(const Session& session) const {
    const std::lock_guard lock(mutex_);
    return session.machine.stop_reason() == StopReason::none;
}

// False: there is none, or none that is well.
Task<bool> SessionHost::adopt_waiting(SessionPointer session) {
    std::shared_ptr<WarmGuest> warm;
    {
        // Under our lock: what is told to end afterwards is also discarded afterwards.
        const std::lock_guard lock(mutex_);
        if (session->machine.state() == SessionState::provisioning)
            warm = warm_.take(session->address, session->target);
    }
    if (!warm) co_return false;
    auto connection = co_await warm->monitor->connect(port_of(*session));
    if (!connection) {
        warm_.reject(*warm);
        co_return false;
    }
    warm->guest.monitor->move_to(sandbox::Monitor::Ground::foreground);
    warm->guest.connector->keep(*std::move(connection));
    warm->guest.output->log.open(log_folder_of(session->address), session->address.session);
    AC_CO_CHECK(begin(session, std::move(warm->guest)));
    AC_CO_CHECK(open_doors(*session, std::move(warm->listeners)));
    co_return true;
}

Task<> SessionHost::start_new_guest(SessionPointer session, AgentTemplates::TemplatePointer from) {
    const SessionAddress& address = session->address;
    auto output = std::make_shared<GuestOutput>(limits_);
    output->log.open(log_folder_of(address), address.session);
    session->output = output;
    GuestPlan plan =
        starter_.plan(address.scope, address.runtime, address.endpoint, session->target);
    AC_CO_CHECK(co_await open_storage(session, plan.policy));
    AC_CO_TRY(StartTurns::Turn turn, co_await turns_.take());
    if (!ended_by_itself(*session))
        co_return fail(ErrorCode::busy, "the session was stopped before it was started");
    const ServerProtocol protocol = session->target.spec.protocol;
    AC_CO_TRY(Guest guest, co_await starter_.start(std::move(plan), protocol, std::move(output),
                                                   std::move(from)));
    AC_CO_CHECK(begin(session, std::move(guest)));
    auto listeners = co_await starter_.listen(*session->monitor, session->target.spec);
    const Result<> opened = listeners ? open_doors(*session, *std::move(listeners))
                                      : Result<>(fail(std::move(listeners).error()));
    if (!opened) {
        co_await await_end(session);
        co_return opened;
    }
    co_return co_await wait_listening(session, std::move(turn));
}

// From here on the guest is the session's.
Result<> SessionHost::begin(const SessionPointer& session, Guest guest) {
    session->environment = std::move(guest.environment);
    session->folder = std::move(guest.folder);
    session->output = std::move(guest.output);
    session->connector = std::move(guest.connector);
    session->pool = std::move(guest.pool);
    session->fresh = std::move(guest.fresh);
    bool wanted = false;
    {
        const std::lock_guard lock(mutex_);
        session->monitor = std::move(guest.monitor);
        wanted = session->machine.state() == SessionState::provisioning;
    }
    tasks_.spawn("guest watch", watch(session));
    if (wanted) return {};
    // It was asked to stop before there was a guest that could be told.
    stop_guest(session);
    return fail(ErrorCode::busy, "the session was stopped while it was started");
}

// A guest that ends at once takes its doors with it. watch() knows the reason and its last words.
Detached SessionHost::await_end(SessionPointer session) {
    const SteadyTime deadline = timer_.clock().steady() + kEndMax;
    while (timer_.clock().steady() < deadline) {
        {
            const std::lock_guard lock(mutex_);
            if (session->machine.state() != SessionState::provisioning) co_return;
        }
        if (!co_await timer_.sleep_until(timer_.clock().steady() + kEndLook)) co_return;
    }
}

// Before there is a guest that could write there.
Task<> SessionHost::open_storage(SessionPointer session, sandbox::Policy& policy) {
    for (const std::string& path : session->target.spec.storage_paths) {
        auto open = [this, session, path] { return storage_.open(session->address, path); };
        AC_CO_TRY(auto folder, co_await pool_.run(open));
        policy.add_writable_mount(sandbox::grants::WritableMount{}, {folder, path});
        session->storage.push_back(std::move(folder));
    }
    co_return Result<>{};
}

// Nothing but the look tells how much a folder of the host has come to hold. A look at a large tree
// takes long, and the next one is the later for it.
Detached SessionHost::measure(SessionPointer session) {
    constexpr int kShare = 20;
    const SteadyTime begun = timer_.clock().steady();
    auto look = [session, most = StorageUse{limits_.storage_bytes_max,
                                            limits_.storage_files_max}]() -> Result<bool> {
        StorageUse use;
        for (const auto& folder : session->storage) {
            const StorageUse one = measure_storage(folder, most);
            use.bytes += std::min(one.bytes, most.bytes + 1);
            use.files += std::min(one.files, most.files + 1);
        }
        return use.bytes > most.bytes || use.files > most.files;
    };
    const auto full = co_await pool_.run(look);
    const SteadyTime now = timer_.clock().steady();
    SessionAction action = SessionAction::none;
    {
        const std::lock_guard lock(mutex_);
        session->next_measure =
            now + std::max<SteadyTime::duration>(limits_.storage_look, kShare * (now - begun));
        if (full && *full) action = session->machine.ask_stop(StopReason::storage_full);
    }
    if (action == SessionAction::stop_guest) stop_guest(session);
}

Result<> SessionHost::open_doors(Session& session, DoorListeners listeners) {
    const GuestIdentity guest{.address = session.address,
                              .role_arn = session.target.spec.role_arn,
                              .network = session.target.spec.network};
    AC_TRY(GuestStarter::Doors doors, starter_.open(std::move(listeners), guest));
    session.platform = std::move(doors.platform);
    session.egress = std::move(doors.egress);
    return {};
}

Task<> SessionHost::wait_listening(SessionPointer session, StartTurns::Turn turn) {
    const SteadyTime turn_end = timer_.clock().steady() + kTurnMax;
    const std::function<Result<>()> go_on = [this, &session, &turn, turn_end]() -> Result<> {
        if (timer_.clock().steady() >= turn_end) turn.end();
        const std::lock_guard lock(mutex_);
        if (session->machine.state() == SessionState::provisioning) return {};
        return fail(ErrorCode::busy, "the session ended while it was started");
    };
    auto first =
        co_await starter_.await_listening(*session->monitor, session->target.spec.protocol, go_on);
    if (first) {
        session->connector->keep(*std::move(first));
        co_return Result<>{};
    }
    Error error = std::move(first).error();
    if (error.code == ErrorCode::guest_failed)
        error.message = with_tail(std::move(error.message), session->output->log);
    co_return fail(std::move(error));
}

Detached SessionHost::watch(SessionPointer session) {
    const auto outcome = co_await session->monitor->wait();
    // Its last words explain its end. Everything of it is gone, so the pipes end now.
    for (const auto& ended : session->output->ended) (void)co_await ended.cancellable_result();
    Error why{.code = ErrorCode::internal, .message = "the guest was lost"};
    if (outcome) why = end_error_of(*session, *outcome);
    session->output->log.add(
        timer_.clock().wall(), Stream::platform,
        outcome ? "the session ended: " + (outcome->detail.empty()
                                               ? std::string(to_string(outcome->reason))
                                               : outcome->detail)
                : why.message);
    finish(session, std::move(why));
}

Error SessionHost::end_error_of(const Session& session, const sandbox::Outcome& outcome) const {
    StopReason reason = StopReason::none;
    {
        const std::lock_guard lock(mutex_);
        reason = session.machine.stop_reason();
    }
    if (session.start_error && reason == StopReason::start_failed) return *session.start_error;
    if (reason == StopReason::none) {
        const std::string how = outcome.detail.empty() ? std::string(to_string(outcome.reason)) +
                                                             " " + std::to_string(outcome.code)
                                                       : outcome.detail;
        return {.code = ErrorCode::guest_failed,
                .message = with_tail(
                    "the agent of session " + session.address.session.text() + " ended: " + how,
                    session.output->log)};
    }
    return {.code = ErrorCode::guest_failed,
            .message = "session " + session.address.session.text() +
                       " was ended: " + std::string(to_string(reason))};
}

Detached SessionHost::keep_time() {
    while (true) {
        const bool slept = (co_await sleep_for(timer_, kTick)).has_value();
        std::vector<SessionPointer> stopping;
        std::vector<SessionPointer> pinging;
        std::vector<SessionPointer> measured;
        std::vector<std::shared_ptr<sandbox::Monitor>> calm;
        {
            const std::lock_guard lock(mutex_);
            if (sessions_.empty() || !slept) {
                keeping_time_ = false;
                co_return;
            }
            const SteadyTime now = timer_.clock().steady();
            for (const auto& [key, session] : sessions_) {
                const SessionAction action = session->machine.tick(now);
                if (action == SessionAction::stop_guest) stopping.push_back(session);
                if (action == SessionAction::ping) pinging.push_back(session);
                if (session->machine.state() == SessionState::ready && !session->storage.empty() &&
                    now >= session->next_measure) {
                    session->next_measure = SteadyTime::max();  // one look at a time
                    measured.push_back(session);
                }
                if (!session->is_background && session->machine.is_calm(now, kCalm)) {
                    session->is_background = true;
                    calm.push_back(session->monitor);
                }
            }
        }
        for (const auto& monitor : calm) monitor->move_to(sandbox::Monitor::Ground::background);
        for (const SessionPointer& session : stopping) stop_guest(session);
        for (SessionPointer& session : measured)
            tasks_.spawn("session storage", measure(std::move(session)));
        for (SessionPointer& session : pinging)
            tasks_.spawn("guest ping", ping(std::move(session)));
    }
}

Detached SessionHost::ping(SessionPointer session) {
    const SteadyTime deadline = timer_.clock().steady() + kPingMax;
    const auto answer = co_await net::fetch(*session->pool, ping_request(*session), std::string(),
                                            deadline, kPingBytesMax);
    const bool busy = answer && answer->status == 200 &&
                      answer->body.find("\"HealthyBusy\"") != std::string::npos;
    SessionAction action = SessionAction::none;
    {
        const std::lock_guard lock(mutex_);
        action = session->machine.ping_answered(timer_.clock().steady(), busy);
    }
    if (action == SessionAction::stop_guest) stop_guest(session);
}

void SessionHost::stop_guest(const SessionPointer& session) {
    std::shared_ptr<sandbox::Monitor> monitor;
    {
        const std::lock_guard lock(mutex_);
        monitor = session->monitor;
    }
    if (monitor) monitor->stop(limits_.stop_grace);
}

void SessionHost::finish(const SessionPointer& session, Error why) {
    std::vector<Completion<void>> failed;
    std::vector<Completion<void>> ended;
    {
        const std::lock_guard lock(mutex_);
        if (!session->machine.guest_ended()) return;
        std::erase_if(sessions_, [&](const auto& entry) { return entry.second == session; });
        auto count = per_account_.find(session->address.scope.account);
        if (--count->second == 0) per_account_.erase(count);
        failed = std::exchange(session->ready_waiters, {});
        ended = std::exchange(session->end_waiters, {});
        session->end_error = why;
    }
    if (session->pool) session->pool->close();
    session->platform.reset();
    session->egress.reset();
    for (const auto& waiter : failed) waiter.complete(std::unexpected(why));
    for (const auto& waiter : ended) waiter.complete({});
}

}  // namespace ac::runtime
