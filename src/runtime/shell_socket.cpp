#include "runtime/shell_socket.h"

#include <array>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <deque>

#include "net/duplex.h"
#include "net/web_socket.h"
#include "runtime/proxy_headers.h"

namespace ac::runtime {
namespace {

using namespace asio::experimental::awaitable_operators;
using Kind = net::WebSocketMessage::Kind;

// RFC 6455 7.4.1; 4000 is this protocol's own.
constexpr std::uint16_t kNormal = 1000;
constexpr std::uint16_t kGoingAway = 1001;  // clients attach again
constexpr std::uint16_t kProtocolError = 1002;
constexpr std::uint16_t kNotText = 1003;
constexpr std::uint16_t kTooBig = 1009;
constexpr std::uint16_t kTakenOver = 4000;

constexpr std::size_t kReadBytes = 16 * 1024;
// Answers to pings and the like that wait for a caller who does not read them.
constexpr std::size_t kRepliesMax = 64;
constexpr Milliseconds kCloseMax{2000};

// A code that may not be sent, or none, is answered as a normal end.
std::uint16_t answered_code(std::string_view payload) {
    const auto code = net::web_socket_close_code(payload).value_or(kNormal);
    const bool is_private = code >= 3000 && code <= 4999;
    return is_private || code == kGoingAway ? code : kNormal;
}

struct Farewell {
    std::uint16_t code = kNormal;
    std::string reason;
};

// Both directions, on the connection's loop. Only send() writes to the caller.
class ShellSocket final {
  public:
    ShellSocket(Shell& shell, bool was_there, net::Duplex& caller, Terminal terminal, Timer& timer,
                const RuntimeLimits& limits)
        : shell_(shell),
          was_there_(was_there),
          caller_(caller),
          terminal_(std::move(terminal)),
          timer_(timer),
          limits_(limits),
          decoder_(net::WebSocketDecoder::Sender::client, limits.web_socket_frame_max),
          deadline_(timer.clock().steady() + limits.web_socket_max),
          last_(timer.clock().steady()),
          attachment_(shell.output.attach()) {}
    ~ShellSocket() { shell_.output.detach(attachment_); }
    ShellSocket(const ShellSocket&) = delete;
    ShellSocket& operator=(const ShellSocket&) = delete;

    Task<> serve() {
        const auto [sent, received] = co_await (send() && receive());
        if (!sent) co_return sent;
        co_return received;
    }

  private:
    // The shell's output and what is answered, until the farewell is said.
    Task<> send() {
        const Result<> sent = co_await send_all();
        over_ = true;
        terminal_.hang_up();  // a write to it may be waiting
        if (sent && !received_.is_complete())
            co_await (received_.cancellable_result() ||
                      timer_.sleep_until(timer_.clock().steady() + kCloseMax));
        caller_.abort();
        co_return sent;
    }

    Task<> send_all() {
        const std::string hello = connected_status(shell_.id, was_there_);
        AC_CO_CHECK(co_await say(ShellChannel::status, hello));
        while (true) {
            while (!replies_.empty()) {
                const std::string reply = std::move(replies_.front());
                replies_.pop_front();
                AC_CO_CHECK(co_await caller_.write(reply));
            }
            if (farewell_) break;
            const auto piece = shell_.output.take(attachment_, limits_.web_socket_frame_max - 1);
            if (piece.taken_over) {
                farewell_ = {kTakenOver, "the shell was taken over by another connection"};
                break;
            }
            if (!piece.bytes.empty()) {
                AC_CO_CHECK(co_await say(ShellChannel::standard_output, piece.bytes));
            }
            if (piece.end) {
                AC_CO_CHECK(co_await tell_end(*piece.end));
                break;
            }
            if (piece.bytes.empty()) {
                AC_CO_CHECK(co_await wait_for_more());
            }
        }
        const std::string last = net::encode_web_socket(
            Kind::close, net::web_socket_close(farewell_->code, farewell_->reason));
        AC_CO_CHECK(co_await caller_.write(last));
        caller_.end_writes();
        co_return Result<>{};
    }

    Task<> tell_end(ShellEnd end) {
        if (end.exit_code) {
            farewell_ = {kNormal, "the shell ended"};
            const std::string status = ended_status(end);
            co_return co_await say(ShellChannel::status, status);
        }
        farewell_ = {kGoingAway, "the session ended"};
        constexpr std::string_view kNothing;
        co_return co_await say(ShellChannel::close, kNothing);
    }

    Task<> wait_for_more() {
        auto ended = co_await (shell_.output.wait(attachment_) || timer_.sleep_until(deadline_));
        if (ended.index() == 0) co_return std::get<0>(std::move(ended));
        AC_CO_CHECK(std::get<1>(std::move(ended)));
        farewell_ = {kGoingAway, "the connection is as old as it may become: connect again"};
        co_return Result<>{};
    }

    Task<> say(ShellChannel channel, std::string_view payload) {
        last_ = timer_.clock().steady();
        const std::string frame =
            net::encode_web_socket(Kind::binary, shell_message(channel, payload));
        co_return co_await caller_.write(frame);
    }

