#include "runtime/guest_starter.h"

#include <poll.h>

#include <algorithm>
#include <array>

#include "async/pipe.h"

namespace ac::runtime {
namespace {

// Between looks whether the agent listens: short at first, since a native agent is up within a
// millisecond, and later a part of what it has taken so far.
constexpr std::chrono::microseconds kFirstLook{300};
constexpr std::chrono::microseconds kLongestLook{20'000};
constexpr int kLookPart = 10;

constexpr Seconds kPingMax{5};
constexpr std::size_t kPingBytesMax = 64 * 1024;

bool has_caller(const UniqueFd& listener) {
    if (!listener) return false;
    pollfd look{.fd = listener.get(), .events = POLLIN, .revents = 0};
    return ::poll(&look, 1, 0) > 0;
}

// Where agents listen that were not told of their protocol's port. Nothing tells every port of a
// guest from outside.
constexpr std::array<std::uint16_t, 14> kUsualPorts = {8080, 8000, 9000, 80,   3000, 4000, 5000,
                                                       5001, 7860, 8001, 8081, 8501, 8888, 9090};

std::string loopback_url(std::uint16_t port) {
    return "http://127.0.0.1:" + std::to_string(port);
}

}  // namespace

bool calls_out(const DoorListeners& listeners) {
    return has_caller(listeners.platform) || has_caller(listeners.egress);
}

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

GuestPlan GuestStarter::plan(const Scope& scope, const RuntimeId& runtime,
                             const std::string& endpoint, const Resolved& target) const {
    GuestLinks links{.public_url = options_.public_url};
    if (options_.platform != nullptr) links.platform_url = loopback_url(kPlatformPort);
    if (has_egress(target.spec)) links.egress_url = loopback_url(kEgressPort);
    return plan_guest(scope, runtime, endpoint, target, limits_, links);
}

Task<Guest> GuestStarter::start(GuestPlan plan, ServerProtocol protocol,
                                std::shared_ptr<GuestOutput> output,
                                std::shared_ptr<const sandbox::Template> from) {
    Guest guest{.environment = plan.environment, .folder = plan.folder, .output = output};
    AC_CO_TRY(Pipe out, make_pipe());
    AC_CO_TRY(Pipe errors, make_pipe());
    sandbox::Command command{.argv = std::move(plan.argv),
                             .environment = std::move(plan.environment),
                             .folder = std::move(plan.folder),
                             .standard_output = std::move(out.writing),
                             .standard_error = std::move(errors.writing)};
    if (from) {
        AC_CO_TRY(command, from->thaw(std::move(command)));
    }
    AC_CO_TRY(guest.monitor,
              co_await sandbox_.start(std::move(plan.policy), plan.limits, std::move(command)));
    guest.connector = std::make_unique<GuestConnector>(*guest.monitor, agent_port(protocol));
    guest.pool = net::make_client_pool(*guest.connector, timer_);
    constexpr std::size_t kKeepNone = 0;
    guest.fresh = net::make_client_pool(*guest.connector, timer_, {}, kKeepNone);
    tasks_.spawn("guest output",
                 read_output(output, std::move(out.reading), Stream::standard_output));
    tasks_.spawn("guest errors",
                 read_output(output, std::move(errors.reading), Stream::standard_error));
    co_return std::move(guest);
}

// Before the agent can have got as far as calling anything: its interpreter takes longer to start.
Task<DoorListeners> GuestStarter::listen(sandbox::Monitor& monitor, const Spec& spec) const {
    DoorListeners listeners;
    if (options_.platform != nullptr) {
        AC_CO_TRY(listeners.platform, co_await monitor.listen(kPlatformPort));
    }
    if (has_egress(spec)) {
        AC_CO_TRY(listeners.egress, co_await monitor.listen(kEgressPort));
    }
    co_return std::move(listeners);
}

Result<GuestStarter::Doors> GuestStarter::open(DoorListeners listeners,
                                               const GuestIdentity& guest) const {
    Doors doors;
    if (listeners.platform) {
        AC_TRY(doors.platform, options_.platform->open(std::move(listeners.platform), guest));
    }
    if (listeners.egress) {
        AC_TRY(doors.egress, options_.egress->open(std::move(listeners.egress), guest));
    }
    return doors;
}

Task<UniqueFd> GuestStarter::await_listening(sandbox::Monitor& monitor, ServerProtocol protocol,
                                             std::function<Result<>()> go_on) const {
    const std::uint16_t port = agent_port(protocol);
    const SteadyTime begun = timer_.clock().steady();
    const SteadyTime deadline = begun + limits_.init_max;
    while (true) {
        auto connection = co_await monitor.connect(port);
        if (connection) co_return std::move(connection);
        AC_CO_CHECK(go_on());
        const SteadyTime now = timer_.clock().steady();
        if (now >= deadline) {
            std::string message = "the agent did not listen on port " + std::to_string(port) +
                                  ", where protocol " + std::string(to_string(protocol)) +
                                  " wants it, within " + std::to_string(limits_.init_max.count()) +
                                  " s of its start";
            if (const auto other = co_await port_in_use(monitor))
                message += "; it listens on port " + std::to_string(*other);
            co_return fail(ErrorCode::guest_failed, std::move(message));
        }
        const SteadyTime::duration part = (now - begun) / kLookPart;
        const auto pause = std::clamp<SteadyTime::duration>(part, kFirstLook, kLongestLook);
        AC_CO_CHECK(co_await timer_.sleep_until(now + pause));
    }
}

// Only agents of the HTTP contract have a /ping; one that has none is not ill for that.
Task<> GuestStarter::ping(Guest& guest, ServerProtocol protocol) const {
    if (protocol != ServerProtocol::http) co_return Result<>{};
    net::RequestHead head{.method = "GET", .target = "/ping"};
    head.headers.add("Host", "127.0.0.1:" + std::to_string(agent_port(protocol)));
    const SteadyTime deadline = timer_.clock().steady() + kPingMax;
    AC_CO_TRY(const auto answer, co_await net::fetch(*guest.pool, std::move(head), std::string(),
                                                     deadline, kPingBytesMax));
    constexpr int kServerError = 500;
    constexpr int kNotImplemented = 501;
    if (answer.status >= kServerError && answer.status != kNotImplemented)
        co_return fail(ErrorCode::guest_failed, "/ping answered " + std::to_string(answer.status));
    co_return Result<>{};
}

Task<std::uint16_t> GuestStarter::port_in_use(sandbox::Monitor& monitor) const {
    for (const std::uint16_t port : kUsualPorts) {
        const auto connection = co_await monitor.connect(port);
        if (connection) co_return port;
    }
    co_return fail(ErrorCode::not_found, "it listens on none of the usual ports");
}

Detached GuestStarter::read_output(std::shared_ptr<GuestOutput> output, UniqueFd reading,
                                   Stream stream) {
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
            output->log.add(now, stream, std::move(line));
        if (timer_.clock().steady() - window > kWindow) {
            window = timer_.clock().steady();
            in_window = 0;
        }
        in_window += *size;
        // A guest that floods its output waits; nobody else does.
        if (in_window > window_bytes && !co_await timer_.sleep_until(window + kWindow)) break;
    }
    if (auto rest = splitter.rest())
        output->log.add(timer_.clock().wall(), stream, *std::move(rest));
    output->ended[stream == Stream::standard_output ? 0 : 1].complete({});
}

}  // namespace ac::runtime
