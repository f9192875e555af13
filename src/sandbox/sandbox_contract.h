#pragma once
// What every Sandbox does, as tests. A back end instantiates the suite with a SandboxUnderTest;
// the commands it is given are ones that it can run (a fake plays them).

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>

#include "async/run.h"
#include "sandbox/sandbox.h"

namespace ac::sandbox {

class SandboxUnderTest {
  public:
    virtual ~SandboxUnderTest() = default;
    virtual Sandbox& sandbox() = 0;
    // Runs until it is ended; ends on SIGTERM.
    virtual Command endless() = 0;
    // Ends by itself with this status.
    virtual Command exits_with(int status) = 0;
    // Sends back what it gets on this port.
    virtual Command echoes_on(std::uint16_t port) = 0;
    virtual Command no_such_program() = 0;
};

using MakeSandboxUnderTest = std::unique_ptr<SandboxUnderTest> (*)(Loop& loop);

class SandboxContract : public testing::TestWithParam<MakeSandboxUnderTest> {
  protected:
    SandboxContract() : under_test_(GetParam()(loop_)) {}

    Result<std::unique_ptr<Monitor>> start(Command command) {
        return run_on(loop_, under_test_->sandbox().start(Policy{}, Limits{}, std::move(command)));
    }
    Result<Outcome> wait(Monitor& monitor) { return run_on(loop_, monitor.wait()); }

    // A guest may take a moment to listen.
    UniqueFd connect(Monitor& monitor, std::uint16_t port) {
        constexpr int kAttempts = 2000;
        for (int attempt = 0; attempt < kAttempts; ++attempt) {
            auto socket = run_on(loop_, monitor.connect(port));
            if (socket) return std::move(*socket);
            EXPECT_EQ(socket.error().code, ErrorCode::unavailable);
            ::usleep(2000);
        }
        return UniqueFd();
    }

    Loop loop_;
    std::unique_ptr<SandboxUnderTest> under_test_;
};

TEST_P(SandboxContract, a_command_that_ends_tells_its_status) {
    const auto guest = start(under_test_->exits_with(7));
    ASSERT_TRUE(guest) << guest.error().message;
    const auto outcome = wait(**guest);
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->reason, Reason::exited);
    EXPECT_EQ(outcome->code, 7);
}

TEST_P(SandboxContract, the_end_can_be_awaited_again) {
    const auto guest = start(under_test_->exits_with(0));
    ASSERT_TRUE(guest) << guest.error().message;
    EXPECT_EQ(wait(**guest)->code, 0);
    EXPECT_EQ(wait(**guest)->code, 0);
}

TEST_P(SandboxContract, a_stopped_guest_says_so) {
    const auto guest = start(under_test_->endless());
    ASSERT_TRUE(guest) << guest.error().message;
    (*guest)->stop(Seconds{60});
    const auto outcome = wait(**guest);
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->reason, Reason::stopped);
}

TEST_P(SandboxContract, a_program_that_is_not_there_is_an_error) {
    const auto guest = start(under_test_->no_such_program());
    ASSERT_FALSE(guest);
    EXPECT_EQ(guest.error().code, ErrorCode::invalid_argument);
}

TEST_P(SandboxContract, a_port_of_the_guest_can_be_reached) {
    const auto guest = start(under_test_->echoes_on(8080));
    ASSERT_TRUE(guest) << guest.error().message;
    const UniqueFd socket = connect(**guest, 8080);
    ASSERT_TRUE(socket);
    timeval patience{10, 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    // It is non-blocking as handed out; here waiting is simpler.
    ::fcntl(socket.get(), F_SETFL, ::fcntl(socket.get(), F_GETFL) & ~O_NONBLOCK);
    ASSERT_EQ(::send(socket.get(), "ping", 4, MSG_NOSIGNAL), 4);
    char answer[4] = {};
    EXPECT_EQ(::recv(socket.get(), answer, sizeof answer, MSG_WAITALL), 4);
    EXPECT_EQ(std::string_view(answer, 4), "ping");
}

TEST_P(SandboxContract, a_port_without_listener_is_unavailable) {
    const auto guest = start(under_test_->endless());
    ASSERT_TRUE(guest) << guest.error().message;
    const auto socket = run_on(loop_, (*guest)->connect(9));
    ASSERT_FALSE(socket);
    EXPECT_EQ(socket.error().code, ErrorCode::unavailable);
}

TEST_P(SandboxContract, guests_have_names_of_their_own) {
    const auto one = start(under_test_->endless());
    const auto other = start(under_test_->endless());
    ASSERT_TRUE(one && other);
    EXPECT_NE((*one)->id(), (*other)->id());
}

}  // namespace ac::sandbox
