#include "runtime/command_run.h"

#include <array>
#include <atomic>
#include <boost/asio/experimental/awaitable_operators.hpp>

#include "base/encoding.h"
#include "base/storable_text.h"

namespace ac::runtime {
namespace {

constexpr std::size_t kCommandBytesMax = 65'536;  // API model
constexpr std::size_t kReadBytes = 32 * 1024;
// What a command left in the background may hold its output open; nobody waits for that.
constexpr Milliseconds kQuiet{50};
constexpr Milliseconds kLook{50};
constexpr Milliseconds kLookAtEnd{2};

}  // namespace

Result<> check_command(const CommandRequest& request, const RuntimeLimits& limits) {
    if (request.text.empty() || request.text.size() > kCommandBytesMax)
        return fail(ErrorCode::invalid_argument, "body.command: 1 to 65536 bytes");
    if (request.text.find('\0') != std::string::npos)
        return fail(ErrorCode::invalid_argument, "body.command: holds a NUL character");
    if (request.timeout && (*request.timeout < Seconds{1} || *request.timeout > limits.command_max))
        return fail(
            ErrorCode::invalid_argument,
            "body.timeout: 1 to " + std::to_string(limits.command_max.count()) + " seconds");
    return {};
}

std::string TextPieces::feed(std::string_view bytes) {
    waiting_ += bytes;
    // The last character may be cut: its first byte is among the last three.
    std::size_t end = waiting_.size();
    for (std::size_t back = 1; back <= 3 && back <= waiting_.size(); ++back) {
        const auto byte = static_cast<unsigned char>(waiting_[waiting_.size() - back]);
        if ((byte & 0xC0U) == 0x80U) continue;
        const std::size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
        if (length > back) end = waiting_.size() - back;
        break;
    }
    std::string text = to_storable_text(std::string_view(waiting_).substr(0, end));
    waiting_.erase(0, end);
    return text;
}

std::string TextPieces::rest() {
    return to_storable_text(std::exchange(waiting_, {}));
}

// Shared with the task that waits for the command's end, which outlives a cancelled run.
struct CommandRun::Running {
    std::unique_ptr<sandbox::Execution> execution;
    std::atomic<bool> ended{false};
    sandbox::Outcome outcome{.reason = sandbox::Reason::stopped};  // constant once ended
    bool timed_out = false;                                        // the run's own
};

struct CommandRun::Stream {
    Stream(Executor executor, UniqueFd reading) : reader(executor, std::move(reading)) {}
    // What is there now; empty: nothing.
    Result<std::string> take() {
        if (over) return std::string();
        std::array<char, kReadBytes> buffer;
        AC_TRY(const auto size, reader.read_now(buffer));
        if (!size) return std::string();
        if (*size > 0) return pieces.feed({buffer.data(), *size});
        over = true;
        return pieces.rest();
    }

