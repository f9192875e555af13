#include "cli/net/shell_link.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <boost/asio/basic_signal_set.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/json/parse.hpp>
#include <csignal>
#include <deque>

#include "async/completion.h"
#include "async/loop.h"
#include "async/run.h"
#include "async/timer.h"
#include "cli/net/aws_client.h"
#include "net/http_client.h"
#include "net/web_socket.h"

namespace ac::cli {
namespace {

using namespace asio::experimental::awaitable_operators;
namespace json = boost::json;
using Kind = net::WebSocketMessage::Kind;

constexpr Seconds kOpenMax{180};  // a session may have to start
constexpr Seconds kForever{24 * 3600};
constexpr std::size_t kErrorBytesMax = 64 * 1024;
constexpr std::size_t kMessageBytesMax = 64 * 1024;
constexpr std::size_t kKeysBytesMax = 16 * 1024;
constexpr std::size_t kUnsentMax = 16;  // messages; then the keyboard waits
constexpr Milliseconds kLook{5};
constexpr std::uint16_t kTakenOver = 4000;

// The channels of the protocol (src/runtime/shell_protocol.h).
enum Channel : unsigned char {
    kInput = 0,
    kOutput = 1,
    kDiagnostics = 2,
    kStatus = 3,
    kResize = 4
};

class RawMode final {
  public:
    explicit RawMode(int terminal) : terminal_(terminal) {
        was_terminal_ = ::tcgetattr(terminal, &before_) == 0;
        if (!was_terminal_) return;
        termios raw = before_;
        ::cfmakeraw(&raw);
        ::tcsetattr(terminal, TCSADRAIN, &raw);
    }
    ~RawMode() {
        if (was_terminal_) ::tcsetattr(terminal_, TCSADRAIN, &before_);
    }
    RawMode(const RawMode&) = delete;
    RawMode& operator=(const RawMode&) = delete;
    bool was_terminal() const { return was_terminal_; }

  private:
    const int terminal_;
    termios before_{};
    bool was_terminal_ = false;
};

// Waits for a descriptor that must stay as it is: asio makes what it is given non-blocking, and a
// terminal's mode is shared with the program that started this one.
class Readiness final {
  public:
    Readiness(Executor executor, int input) : waiting_(executor, ::epoll_create1(EPOLL_CLOEXEC)) {
        epoll_event event{};
        event.events = EPOLLIN;
        // A file is always ready, and epoll does not take it.
        always_ = ::epoll_ctl(waiting_.native_handle(), EPOLL_CTL_ADD, input, &event) != 0;
    }
    Task<> wait() {
        if (always_) co_return Result<>{};
        boost::system::error_code error;
        auto token = asio::redirect_error(use_task, error);
        co_await waiting_.async_wait(asio::posix::descriptor_base::wait_read, token);
        if (error) co_return fail(ErrorCode::cancelled, "the wait was cancelled");
        co_return Result<>{};
    }

  private:
    asio::posix::basic_stream_descriptor<Executor> waiting_;
    bool always_ = false;
};

class Attachment final {
  public:
    Attachment(Executor executor, Timer& timer, Random& random, net::Duplex& daemon, int input,
               bool is_terminal, Console& console)
        : timer_(timer),
          random_(random),
          daemon_(daemon),
          input_(input),
          is_terminal_(is_terminal),
          console_(console),
          readiness_(executor, input),
          signals_(executor, SIGWINCH, SIGTERM, SIGHUP),
          decoder_(net::WebSocketDecoder::Sender::server, kMessageBytesMax) {}

    // Until the daemon has closed, the user has detached or the connection has failed.
    Task<> run() {
        if (is_terminal_) tell_size();
        co_await ((send() || receive()) || (type() || heed_signals()));
        co_return Result<>{};
    }
    ShellEnding ending() const { return ending_; }
    int exit_code() const { return exit_code_; }

  private:
    Task<> send() {
        while (true) {
            while (!unsent_.empty()) {
                AC_CO_CHECK(co_await daemon_.write(unsent_.front()));
                unsent_.pop_front();
            }
            something_ = Completion<void>();
            AC_CO_CHECK(co_await something_.cancellable_result());
        }
    }

    Task<> receive() {
        std::array<char, 16 * 1024> buffer;
        while (true) {
            const SteadyTime deadline = timer_.clock().steady() + kForever;
            AC_CO_TRY(const std::size_t count, co_await daemon_.read_some(buffer, deadline));
            if (count == 0) co_return Result<>{};
            AC_CO_CHECK(decoder_.feed({buffer.data(), count}));
            while (const auto message = decoder_.next())
                if (!take(*message)) co_return Result<>{};
        }
    }

    // false: the connection is over.
    bool take(const net::WebSocketMessage& message) {
        if (message.kind == Kind::ping) {
            queue(Kind::pong, message.payload);
        } else if (message.kind == Kind::close) {
            if (net::web_socket_close_code(message.payload) == kTakenOver)
                ending_ = ShellEnding::taken_over;
            return false;
        }
        if (message.kind != Kind::binary || message.payload.empty()) return true;
        const auto text = std::string_view(message.payload).substr(1);
        switch (static_cast<unsigned char>(message.payload.front())) {
            case kOutput:
                console_.out(text);
                break;
            case kDiagnostics:
                console_.err(text);
                break;
            case kStatus:
                take_status(text);
                break;
            case 0xff:
                ending_ = ShellEnding::session_ended;
                break;
            default:
                break;
        }
        return true;
    }

