#include "sandbox/fake_sandbox.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

namespace ac::sandbox {
namespace {

constexpr int kBacklog = 64;

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

Result<UniqueFd> connect_to(std::uint16_t port) {
    UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const sockaddr_in address = loopback(port);
    // Over loopback the handshake is done when connect returns, also where it says EINPROGRESS.
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
        errno != EINPROGRESS)
        return fail(ErrorCode::unavailable, errno_error("connect", errno).message);
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return fail(ErrorCode::unavailable, errno_error("connect", error).message);
    return socket;
}

struct Listening {
    UniqueFd socket;
    std::uint16_t port = 0;
};

Result<Listening> listen_anywhere() {
    UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    if (::bind(socket.get(), raw, size) != 0 || ::listen(socket.get(), kBacklog) != 0 ||
        ::getsockname(socket.get(), raw, &size) != 0)
        return fail(errno_error("listen", errno));
    return Listening{std::move(socket), ntohs(address.sin_port)};
}

class FakeExecution final : public Execution {
  public:
    FakeExecution(std::shared_ptr<FakeGuest> played, UniqueFd terminal)
        : played_(std::move(played)), terminal_(std::move(terminal)) {}
    ~FakeExecution() override { played_->stop(Milliseconds{0}); }
    Task<Outcome> wait() override { return played_->wait(); }
    void kill() override { played_->stop(Milliseconds{0}); }
    UniqueFd take_terminal() override { return std::move(terminal_); }

  private:
    std::shared_ptr<FakeGuest> played_;
    UniqueFd terminal_;
};

class FakeMonitor final : public Monitor {
  public:
    explicit FakeMonitor(std::shared_ptr<FakeGuest> guest) : guest_(std::move(guest)) {}
    ~FakeMonitor() override { guest_->end({Reason::stopped, 9, "its monitor was destroyed"}); }

    Task<Outcome> wait() override { return guest_->wait(); }
    void stop(Milliseconds grace) override { guest_->stop(grace); }
    Task<UniqueFd> connect(std::uint16_t port) override;
    Task<UniqueFd> listen(std::uint16_t port) override;
    Task<std::unique_ptr<Execution>> execute(Command command) override;
    void move_to(Ground ground) override { guest_->move_to(ground); }
    Task<Usage> usage() override;
    const std::string& id() const override { return guest_->id(); }

  private:
    std::shared_ptr<FakeGuest> guest_;
};

Task<UniqueFd> FakeMonitor::connect(std::uint16_t port) {
    if (guest_->ended()) co_return fail(ErrorCode::unavailable, "the guest has ended");
    const auto mapped = guest_->mapped_port(port);
    if (!mapped)
        co_return fail(ErrorCode::unavailable,
                       fmt::format("port {} of {}: nobody listens", port, id()));
    co_return connect_to(*mapped);
}

Task<UniqueFd> FakeMonitor::listen(std::uint16_t port) {
    if (guest_->ended()) co_return fail(ErrorCode::unavailable, "the guest has ended");
    AC_CO_TRY(Listening listening, listen_anywhere());
    guest_->note_listening(port, listening.port);
    co_return std::move(listening.socket);
}

Task<std::unique_ptr<Execution>> FakeMonitor::execute(Command command) {
    if (guest_->ended()) co_return fail(ErrorCode::unavailable, "the guest has ended");
    UniqueFd terminal;
    if (command.terminal) {
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
            co_return fail(errno_error("socketpair", errno));
        terminal.reset(ends[0]);
        command.standard_output.reset(ends[1]);
    }
    auto played = guest_->execute(std::move(command));
    co_return std::make_unique<FakeExecution>(std::move(played), std::move(terminal));
}

Task<Usage> FakeMonitor::usage() {
    if (guest_->ended()) co_return fail(ErrorCode::unavailable, "the guest has ended");
    co_return guest_->usage();
}

}  // namespace

FakeGuest::FakeGuest(std::string id, Policy policy, Limits limits, Command command)
    : id_(std::move(id)),
      policy_(std::move(policy)),
      limits_(limits),
      command_(std::move(command)) {}

void FakeGuest::map_port(std::uint16_t guest_port, std::uint16_t host_port) {
    const std::lock_guard lock(mutex_);
    ports_[guest_port] = host_port;
}

