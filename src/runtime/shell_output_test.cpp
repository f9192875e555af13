#include "runtime/shell_output.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "async/run.h"

namespace ac::runtime {
namespace {

TEST(shell_output, who_attaches_gets_what_was_kept_and_then_what_comes) {
    ShellOutput output(10);
    output.append("hello");
    const auto first = output.attach();
    EXPECT_EQ(output.take(first, 3).bytes, "hel");
    EXPECT_EQ(output.take(first, 100).bytes, "lo");
    EXPECT_EQ(output.take(first, 100).bytes, "");
    output.append(" you");
    EXPECT_EQ(output.take(first, 100).bytes, " you");
    output.detach(first);
    output.append("!");
    EXPECT_EQ(output.take(output.attach(), 100).bytes, "hello you!");
}

TEST(shell_output, only_the_newest_bytes_are_kept_and_begin_at_a_line) {
    ShellOutput output(10);
    output.append("0123456789abcd");
    EXPECT_EQ(output.take(output.attach(), 100).bytes, "456789abcd");
    ShellOutput lines(10);
    lines.append("first line\nsecond\n");
    EXPECT_EQ(lines.take(lines.attach(), 100).bytes, "second\n");
}

TEST(shell_output, what_was_not_sent_yet_is_not_dropped_under_who_is_attached) {
    ShellOutput output(4);
    const auto reader = output.attach();
    output.append("0123456789");
    EXPECT_EQ(output.take(reader, 100).bytes, "0123456789");
}

TEST(shell_output, the_newest_takes_over) {
    ShellOutput output(10);
    const auto first = output.attach();
    const auto second = output.attach();
    EXPECT_TRUE(output.take(first, 1).taken_over);
    EXPECT_FALSE(output.take(second, 1).taken_over);
    output.detach(first);  // which it no longer is
    EXPECT_TRUE(output.is_attached());
    output.detach(second);
    EXPECT_FALSE(output.is_attached());
}

TEST(shell_output, the_end_comes_with_the_last_byte) {
    ShellOutput output(10);
    output.append("ab");
    output.end({.exit_code = 3, .signal = std::nullopt});
    const auto reader = output.attach();
    EXPECT_FALSE(output.take(reader, 1).end);
    EXPECT_EQ(output.take(reader, 1).end->exit_code, 3);
}

TEST(shell_output, readers_wait_for_bytes_or_a_wake_and_writers_for_room) {
    Loop loop;
    ShellOutput output(4);
    const auto reader = output.attach();
    output.wake(reader);
    EXPECT_TRUE(run_on(loop, output.wait(reader)));
    output.append("12345");
    EXPECT_TRUE(run_on(loop, output.wait(reader)));
    const auto take_soon = [&]() -> Detached {
        output.take(reader, 100);
        co_return;
    };
    asio::co_spawn(loop.executor(), take_soon(), asio::detached);
    EXPECT_TRUE(run_on(loop, output.wait_room()));
    output.detach(reader);
    output.append(std::string(100, 'x'));
    EXPECT_TRUE(run_on(loop, output.wait_room()));
}

}  // namespace
}  // namespace ac::runtime
