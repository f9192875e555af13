#include "sandbox/fake_sandbox.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <thread>

#include "sandbox/sandbox_contract.h"

namespace ac::sandbox {
namespace {

// Sends back what the first connection brings, once.
class EchoOnce {
  public:
    EchoOnce() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* const raw = reinterpret_cast<sockaddr*>(&address);
        ::bind(listener_.get(), raw, size);
        ::listen(listener_.get(), 4);
        ::getsockname(listener_.get(), raw, &size);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] {
            const UniqueFd peer(::accept(listener_.get(), nullptr, nullptr));
            char buffer[64];
            const ssize_t n = ::recv(peer.get(), buffer, sizeof buffer, 0);
            if (n > 0) ::send(peer.get(), buffer, static_cast<std::size_t>(n), MSG_NOSIGNAL);
        });
    }
    ~EchoOnce() {
        ::shutdown(listener_.get(), SHUT_RDWR);
        thread_.join();
    }
    std::uint16_t port() const { return port_; }

  private:
    UniqueFd listener_;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

// The commands are words that on_start() plays.
class FakeUnderTest final : public SandboxUnderTest {
  public:
    FakeUnderTest() {
        sandbox_.on_start([this](FakeGuest& guest) { return play(guest); });
    }
    Sandbox& sandbox() override { return sandbox_; }
    Command endless() override { return word("endless"); }
    Command exits_with(int status) override { return word("exit", std::to_string(status)); }
    Command echoes_on(std::uint16_t port) override { return word("echo", std::to_string(port)); }
    Command no_such_program() override { return word("missing"); }

  private:
    static Command word(std::string name, std::string argument = {}) {
        Command command;
        command.argv = {std::move(name), std::move(argument)};
        return command;
    }
    Result<> play(FakeGuest& guest) {
        const auto& argv = guest.command().argv;
        if (argv[0] == "missing") return fail(ErrorCode::invalid_argument, "no such program");
        if (argv[0] == "exit") guest.end({Reason::exited, std::stoi(argv[1]), "exited"});
        if (argv[0] == "echo") {
            echo_ = std::make_unique<EchoOnce>();
            guest.map_port(static_cast<std::uint16_t>(std::stoi(argv[1])), echo_->port());
        }
        return {};
    }
    std::unique_ptr<EchoOnce> echo_;
    FakeSandbox sandbox_;
};

std::unique_ptr<SandboxUnderTest> make_fake_under_test(Loop&) {
    return std::make_unique<FakeUnderTest>();
}

INSTANTIATE_TEST_SUITE_P(fake, SandboxContract, testing::Values(&make_fake_under_test));

TEST(fake_sandbox, records_what_it_was_given) {
    Loop loop;
    FakeSandbox sandbox;
    Policy policy;
    policy.add_mount({"/srv/code", "/var/task"});
    Limits limits;
    limits.processes_max = 7;
    Command command;
    command.argv = {"agent"};
    const auto guest = run_on(loop, sandbox.start(policy, limits, std::move(command)));
    ASSERT_TRUE(guest);
    EXPECT_EQ(sandbox.last()->policy().mounts().front().guest_path, "/var/task");
    EXPECT_EQ(sandbox.last()->limits().processes_max, 7U);
    EXPECT_EQ(sandbox.last()->command().argv.front(), "agent");
}

TEST(fake_sandbox, destroying_the_monitor_ends_the_guest) {
    Loop loop;
    FakeSandbox sandbox;
    Command command;
    command.argv = {"agent"};
    auto guest = run_on(loop, sandbox.start({}, {}, std::move(command)));
    ASSERT_TRUE(guest);
    EXPECT_FALSE(sandbox.last()->ended());
    guest->reset();
    EXPECT_TRUE(sandbox.last()->ended());
}

}  // namespace
}  // namespace ac::sandbox