    // What the caller sends, until it leaves or is to be sent away.
    Task<> receive() {
        Result<> received = co_await receive_all();
        if (!received && !farewell_) {
            const ErrorCode code = received.error().code;
            if (code == ErrorCode::too_large)
                farewell_ = {kTooBig, received.error().message};
            else if (code == ErrorCode::invalid_argument)
                farewell_ = {kProtocolError, received.error().message};
            else
                farewell_ = {kGoingAway, "nothing was said for long"};
        }
        if (!farewell_) farewell_ = {kNormal, {}};
        received_.complete({});
        shell_.output.wake(attachment_);
        co_return Result<>{};
    }

    Task<> receive_all() {
        const auto buffer = std::make_unique_for_overwrite<std::array<char, kReadBytes>>();
        while (true) {
            AC_CO_TRY(const std::size_t count, co_await read_while_active(*buffer));
            if (count == 0) co_return Result<>{};
            last_ = timer_.clock().steady();
            const auto fed = decoder_.feed({buffer->data(), count});
            while (auto message = decoder_.next()) {
                AC_CO_TRY(const bool goes_on, co_await take(*message));
                if (!goes_on) co_return Result<>{};
            }
            AC_CO_CHECK(fed);
        }
    }

    Task<std::size_t> read_while_active(std::span<char> room) {
        while (true) {
            const SteadyTime deadline = std::min(deadline_, last_ + limits_.web_socket_idle_max);
            auto count = co_await caller_.read_some(room, deadline);
            const bool is_late = !count && count.error().code == ErrorCode::deadline_exceeded;
            const bool is_silent = last_ + limits_.web_socket_idle_max <= deadline;
            if (!is_late || is_silent || over_) co_return count;
            if (deadline == deadline_) co_return count;
        }
    }

    // false: that was the last one.
    Task<bool> take(const net::WebSocketMessage& message) {
        if (over_ || farewell_) co_return message.kind != Kind::close;
        switch (message.kind) {
            case Kind::close:
                // Answered in kind (RFC 6455 5.5.1).
                farewell_ = {answered_code(message.payload), {}};
                co_return false;
            case Kind::ping:
                co_return reply(net::encode_web_socket(Kind::pong, message.payload));
            case Kind::pong:
                co_return true;
            case Kind::text:
                farewell_ = {kNotText, "a shell speaks in binary messages"};
                co_return false;
            case Kind::binary:
                break;
        }
        if (message.payload.empty()) co_return true;
        const auto channel = static_cast<ShellChannel>(message.payload.front());
        const auto payload = std::string_view(message.payload).substr(1);
        co_return co_await take(channel, payload);
    }

    Task<bool> take(ShellChannel channel, std::string_view payload) {
        switch (channel) {
            case ShellChannel::standard_input:
                // A shell that has ended takes nothing; its end is on its way.
                (void)co_await terminal_.write(payload);
                co_return true;
            case ShellChannel::resize: {
                const auto size = parse_resize(payload);
                if (!size) co_return reply(ShellChannel::diagnostics, size.error().message);
                terminal_.resize(size->columns, size->rows);
                co_return true;
            }
            case ShellChannel::heartbeat:
                co_return reply(ShellChannel::heartbeat, {});
            case ShellChannel::close:
                shell_.execution->kill();
                co_return true;
            default:
                co_return true;  // of a later version of the protocol
        }
    }

    bool reply(ShellChannel channel, std::string_view payload) {
        return reply(net::encode_web_socket(Kind::binary, shell_message(channel, payload)));
    }
    bool reply(std::string frame) {
        if (replies_.size() >= kRepliesMax) return false;
        replies_.push_back(std::move(frame));
        shell_.output.wake(attachment_);
        return true;
    }

    Shell& shell_;
    const bool was_there_;
    net::Duplex& caller_;
    Terminal terminal_;
    Timer& timer_;
    const RuntimeLimits& limits_;
    net::WebSocketDecoder decoder_;
    const SteadyTime deadline_;
    SteadyTime last_;  // when anything was said
    std::deque<std::string> replies_;
    std::optional<Farewell> farewell_;
    bool over_ = false;  // the farewell is said, or nobody hears it
    Completion<void> received_;
    const ShellOutput::Attachment attachment_;
};

net::ResponseHead switching_answer(const net::RequestHead& caller, const SessionId& session,
                                   const std::string& shell) {
    net::ResponseHead head{.status = 101, .headers = {}};
    head.headers.add("Connection", "Upgrade");
    head.headers.add("Upgrade", "websocket");
    head.headers.add("Sec-WebSocket-Accept",
                     net::web_socket_accept(caller.headers.get("Sec-WebSocket-Key")));
    head.headers.add(std::string(kSessionHeader), session.text());
    head.headers.add(std::string(kShellHeader), shell);
    if (offers_bearer_protocol(caller))
        head.headers.add("Sec-WebSocket-Protocol", std::string(kBearerProtocol));
    return head;
}

}  // namespace

Task<> serve_shell(const Shells::Opened& opened, const SessionId& session, net::Exchange& exchange,
                   Timer& timer, const RuntimeLimits& limits) {
    AC_CO_TRY(UniqueFd copy, duplicate(opened.shell->terminal));
    Terminal terminal(co_await asio::this_coro::executor, std::move(copy));
    auto switching = switching_answer(exchange.request(), session, opened.shell->id);
    AC_CO_TRY(net::Duplex * caller, co_await exchange.switch_protocols(std::move(switching)));
    ShellSocket socket(*opened.shell, opened.was_there, *caller, std::move(terminal), timer,
                       limits);
    // How it ended is between the two: HTTP is over.
    (void)co_await socket.serve();
    co_return Result<>{};
}

}  // namespace ac::runtime
