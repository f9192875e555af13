#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <cerrno>
#include <mutex>

#include "sandbox/launcher.h"
#include "sandbox/linux/launcher_channel.h"
#include "sandbox/linux/system.h"
#include "sandbox/linux/terminal.h"

namespace ac::sandbox {
namespace {

constexpr int kBacklog = 128;
// A guest whose backlog is full does not answer: two more tries, 3 s in all, then unavailable.
constexpr int kSynRetries = 2;
// The launcher kills its guests and removes their groups.
constexpr int kLauncherExitMs = 10'000;

using TcpSocket = asio::basic_stream_socket<asio::ip::tcp, Executor>;

std::vector<UniqueFd> descriptors_of(Command command) {
    std::vector<UniqueFd> out;
    if (command.standard_output) out.push_back(std::move(command.standard_output));
    if (command.standard_error) out.push_back(std::move(command.standard_error));
    for (UniqueFd& descriptor : command.descriptors) out.push_back(std::move(descriptor));
    return out;
}

class LinuxExecution final : public Execution {
  public:
    LinuxExecution(std::shared_ptr<LauncherChannel> channel, std::uint64_t id,
                   std::shared_ptr<GuestEnd> end)
        : channel_(std::move(channel)), id_(id), end_(std::move(end)) {}
    ~LinuxExecution() override {
        channel_->tell(StopRequest{id_, 0});
        channel_->forget_guest(id_);
    }
    Task<Outcome> wait() override { return end_->wait(); }
    void kill() override { channel_->tell(StopRequest{id_, 0}); }
    UniqueFd take_terminal() override { return std::move(terminal_); }
    void give_terminal(UniqueFd terminal) { terminal_ = std::move(terminal); }

  private:
    std::shared_ptr<LauncherChannel> channel_;
    std::uint64_t id_;
    std::shared_ptr<GuestEnd> end_;
    UniqueFd terminal_;
};

class LinuxMonitor final : public Monitor {
  public:
    LinuxMonitor(std::shared_ptr<LauncherChannel> channel, std::uint64_t guest,
                 std::shared_ptr<GuestEnd> end)
        : channel_(std::move(channel)),
          guest_(guest),
          id_(fmt::format("guest-{}", guest)),
          end_(std::move(end)) {}
    ~LinuxMonitor() override {
        channel_->tell(StopRequest{guest_, 0});
        channel_->forget_guest(guest_);
    }

    Task<Outcome> wait() override { return end_->wait(); }
    void stop(Milliseconds grace) override {
        const auto ms = std::clamp<std::int64_t>(grace.count(), 0, UINT32_MAX);
        channel_->tell(StopRequest{guest_, static_cast<std::uint32_t>(ms)});
    }
    Task<UniqueFd> connect(std::uint16_t port) override;
    Task<UniqueFd> listen(std::uint16_t port) override;
    Task<std::unique_ptr<Execution>> execute(Command command) override;
    void move_to(Ground ground) override {
        channel_->tell(GroundRequest{guest_, ground == Ground::background});
    }
    Task<Usage> usage() override;
    const std::string& id() const override { return id_; }

  private:
    Task<UniqueFd> open_socket();
    UniqueFd take_refused() {
        const std::lock_guard lock(mutex_);
        return std::move(refused_);
    }
    void keep_refused(UniqueFd socket) {
        // A refusal that came after connect(2) had returned would be told to the next one too.
        const sockaddr nothing{.sa_family = AF_UNSPEC, .sa_data = {}};
        if (::connect(socket.get(), &nothing, sizeof nothing) != 0) return;
        const std::lock_guard lock(mutex_);
        refused_ = std::move(socket);
    }

