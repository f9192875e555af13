#include "cli/daemon/local_daemon.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <thread>

#include "cli/daemon/program.h"
#include "cli/test_support.h"

namespace ac::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// What the CLI needs of agentcored: the ready line, /healthz, an end on SIGTERM.
constexpr std::string_view kProgram = R"(#!/usr/bin/python3
import http.server, sys
host, port = sys.argv[2].rsplit(":", 1)
open(sys.argv[4] + "/starts", "a").write("x")
class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_): pass
    def do_GET(self):
        self.send_response(200 if self.path == "/healthz" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()
server = http.server.ThreadingHTTPServer((host, 0), Handler)
print("agentcored ready on http://%s:%d" % server.server_address, flush=True)
server.serve_forever()
)";

class local_daemon : public testing::Test {
  protected:
    local_daemon() { install(kProgram); }
    ~local_daemon() override { (void)daemon().stop(); }

    void install(std::string_view text) {
        folder_.write("bin/agentcored", text);
        ::chmod((folder_.path() / "bin/agentcored").c_str(), 0755);
    }
    World world() {
        return World{.environment = {{"PATH", "/usr/bin:/bin"}},
                     .folder = folder_.path(),
                     .program = folder_.path() / "bin/agentcore",
                     .console = console_,
                     .clock = clock_,
                     .random = random_};
    }
    LocalDaemon daemon() { return LocalDaemon(world_, folder_.path() / "data"); }

    TemporaryFolder folder_;
    RecordingConsole console_;
    SystemClock clock_;
    SystemRandom random_;
    World world_ = world();
};

TEST_F(local_daemon, is_started_once_found_again_and_stopped) {
    EXPECT_FALSE(daemon().find());
    bool started = false;
    const auto first = daemon().ensure(started);
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_TRUE(started);
    const auto second = daemon().ensure(started);
    ASSERT_TRUE(second);
    EXPECT_FALSE(started);
    EXPECT_EQ(second->pid, first->pid);
    EXPECT_EQ(second->url.text(), first->url.text());
    EXPECT_EQ(folder_.read("data/starts"), "x");
    const auto stopped = daemon().stop();
    ASSERT_TRUE(stopped);
    EXPECT_TRUE(*stopped);
    EXPECT_FALSE(daemon().find());
    EXPECT_FALSE(*daemon().stop());
}

TEST_F(local_daemon, two_commands_at_once_start_one) {
    std::vector<std::thread> commands;
    std::vector<pid_t> pids(4);
    for (auto& pid : pids)
        commands.emplace_back([this, &pid] {
            bool started = false;
            if (const auto running = daemon().ensure(started)) pid = running->pid;
        });
    for (auto& command : commands) command.join();
    EXPECT_EQ(folder_.read("data/starts"), "x");
    for (const pid_t pid : pids) EXPECT_EQ(pid, pids.front());
    EXPECT_GT(pids.front(), 1);
}

TEST_F(local_daemon, one_that_ends_while_it_starts_shows_its_last_words) {
    install("#!/bin/sh\necho 'the disk is full' >&2\nexit 1\n");
    bool started = false;
    const auto running = daemon().ensure(started);
    ASSERT_FALSE(running);
    EXPECT_EQ(running.error().code, ExitCode::unreachable);
    EXPECT_THAT(running.error().message, HasSubstr("the disk is full"));
    EXPECT_THAT(running.error().next_step, HasSubstr("agentcored.log"));
}

TEST_F(local_daemon, a_record_of_another_process_is_not_believed) {
    folder_.write("data/daemon.json", R"({"endpoint": "http://127.0.0.1:1", "pid": 1})");
    EXPECT_FALSE(daemon().find());
    folder_.write("data/daemon.json", R"({"endpoint": "http://127.0.0.1:1", "pid": )" +
                                          std::to_string(::getpid()) + "}");
    EXPECT_FALSE(daemon().find());
    EXPECT_FALSE(*daemon().stop());
    for (const char* text : {"", "garbage", "[]", R"({"pid": "x"})", R"({"endpoint": 7})"}) {
        folder_.write("data/daemon.json", text);
        EXPECT_FALSE(daemon().find()) << text;
    }
}

TEST_F(local_daemon, the_data_folder_comes_from_option_variable_or_home) {
    World world = world_;
    EXPECT_FALSE(data_dir_of(world, ""));
    world.environment["HOME"] = "/home/a";
    EXPECT_EQ(*data_dir_of(world, ""), "/home/a/.local/share/agentcore");
    world.environment["XDG_DATA_HOME"] = "/x";
    EXPECT_EQ(*data_dir_of(world, ""), "/x/agentcore");
    world.environment["AGENTCORE_DATA_DIR"] = "/d";
    EXPECT_EQ(*data_dir_of(world, ""), "/d");
    EXPECT_EQ(*data_dir_of(world, "rel"), folder_.path() / "rel");
}

TEST(program, runs_to_the_end_with_its_output_or_is_killed) {
    const SystemClock clock;
    auto ran = run_captured({"/bin/sh", "-c", "echo out; echo err >&2; exit 3"}, {}, clock,
                            Milliseconds(10'000));
    ASSERT_TRUE(ran);
    EXPECT_EQ(ran->exit_status, 3);
    EXPECT_EQ(ran->output, "out\nerr\n");
    ran = run_captured({"/bin/sh", "-c", "while :; do :; done"}, {}, clock, Milliseconds(50));
    ASSERT_FALSE(ran);
    EXPECT_EQ(ran.error().code, ExitCode::timed_out);
    EXPECT_FALSE(run_captured({"/nonexistent"}, {}, clock, Milliseconds(50)));
    EXPECT_FALSE(find_program("agentcored-none", "/usr/bin::/bin"));
    EXPECT_TRUE(find_program("sh", "/none:/bin"));
}

}  // namespace
}  // namespace ac::cli
