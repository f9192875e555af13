#include "sandbox/sandbox_contract.h"

#include <fcntl.h>
#include <sys/socket.h>

namespace ac::sandbox {

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