    PipeReader reader;
    TextPieces pieces;
    bool over = false;
};

namespace {

using namespace asio::experimental::awaitable_operators;

Task<> readable_by(PipeReader& reader, Timer& timer, SteadyTime until) {
    auto ended = co_await (reader.wait_readable() || timer.sleep_until(until));
    co_return ended.index() == 0 ? std::get<0>(std::move(ended)) : std::get<1>(std::move(ended));
}

class Counted final {
  public:
    explicit Counted(std::atomic<std::size_t>& count) : count_(count), now_(++count) {}
    ~Counted() { --count_; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    std::size_t now() const { return now_; }

  private:
    std::atomic<std::size_t>& count_;
    std::size_t now_;
};

}  // namespace

Task<CommandEnd> CommandRun::run(CommandRequest request, CommandSink& sink) {
    const Session& session = lease_.session();
    const Counted counted(session.commands);
    if (counted.now() > limits_.commands_max)
        co_return fail(ErrorCode::quota_exceeded,
                       "session " + session.address.session.text() + " runs " +
                           std::to_string(limits_.commands_max) + " commands already");
    const SteadyTime deadline =
        timer_.clock().steady() + request.timeout.value_or(limits_.command_default);
    AC_CO_TRY(Pipe output, make_pipe());
    AC_CO_TRY(Pipe errors, make_pipe());
    AC_CO_TRY(const auto running,
              co_await start(request, std::move(output.writing), std::move(errors.writing)));
    const auto executor = co_await asio::this_coro::executor;
    Stream out(executor, std::move(output.reading));
    Stream err(executor, std::move(errors.reading));
    Result<> followed = co_await sink.started(session.address.session);
    if (followed) followed = co_await follow(*running, out, err, sink, deadline);
    if (!followed) {
        lease_.forget();
        running->execution->kill();
        co_return fail(std::move(followed).error());
    }
    CommandEnd end{.timed_out = running->timed_out};
    const sandbox::Outcome& outcome = running->outcome;
    end.exit_code = outcome.reason == sandbox::Reason::exited     ? outcome.code
                    : outcome.reason == sandbox::Reason::signaled ? 128 + outcome.code
                                                                  : -1;
    co_return end;
}

Task<std::shared_ptr<CommandRun::Running>> CommandRun::start(const CommandRequest& request,
                                                             UniqueFd output, UniqueFd errors) {
    const Session& session = lease_.session();
    const auto monitor = lease_.monitor();
    if (!monitor) co_return fail(ErrorCode::busy, "Session operation in progress, please retry");
    sandbox::Command command;
    command.argv = {"/bin/sh", "-c", request.text};
    command.environment = session.environment;
    command.folder = session.folder;
    command.standard_output = std::move(output);
    command.standard_error = std::move(errors);
    auto running = std::make_shared<Running>();
    AC_CO_TRY(running->execution, co_await monitor->execute(std::move(command)));
    struct Watch {
        static Detached end_of(std::shared_ptr<Running> running) {
            auto outcome = co_await running->execution->wait();
            if (outcome) running->outcome = *std::move(outcome);
            running->ended.store(true, std::memory_order_release);
        }
    };
    tasks_.spawn("command", Watch::end_of(running));
    co_return running;
}

// Ends when the command has, and what it wrote has been passed on.
Task<> CommandRun::follow(Running& running, Stream& output, Stream& errors, CommandSink& sink,
                          SteadyTime deadline) {
    std::optional<SteadyTime> quiet_since;
    while (true) {
        const bool ended = running.ended.load(std::memory_order_acquire);
        AC_CO_TRY(std::string out, output.take());
        AC_CO_TRY(std::string err, errors.take());
        const SteadyTime now = timer_.clock().steady();
        if (!out.empty() || !err.empty()) {
            quiet_since.reset();
            AC_CO_CHECK(co_await sink.output(std::move(out), std::move(err)));
            if (timer_.clock().steady() < deadline) continue;
        }
        if (ended && output.over && errors.over) co_return Result<>{};
        if (ended && !quiet_since) quiet_since = now;
        if (ended && now - *quiet_since >= kQuiet) co_return Result<>{};
        if (now >= deadline && !std::exchange(running.timed_out, true)) running.execution->kill();
        AC_CO_CHECK(co_await wait_for_more(running, output, errors, deadline));
    }
}

Task<> CommandRun::wait_for_more(const Running& running, Stream& output, Stream& errors,
                                 SteadyTime deadline) {
    const SteadyTime now = timer_.clock().steady();
    const bool at_end = running.timed_out || (output.over && errors.over);
    SteadyTime until = now + (at_end ? kLookAtEnd : kLook);
    if (now < deadline) until = std::min(until, deadline);
    const auto cancellation = co_await asio::this_coro::cancellation_state;
    if (cancellation.cancelled() != asio::cancellation_type::none)
        co_return fail(ErrorCode::cancelled, "the command's caller went away");
    if (output.over && errors.over) co_return co_await timer_.sleep_until(until);
    if (output.over) co_return co_await readable_by(errors.reader, timer_, until);
    if (errors.over) co_return co_await readable_by(output.reader, timer_, until);
    auto ended = co_await (readable_by(output.reader, timer_, until) ||
                           readable_by(errors.reader, timer_, until));
    co_return ended.index() == 0 ? std::get<0>(std::move(ended)) : std::get<1>(std::move(ended));
}

}  // namespace ac::runtime
