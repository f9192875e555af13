#pragma once
// A Sandbox without containment, for tests of what stands on the port. start() records what it was
// given; the guest is played by the test: it maps guest ports to ports of its own on 127.0.0.1, and
// says when and how the guest ends. Passes sandbox_contract.h.

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "async/completion.h"
#include "sandbox/sandbox.h"

namespace ac::sandbox {

// One started guest, as the test sees it. Thread-safe.
class FakeGuest final {
  public:
    explicit FakeGuest(std::string id, Policy policy, Limits limits, Command command);

    const std::string& id() const { return id_; }
    const Policy& policy() const { return policy_; }
    const Limits& limits() const { return limits_; }
    // Its output descriptors too: the test writes there what the guest would. A terminal's guest
    // end is its standard_output, to read as well.
    Command& command() { return command_; }

    // connect(guest_port) reaches 127.0.0.1:host_port from now on.
    void map_port(std::uint16_t guest_port, std::uint16_t host_port);
    std::optional<std::uint16_t> mapped_port(std::uint16_t guest_port) const;
    // Where listen(guest_port) listens on the host, once it has been called.
    std::optional<std::uint16_t> listening_port(std::uint16_t guest_port) const;
    void note_listening(std::uint16_t guest_port, std::uint16_t host_port);

    // The first end wins, as with a real guest. Closes the output descriptors.
    void end(Outcome outcome);
    bool ended() const;
    Task<Outcome> wait();

    // The grace of the last stop(); a guest that ignores stops runs on until end().
    std::optional<Milliseconds> stop_grace() const;
    void ignore_stops();
    void stop(Milliseconds grace);

    // Further commands, each played like a guest of its own; they end with this one.
    std::vector<std::shared_ptr<FakeGuest>> executions() const;
    std::shared_ptr<FakeGuest> execute(Command command);

    // The last of move_to(); in the foreground before it.
    Monitor::Ground ground() const { return ground_; }
    void move_to(Monitor::Ground ground) { ground_ = ground; }

    void set_usage(Usage usage);
    Usage usage() const;

  private:
    const std::string id_;
    const Policy policy_;
    const Limits limits_;
    Command command_;
    std::atomic<Monitor::Ground> ground_{Monitor::Ground::foreground};
    mutable std::mutex mutex_;
    std::map<std::uint16_t, std::uint16_t> ports_;
    std::map<std::uint16_t, std::uint16_t> listening_;
    std::optional<Milliseconds> stop_grace_;
    bool ignores_stops_ = false;
    Usage usage_;
    std::vector<std::shared_ptr<FakeGuest>> executions_;
    std::optional<Outcome> outcome_;
    std::vector<Completion<Outcome>> waiters_;
};

// Thread-safe.
class FakeSandbox final : public Sandbox {
  public:
    Task<std::unique_ptr<Monitor>> start(Policy policy, Limits limits, Command command) override;

    // Runs in start(), before it ends: maps ports, fails the start by returning an Error.
    void on_start(std::function<Result<>(FakeGuest&)> play);
    // In the order of their start; they stay after their end.
    std::vector<std::shared_ptr<FakeGuest>> guests() const;
    // The latest; asserts that there is one.
    std::shared_ptr<FakeGuest> last() const;

  private:
    mutable std::mutex mutex_;
    std::function<Result<>(FakeGuest&)> play_;
    std::vector<std::shared_ptr<FakeGuest>> guests_;
};

}  // namespace ac::sandbox