std::optional<std::uint16_t> FakeGuest::mapped_port(std::uint16_t guest_port) const {
    const std::lock_guard lock(mutex_);
    const auto found = ports_.find(guest_port);
    return found == ports_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::uint16_t> FakeGuest::listening_port(std::uint16_t guest_port) const {
    const std::lock_guard lock(mutex_);
    const auto found = listening_.find(guest_port);
    return found == listening_.end() ? std::nullopt : std::optional(found->second);
}

void FakeGuest::note_listening(std::uint16_t guest_port, std::uint16_t host_port) {
    const std::lock_guard lock(mutex_);
    listening_[guest_port] = host_port;
}

void FakeGuest::end(Outcome outcome) {
    std::vector<Completion<Outcome>> waiters;
    std::vector<std::shared_ptr<FakeGuest>> executions;
    {
        const std::lock_guard lock(mutex_);
        if (outcome_) return;
        outcome_ = outcome;
        waiters = std::move(waiters_);
        executions = executions_;
        command_.standard_output.reset();
        command_.standard_error.reset();
    }
    for (const auto& one : executions) one->end({Reason::stopped, 0, "its guest ended"});
    for (const auto& waiter : waiters) waiter.complete(outcome);
}

std::vector<std::shared_ptr<FakeGuest>> FakeGuest::executions() const {
    const std::lock_guard lock(mutex_);
    return executions_;
}

std::shared_ptr<FakeGuest> FakeGuest::execute(Command command) {
    const std::lock_guard lock(mutex_);
    const std::string id = fmt::format("{}-{}", id_, executions_.size() + 1);
    executions_.push_back(std::make_shared<FakeGuest>(id, policy_, limits_, std::move(command)));
    return executions_.back();
}

bool FakeGuest::ended() const {
    const std::lock_guard lock(mutex_);
    return outcome_.has_value();
}

Task<Outcome> FakeGuest::wait() {
    Completion<Outcome> done;
    {
        const std::lock_guard lock(mutex_);
        if (outcome_)
            done.complete(*outcome_);
        else
            waiters_.push_back(done);
    }
    return done.result();
}

std::optional<Milliseconds> FakeGuest::stop_grace() const {
    const std::lock_guard lock(mutex_);
    return stop_grace_;
}

void FakeGuest::ignore_stops() {
    const std::lock_guard lock(mutex_);
    ignores_stops_ = true;
}

void FakeGuest::stop(Milliseconds grace) {
    {
        const std::lock_guard lock(mutex_);
        stop_grace_ = grace;
        if (ignores_stops_ && grace.count() > 0) return;
    }
    end({Reason::stopped, grace.count() > 0 ? 15 : 9, "stopped by its owner"});
}

void FakeGuest::set_usage(Usage usage) {
    const std::lock_guard lock(mutex_);
    usage_ = usage;
}

Usage FakeGuest::usage() const {
    const std::lock_guard lock(mutex_);
    return usage_;
}

Task<std::unique_ptr<Monitor>> FakeSandbox::start(Policy policy, Limits limits, Command command) {
    if (command.argv.empty())
        co_return fail(ErrorCode::invalid_argument, "a sandbox needs a program to run");
    std::shared_ptr<FakeGuest> guest;
    std::function<Result<>(FakeGuest&)> play;
    {
        const std::lock_guard lock(mutex_);
        guest = std::make_shared<FakeGuest>(fmt::format("fake-{}", guests_.size() + 1),
                                            std::move(policy), limits, std::move(command));
        guests_.push_back(guest);
        play = play_;
    }
    std::unique_ptr<Monitor> monitor = std::make_unique<FakeMonitor>(guest);
    if (play) {
        AC_CO_CHECK(play(*guest));
    }
    co_return std::move(monitor);
}

void FakeSandbox::on_start(std::function<Result<>(FakeGuest&)> play) {
    const std::lock_guard lock(mutex_);
    play_ = std::move(play);
}

std::vector<std::shared_ptr<FakeGuest>> FakeSandbox::guests() const {
    const std::lock_guard lock(mutex_);
    return guests_;
}

std::shared_ptr<FakeGuest> FakeSandbox::last() const {
    const std::lock_guard lock(mutex_);
    AC_ASSERT(!guests_.empty());
    return guests_.back();
}

}  // namespace ac::sandbox
