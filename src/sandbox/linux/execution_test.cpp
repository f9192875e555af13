// Further commands in guests that run.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "async/pipe.h"
#include "sandbox/linux/box_fixture.h"

namespace ac::sandbox {
namespace {

class Executions : public testing::Test {
  protected:
    Executions() {
        auto started =
            box_.start(shell_command("trap 'exit 0' TERM; while :; do sleep 0.01; done"));
        EXPECT_TRUE(started) << started.error().message;
        if (started) guest_ = std::move(*started);
    }
    Result<std::unique_ptr<Execution>> execute(Command command) {
        return run_on(box_.loop(), guest_->execute(std::move(command)));
    }
    // Its outcome, with what it wrote.
    Ran ran(const std::string& script) {
        Pipe pipe = make_pipe().value();
        Command command = shell_command(script);
        command.standard_output = std::move(pipe.writing);
        auto execution = execute(std::move(command));
        if (!execution) return {{Reason::failed_to_start, 0, execution.error().message}, {}};
        Ran ran;
        char buffer[4096];
        for (ssize_t n = 0; (n = ::read(pipe.reading.get(), buffer, sizeof buffer)) > 0;)
            ran.output.append(buffer, static_cast<std::size_t>(n));
        ran.outcome = run_on(box_.loop(), (*execution)->wait()).value();
        return ran;
    }

    Box box_{Box::options_for_test()};
    std::unique_ptr<Monitor> guest_;
};

TEST_F(Executions, run_beside_the_command_in_its_containment) {
    EXPECT_EQ(ran("echo $((6 * 7)); exit 3").output, "42\n");
    EXPECT_EQ(ran("exit 3").outcome.code, 3);
    EXPECT_EQ(ran("echo x > /work/kept; cat /work/kept").output, "x\n");
    EXPECT_EQ(ran("cat /work/kept").output, "x\n");
    EXPECT_EQ(ran("grep -c 'NoNewPrivs:.1' /proc/self/status").output, "1\n");
    EXPECT_EQ(ran("grep 'Seccomp:' /proc/self/status").output, "Seccomp:\t2\n");
    EXPECT_EQ(ran("echo y > /etc/x; echo $?").output, "2\n");
}

TEST_F(Executions, a_signal_is_told) {
    const Ran killed = ran("kill -SEGV $$");
    EXPECT_EQ(killed.outcome.reason, Reason::signaled);
    EXPECT_EQ(killed.outcome.code, SIGSEGV);
}

TEST_F(Executions, without_a_program_there_is_an_error) {
    Command command;
    command.argv = {"/no/such/program"};
    const auto execution = execute(std::move(command));
    ASSERT_FALSE(execution);
    EXPECT_EQ(execution.error().code, ErrorCode::invalid_argument);
    EXPECT_FALSE(execute(Command{}));
}

TEST_F(Executions, a_kill_takes_the_process_group) {
    auto execution = execute(shell_command("sleep 1000 & sleep 1000"));
    ASSERT_TRUE(execution) << execution.error().message;
    (*execution)->kill();
    EXPECT_EQ(run_on(box_.loop(), (*execution)->wait())->code, SIGKILL);
    const auto sleepers = "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c 'sleep 10[0]0'";
    EXPECT_TRUE(eventually([&] { return ran(sleepers).output == "0\n"; }));
}

// Everything that is written to the terminal until nobody has it any more.
std::string read_terminal(int terminal) {
    std::string text;
    char buffer[4096];
    while (true) {
        pollfd ready{terminal, POLLIN, 0};
        if (::poll(&ready, 1, 20'000) <= 0) return text + "(nothing came)";
        const ssize_t n = ::read(terminal, buffer, sizeof buffer);
        if (n < 0 && errno == EAGAIN) continue;
        if (n <= 0) return text;
        text.append(buffer, static_cast<std::size_t>(n));
    }
}

TEST_F(Executions, may_have_a_terminal_of_the_guests_own) {
    Command command = shell_command("tty; stty size; read line; echo got $line; exit 5");
    command.terminal = TerminalSize{.columns = 100, .rows = 30};
    auto execution = execute(std::move(command));
    ASSERT_TRUE(execution) << execution.error().message;
    const UniqueFd terminal = (*execution)->take_terminal();
    ASSERT_TRUE(terminal);
    EXPECT_FALSE((*execution)->take_terminal());
    ASSERT_EQ(::write(terminal.get(), "hello\n", 6), 6);
    const std::string text = read_terminal(terminal.get());
    EXPECT_NE(text.find("/dev/pts/0"), text.npos) << text;
    EXPECT_NE(text.find("30 100"), text.npos) << text;
    EXPECT_NE(text.find("got hello"), text.npos) << text;
    EXPECT_EQ(run_on(box_.loop(), (*execution)->wait())->code, 5);
}

TEST_F(Executions, a_terminal_that_is_closed_hangs_up) {
    Command command = shell_command("read line");
    command.terminal = TerminalSize{};
    auto execution = execute(std::move(command));
    ASSERT_TRUE(execution) << execution.error().message;
    (*execution)->take_terminal().reset();
    const auto outcome = run_on(box_.loop(), (*execution)->wait());
    EXPECT_EQ(outcome->reason, Reason::signaled);
    EXPECT_EQ(outcome->code, SIGHUP);
}

TEST_F(Executions, end_with_their_guest_and_many_run_at_once) {
    std::vector<std::unique_ptr<Execution>> all;
    for (int i = 0; i < 20; ++i) {
        auto execution = execute(shell_command("sleep 1000"));
        ASSERT_TRUE(execution) << execution.error().message;
        all.push_back(std::move(*execution));
    }
    guest_->stop(Seconds{5});
    EXPECT_EQ(box_.wait(*guest_)->reason, Reason::stopped);
    for (const auto& execution : all)
        EXPECT_EQ(run_on(box_.loop(), execution->wait())->reason, Reason::stopped);
    const auto late = execute(shell_command("true"));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace ac::sandbox
