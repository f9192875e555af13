#include "cli/console.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

namespace ac::cli {
namespace {

void speak_into_a_closed_pipe() {
    int ends[2];
    if (::pipe(ends) != 0) return;
    ::dup2(ends[1], STDOUT_FILENO);
    ::close(ends[0]);
    ::close(ends[1]);
    std::signal(SIGPIPE, SIG_IGN);
    make_console(true)->out("unheard\n");
}

TEST(console_death, a_closed_pipe_ends_the_program_as_it_ends_every_other) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(speak_into_a_closed_pipe(), testing::KilledBySignal(SIGPIPE), "");
}

}  // namespace
}  // namespace ac::cli
