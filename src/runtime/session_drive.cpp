// How a session's guest is started, watched and ended: what SessionHost does for its machines.

#include <algorithm>
#include <array>
#include <limits>

#include "async/pipe.h"
#include "runtime/guest_plan.h"
#include "runtime/session_host.h"

namespace ac::runtime {
namespace {

constexpr Milliseconds kTick{1000};
constexpr Seconds kPingMax{5};
constexpr std::size_t kPingBytesMax = 4096;
// Between looks whether the agent listens: short at first, since a native agent is up within a
// millisecond.
constexpr std::chrono::microseconds kFirstLook{300};
constexpr std::chrono::microseconds kLongestLook{20'000};
constexpr Milliseconds kEndMax{1000};

std::string with_tail(std::string message, const SessionLog& log) {
    const std::string tail = log.tail();
    if (!tail.empty()) message += "; its last output:\n" + tail;
    return message;
}

std::string loopback_url(std::uint16_t port) {
    return "http://127.0.0.1:" + std::to_string(port);
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

Task<UniqueFd> GuestConnector::connect(SteadyTime) {
    {
        const std::lock_guard lock(mutex_);
        if (first_) co_return std::move(first_);
    }
    co_return co_await monitor_.connect(port_);
}

void GuestConnector::keep(UniqueFd first) {
    const std::lock_guard lock(mutex_);
    first_ = std::move(first);
}

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

Task<> SessionHost::start_guest(SessionPointer session) {
    const SessionAddress& address = session->address;
    auto prune = [folder = log_folder(options_.folder, address.runtime, address.endpoint),
                  max = limits_.log_files_max]() -> Result<> {
        prune_logs(folder, max);
        return {};
    };
    pool_.post([prune] { (void)prune(); });
    GuestLinks links{.public_url = options_.public_url};
    if (options_.platform != nullptr) links.platform_url = loopback_url(kPlatformPort);
    if (has_egress(*session)) links.egress_url = loopback_url(kEgressPort);
    GuestPlan plan = plan_guest(address.scope, address.runtime, address.endpoint, session->target,
                                limits_, links);
    AC_CO_CHECK(co_await open_storage(session, plan.policy));
    session->environment = plan.environment;
    session->folder = plan.folder;
    AC_CO_TRY(Pipe output, make_pipe());
    AC_CO_TRY(Pipe errors, make_pipe());
    sandbox::Command command{.argv = std::move(plan.argv),
                             .environment = std::move(plan.environment),
                             .folder = std::move(plan.folder),
                             .standard_output = std::move(output.writing),
                             .standard_error = std::move(errors.writing)};
    AC_CO_TRY(auto monitor,
              co_await sandbox_.start(std::move(plan.policy), plan.limits, std::move(command)));
    bool wanted = false;
    {
        const std::lock_guard lock(mutex_);
        session->monitor = std::move(monitor);
        wanted = session->machine.state() == SessionState::provisioning;
    }
    session->connector = std::make_unique<GuestConnector>(*session->monitor, port_of(*session));
    session->pool = net::make_client_pool(*session->connector, timer_);
    constexpr std::size_t kKeepNone = 0;
    session->fresh = net::make_client_pool(*session->connector, timer_, {}, kKeepNone);
    tasks_.spawn("guest output",
                 read_output(session, std::move(output.reading), Stream::standard_output));
    tasks_.spawn("guest errors",
                 read_output(session, std::move(errors.reading), Stream::standard_error));
    tasks_.spawn("guest watch", watch(session));
    if (!wanted) {  // it was asked to stop before there was a guest that could be told
        stop_guest(session);
        co_return fail(ErrorCode::busy, "the session was stopped while it was started");
    }
    Result<> opened = co_await open_doors(session);
    if (!opened) {
        co_await await_end(session);
        co_return opened;
    }
    co_return co_await wait_listening(session);
}

// A guest that ends at once takes its doors with it. watch() knows the reason and its last words.
Detached SessionHost::await_end(SessionPointer session) {
    const SteadyTime deadline = timer_.clock().steady() + kEndMax;
    while (timer_.clock().steady() < deadline) {
        {
            const std::lock_guard lock(mutex_);
            if (session->machine.state() != SessionState::provisioning) co_return;
        }
        if (!co_await timer_.sleep_until(timer_.clock().steady() + kLongestLook)) co_return;
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

bool SessionHost::has_egress(const Session& session) const {
    return options_.egress != nullptr && options_.egress->serves(session.target.spec.network);
}

// Before the agent can have got as far as calling anything: its interpreter takes longer to start.
Task<> SessionHost::open_doors(SessionPointer session) {
    const GuestIdentity guest{.address = session->address,
                              .role_arn = session->target.spec.role_arn,
                              .network = session->target.spec.network};
    if (options_.platform != nullptr) {
        AC_CO_TRY(auto listener, co_await session->monitor->listen(kPlatformPort));
        AC_CO_TRY(session->platform, options_.platform->open(std::move(listener), guest));
    }
    if (has_egress(*session)) {
        AC_CO_TRY(auto listener, co_await session->monitor->listen(kEgressPort));
        AC_CO_TRY(session->egress, options_.egress->open(std::move(listener), guest));
    }
    co_return Result<>{};
}

Task<> SessionHost::wait_listening(SessionPointer session) {
    const SteadyTime deadline = timer_.clock().steady() + limits_.init_max;
    auto pause = kFirstLook;
    while (true) {
        auto connection = co_await session->monitor->connect(port_of(*session));
        if (connection) {
            session->connector->keep(*std::move(connection));
            co_return Result<>{};
        }
        {
            const std::lock_guard lock(mutex_);
            if (session->machine.state() != SessionState::provisioning)
                co_return fail(ErrorCode::busy, "the session ended while it was started");
        }
        if (timer_.clock().steady() >= deadline) {
            const std::string message =
                "the agent did not listen on port " + std::to_string(port_of(*session)) +
                ", where protocol " + std::string(to_string(session->target.spec.protocol)) +
                " wants it, within " + std::to_string(limits_.init_max.count()) + " s of its start";
            co_return fail(ErrorCode::guest_failed, with_tail(message, session->log));
        }
        AC_CO_CHECK(co_await timer_.sleep_until(timer_.clock().steady() + pause));
        pause = std::min(pause * 3 / 2, kLongestLook);
    }
}

Detached SessionHost::watch(SessionPointer session) {
    const auto outcome = co_await session->monitor->wait();
    // Its last words explain its end. Everything of it is gone, so the pipes end now.
    for (const auto& ended : session->output_ended) (void)co_await ended.cancellable_result();
    Error why{.code = ErrorCode::internal, .message = "the guest was lost"};
    if (outcome) why = end_error_of(*session, *outcome);
    session->log.add(timer_.clock().wall(), Stream::platform,
                     outcome
                         ? "the session ended: " + (outcome->detail.empty()
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
                    session.log)};
    }
    return {.code = ErrorCode::guest_failed,
            .message = "session " + session.address.session.text() +
                       " was ended: " + std::string(to_string(reason))};
}

Detached SessionHost::read_output(SessionPointer session, UniqueFd reading, Stream stream) {
    constexpr Milliseconds kWindow{100};
    const std::uint64_t window_bytes = limits_.log_bytes_per_second / 10;
    const auto executor = co_await asio::this_coro::executor;
    PipeReader reader(executor, std::move(reading));
    LineSplitter splitter(limits_.log_line_bytes_max);
    std::array<char, 16 * 1024> buffer;
    std::uint64_t in_window = 0;
    SteadyTime window = timer_.clock().steady();
    while (true) {
        const auto size = co_await reader.read_some(buffer);
        if (!size || *size == 0) break;
        const WallTime now = timer_.clock().wall();
        for (std::string& line : splitter.feed({buffer.data(), *size}))
            session->log.add(now, stream, std::move(line));
        if (timer_.clock().steady() - window > kWindow) {
            window = timer_.clock().steady();
            in_window = 0;
        }
        in_window += *size;
        // A guest that floods its output waits; nobody else does.
        if (in_window > window_bytes && !co_await timer_.sleep_until(window + kWindow)) break;
    }
    if (auto rest = splitter.rest())
        session->log.add(timer_.clock().wall(), stream, *std::move(rest));
    session->output_ended[stream == Stream::standard_output ? 0 : 1].complete({});
}

Detached SessionHost::keep_time() {
    while (true) {
        const bool slept = (co_await sleep_for(timer_, kTick)).has_value();
        std::vector<SessionPointer> stopping;
        std::vector<SessionPointer> pinging;
        std::vector<SessionPointer> measured;
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
            }
        }
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