    std::shared_ptr<LauncherChannel> channel_;
    std::uint64_t guest_;
    std::string id_;
    std::shared_ptr<GuestEnd> end_;
    std::mutex mutex_;
    UniqueFd refused_;  // connects another time: who waits for a listener looks often
};

Task<UniqueFd> LinuxMonitor::open_socket() {
    const std::uint64_t id = channel_->next_id();
    const auto asked = channel_->ask(id, OpenRequest{id, guest_});
    AC_CO_TRY(Answer answer, co_await asked.result());
    if (!answer.descriptor)
        co_return fail(ErrorCode::internal, "the sandbox launcher sent no socket");
    co_return std::move(answer.descriptor);
}

Task<UniqueFd> LinuxMonitor::connect(std::uint16_t port) {
    UniqueFd opened = take_refused();
    if (!opened) {
        AC_CO_TRY(opened, co_await open_socket());
    }
    ::setsockopt(opened.get(), IPPROTO_TCP, TCP_SYNCNT, &kSynRetries, sizeof kSynRetries);
    const Executor executor = co_await asio::this_coro::executor;
    TcpSocket socket(executor, asio::ip::tcp::v4(), opened.release());
    const asio::ip::tcp::endpoint there(asio::ip::address_v4::loopback(), port);
    boost::system::error_code error;
    auto token = asio::redirect_error(use_task, error);
    co_await socket.async_connect(there, token);
    if (error == asio::error::connection_refused) keep_refused(UniqueFd(socket.release()));
    if (error)
        co_return fail(ErrorCode::unavailable,
                       fmt::format("port {} of {}: {}", port, id_, error.message()));
    co_return UniqueFd(socket.release());
}

Task<UniqueFd> LinuxMonitor::listen(std::uint16_t port) {
    AC_CO_TRY(UniqueFd socket, co_await open_socket());
    const int on = 1;
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(socket.get(), kBacklog) != 0)
        co_return fail(errno_error(fmt::format("listen on port {} of {}", port, id_), errno));
    co_return std::move(socket);
}

Task<std::unique_ptr<Execution>> LinuxMonitor::execute(Command command) {
    const std::uint64_t id = channel_->next_id();
    ExecuteRequest request{.id = id,
                           .guest = guest_,
                           .argv = std::move(command.argv),
                           .environment = std::move(command.environment),
                           .folder = std::move(command.folder),
                           .has_output = static_cast<bool>(command.standard_output),
                           .has_error = static_cast<bool>(command.standard_error),
                           .further = static_cast<std::uint32_t>(command.descriptors.size()),
                           .terminal = command.terminal};
    const bool wants_terminal = command.terminal.has_value();
    std::vector<UniqueFd> descriptors = descriptors_of(std::move(command));
    // Made first, as in start().
    auto end = channel_->add_guest(id);
    auto execution = std::make_unique<LinuxExecution>(channel_, id, end);
    const Request wanted{std::move(request)};
    const auto asked = channel_->ask(id, wanted, std::move(descriptors));
    AC_CO_TRY(Answer answer, co_await asked.result());
    if (wants_terminal) {
        if (!is_terminal_owner(answer.descriptor.get()))
            co_return fail(ErrorCode::unavailable, "the guest gave no terminal");
        set_nonblocking(answer.descriptor.get());
        execution->give_terminal(std::move(answer.descriptor));
    }
    co_return std::move(execution);
}

Task<Usage> LinuxMonitor::usage() {
    const std::uint64_t id = channel_->next_id();
    const auto asked = channel_->ask(id, MeasureRequest{id, guest_});
    AC_CO_TRY(const Answer answer, co_await asked.result());
    const auto* const measured = std::get_if<MeasuredNotice>(&answer.notice);
    if (measured == nullptr) co_return fail(ErrorCode::internal, "the launcher's answer is odd");
    co_return measured->usage;
}

SpawnRequest spawn_request(std::uint64_t id, const Policy& policy, const Limits& limits,
                           const Command& command) {
    SpawnRequest request;
    request.id = id;
    if (policy.root()) request.root = policy.root()->string();
    request.root_is_writable = policy.root_is_writable();
    request.user = policy.user();
    for (const ReadOnlyMount& mount : policy.mounts())
        request.mounts.push_back({mount.host_path, mount.guest_path, false});
    for (const ReadOnlyMount& mount : policy.writable_mounts())
        request.mounts.push_back({mount.host_path, mount.guest_path, true});
    // What is mounted inside of another mount comes after it.
    std::ranges::sort(request.mounts, {}, &GuestMount::guest_path);
    request.host_network = policy.host_network();
    request.limits = limits;
    request.argv = command.argv;
    request.environment = command.environment;
    request.folder = command.folder;
    request.has_output = static_cast<bool>(command.standard_output);
    request.has_error = static_cast<bool>(command.standard_error);
    request.further = static_cast<std::uint32_t>(command.descriptors.size());
    return request;
}

class LinuxSandbox final : public Sandbox {
  public:
    LinuxSandbox(Launcher launcher, Loop& loop, std::function<void()> on_gone)
        : pid_(launcher.pid),
          channel_(std::make_shared<LauncherChannel>(std::move(launcher.socket), loop,
                                                     std::move(on_gone))) {
        channel_->start_reading();
    }
    // Ends every guest, and waits until the launcher has cleaned up behind them.
    ~LinuxSandbox() override;

    Task<std::unique_ptr<Monitor>> start(Policy policy, Limits limits, Command command) override;

  private:
    int pid_;
    std::shared_ptr<LauncherChannel> channel_;
};

LinuxSandbox::~LinuxSandbox() {
    channel_->close();
    if (pid_ <= 0) return;
    const UniqueFd process = open_pidfd(pid_);
    pollfd ended{process.get(), POLLIN, 0};
    int ready = 0;
    do ready = ::poll(&ended, 1, kLauncherExitMs);
    while (ready < 0 && errno == EINTR);
    if (ready == 0) ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
}

Task<std::unique_ptr<Monitor>> LinuxSandbox::start(Policy policy, Limits limits, Command command) {
    const std::uint64_t id = channel_->next_id();
    const Request request = spawn_request(id, policy, limits, command);
    std::vector<UniqueFd> descriptors = descriptors_of(std::move(command));
    // Made first: whoever gives up waiting destroys it, which ends a guest that has just started.
    auto end = channel_->add_guest(id);
    std::unique_ptr<Monitor> monitor = std::make_unique<LinuxMonitor>(channel_, id, end);
    const auto asked = channel_->ask(id, request, std::move(descriptors));
    AC_CO_TRY(const Answer answer, co_await asked.result());
    if (!std::holds_alternative<StartedNotice>(answer.notice))
        co_return fail(ErrorCode::internal, "the launcher's answer is odd");
    co_return std::move(monitor);
}

}  // namespace

Result<std::unique_ptr<Sandbox>> make_linux_sandbox(Launcher launcher, Loop& loop,
                                                    std::function<void()> on_gone) {
    if (!launcher.socket)
        return fail(ErrorCode::invalid_argument, "a sandbox needs its launcher's socket");
    return std::make_unique<LinuxSandbox>(std::move(launcher), loop, std::move(on_gone));
}

}  // namespace ac::sandbox