    void take_status(std::string_view text) {
        boost::system::error_code error;
        const json::value status = json::parse(text, error);
        if (error || !text_at(member_at(status, "metadata"), "shellId").empty()) return;
        ending_ = ShellEnding::exited;
        exit_code_ = text_at(status, "status") == "Success" ? 0 : 1;
        const auto* causes = member_at(member_at(status, "details"), "causes").if_array();
        if (causes == nullptr) return;
        for (const json::value& cause : *causes)
            if (text_at(cause, "reason") == "ExitCode")
                exit_code_ = std::atoi(text_at(cause, "message").c_str());
    }

    Task<> type() {
        std::array<char, kKeysBytesMax> keys;
        bool at_line_start = true;
        while (true) {
            AC_CO_CHECK(co_await readiness_.wait());
            const ssize_t count = ::read(input_, keys.data(), keys.size());
            if (count <= 0) break;
            std::string_view typed(keys.data(), static_cast<std::size_t>(count));
            const auto detach = is_terminal_ ? typed.find(kDetachKey) : typed.npos;
            say(kInput, typed.substr(0, detach));
            if (detach != typed.npos) {
                ending_ = ShellEnding::detached;
                co_return co_await drain();
            }
            at_line_start = typed.back() == '\n';
            while (unsent_.size() > kUnsentMax) {
                AC_CO_CHECK(co_await sleep_for(timer_, kLook));
            }
        }
        // In the middle of a line the first one only ends the line.
        say(kInput, at_line_start ? "\x04" : "\x04\x04");
        co_return co_await timer_.sleep_until(timer_.clock().steady() + kForever);
    }

    Task<> heed_signals() {
        while (true) {
            boost::system::error_code error;
            auto token = asio::redirect_error(use_task, error);
            const int number = co_await signals_.async_wait(token);
            if (error) co_return fail(ErrorCode::cancelled, "the wait was cancelled");
            if (number == SIGWINCH) {
                if (is_terminal_) tell_size();
                continue;
            }
            ending_ = ShellEnding::detached;
            co_return co_await drain();
        }
    }

    // Says good-bye, which the shell survives.
    Task<> drain() {
        constexpr std::uint16_t kNormal = 1000;
        queue(Kind::close, net::web_socket_close(kNormal, {}));
        for (int i = 0; i < 200 && !unsent_.empty(); ++i) {
            AC_CO_CHECK(co_await sleep_for(timer_, kLook));
        }
        co_return Result<>{};
    }

    void tell_size() {
        winsize size{};
        if (::ioctl(input_, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return;
        say(kResize, fmt::format("{{\"width\":{},\"height\":{}}}", size.ws_col, size.ws_row));
    }
    void say(Channel channel, std::string_view payload) {
        std::string message(1, static_cast<char>(channel));
        message += payload;
        queue(Kind::binary, message);
    }
    void queue(Kind kind, std::string_view payload) {
        std::array<std::byte, 4> mask{};
        random_.fill(mask);
        const std::string_view bytes(reinterpret_cast<const char*>(mask.data()), mask.size());
        unsent_.push_back(net::encode_web_socket(kind, payload, bytes));
        something_.complete({});
    }

    Timer& timer_;
    Random& random_;
    net::Duplex& daemon_;
    const int input_;
    const bool is_terminal_;
    Console& console_;
    Readiness readiness_;
    asio::basic_signal_set<Executor> signals_;
    net::WebSocketDecoder decoder_;
    std::deque<std::string> unsent_;
    Completion<void> something_;  // is in unsent_
    ShellEnding ending_ = ShellEnding::broke_off;
    int exit_code_ = 0;
};

struct Attached {
    std::optional<Failure> refused;
    ShellRun run;
};

Task<Attached> attach(net::ClientPool& pool, Timer& timer, Random& random, net::RequestHead head,
                      int input, Console& console) {
    const SteadyTime deadline = timer.clock().steady() + kOpenMax;
    AC_CO_TRY(const auto exchange, co_await pool.open(deadline));
    AC_CO_CHECK(co_await exchange->send_head(head, 0));
    AC_CO_CHECK(co_await exchange->finish_request());
    AC_CO_TRY(const net::ResponseHead answer, co_await exchange->read_head(deadline));
    if (answer.status != 101) {
        AC_CO_TRY(const std::string body, co_await net::read_all(exchange->body(), kErrorBytesMax));
        co_return Attached{.refused = service_failure(answer, body), .run = {}};
    }
    Attached attached;
    attached.run.session_id = answer.headers.get("X-Amzn-Bedrock-AgentCore-Runtime-Session-Id");
    attached.run.shell_id = answer.headers.get("X-Amzn-Bedrock-AgentCore-Shell-Id");
    const RawMode raw(input);
    Attachment attachment(co_await asio::this_coro::executor, timer, random, exchange->duplex(),
                          input, raw.was_terminal(), console);
    AC_CO_CHECK(co_await attachment.run());
    attached.run.ending = attachment.ending();
    attached.run.exit_code = attachment.exit_code();
    co_return attached;
}

}  // namespace

Expected<ShellRun> attach_shell(const Url& url, const Clock& clock, Random& random,
                                net::RequestHead head, int input, Console& console) {
    Loop loop;
    AsioTimer timer(clock);
    const auto connector = net::make_tcp_connector(url.host, url.port, timer);
    constexpr std::size_t kKeepNone = 0;
    const auto pool = net::make_client_pool(*connector, timer, {}, kKeepNone);
    auto attached = run_on(loop, attach(*pool, timer, random, std::move(head), input, console));
    pool->close();
    if (!attached)
        return failed(ExitCode::unreachable, attached.error().message,
                      fmt::format("Is the daemon at {} running?", url.text()));
    if (attached->refused) return std::unexpected(*std::move(attached->refused));
    return std::move(attached->run);
}

}  // namespace ac::cli
