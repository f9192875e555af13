// How guests end, what they are given, what is left behind.
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "sandbox/linux/box_fixture.h"
#include "sandbox/linux/files.h"

namespace ac::sandbox {
namespace {

namespace fs = std::filesystem;

std::vector<int> pids_in_groups(const std::string& instance) {
    std::vector<int> out;
    for (const std::string& group : groups_of(instance))
        for (const auto& entry : fs::recursive_directory_iterator(group))
            if (entry.path().filename() == "cgroup.procs") {
                std::istringstream text(read_all(entry.path()));
                for (int pid = 0; text >> pid;) out.push_back(pid);
            }
    return out;
}

class GuestLife : public testing::Test {
  protected:
    GuestLife() : folder_(fs::temp_directory_path() / fmt::format("ac-guest-life-{}", ::getpid())) {
        fs::create_directories(folder_);
        fs::permissions(folder_, fs::perms::owner_all);
    }
    ~GuestLife() override { fs::remove_all(folder_); }
    fs::path folder_;
    Box box_{Box::options_for_test()};
};

TEST_F(GuestLife, a_crash_tells_its_signal) {
    const Ran ran = box_.shell("kill -SEGV $$");
    EXPECT_EQ(ran.outcome.reason, Reason::signaled);
    EXPECT_EQ(ran.outcome.code, SIGSEGV);
    EXPECT_EQ(ran.outcome.detail, "killed by SIGSEGV");
}

// What is prepared ahead for the next guest is there again after a start that came to nothing.
TEST_F(GuestLife, a_start_that_fails_leaves_as_many_prepared_as_before) {
    LauncherOptions options = Box::options_for_test();
    options.instance += "-prepared";
    Box box(options);
    ASSERT_EQ(box.shell("true").outcome.code, 0);
    const auto prepared = [&] { return groups_of(options.instance).size(); };
    const std::size_t before = prepared();
    for (int i = 0; i < 3; ++i) {
        Policy policy;
        policy.add_mount({"/no/such/folder", "/var/task"});
        EXPECT_FALSE(box.start(shell_command("true"), std::move(policy)));
    }
    EXPECT_TRUE(eventually([&] { return prepared() == before; }));
}

TEST_F(GuestLife, time_over_ends_it) {
    Limits limits;
    limits.wall_time_max = Seconds{1};
    const Ran ran = box_.shell("sleep 1000", {}, limits);
    EXPECT_EQ(ran.outcome.reason, Reason::timed_out);
}

TEST_F(GuestLife, a_guest_that_ignores_sigterm_is_killed_after_its_grace) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const UniqueFd output(ends[0]);
    Command command = shell_command("trap '' TERM; echo; while :; do sleep 1; done");
    command.standard_output.reset(ends[1]);
    const auto guest = box_.start(std::move(command));
    ASSERT_TRUE(guest);
    char ready = 0;
    ASSERT_EQ(::read(output.get(), &ready, 1), 1);
    (*guest)->stop(Milliseconds{50});
    const auto outcome = box_.wait(**guest);
    EXPECT_EQ(outcome->reason, Reason::stopped);
    EXPECT_EQ(outcome->code, SIGKILL);
}

TEST_F(GuestLife, a_guest_may_end_in_order_when_stopped) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const UniqueFd output(ends[0]);
    Command command = shell_command("trap 'exit 3' TERM; echo; while :; do sleep 0.01; done");
    command.standard_output.reset(ends[1]);
    const auto guest = box_.start(std::move(command));
    ASSERT_TRUE(guest);
    char ready = 0;
    ASSERT_EQ(::read(output.get(), &ready, 1), 1);
    (*guest)->stop(Seconds{60});
    const auto outcome = box_.wait(**guest);
    EXPECT_EQ(outcome->reason, Reason::stopped);
    EXPECT_EQ(outcome->code, 3);
}

TEST_F(GuestLife, what_the_command_leaves_running_ends_with_it) {
    const Ran ran = box_.shell("setsid sleep 1000 & setsid sleep 1000 & exit 0");
    EXPECT_EQ(ran.outcome.code, 0);
}

TEST_F(GuestLife, destroying_the_monitor_kills_the_guest) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const UniqueFd output(ends[0]);
    Command command = shell_command("sleep 1000");
    command.standard_output.reset(ends[1]);
    auto guest = box_.start(std::move(command));
    ASSERT_TRUE(guest);
    guest->reset();
    pollfd closed{output.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&closed, 1, 10'000), 1);  // the guest held the other end
    EXPECT_NE(closed.revents & POLLHUP, 0);
}

TEST_F(GuestLife, the_guest_reaches_the_platform_on_its_listener) {
    const auto guest = box_.start(
        python_command("import socket, time\n"
                       "while True:\n"
                       "    try: s = socket.create_connection(('127.0.0.1', 80)); break\n"
                       "    except ConnectionRefusedError: time.sleep(0.002)\n"
                       "s.sendall(b'hello')\n"));
    ASSERT_TRUE(guest) << guest.error().message;
    const auto listener = run_on(box_.loop(), (*guest)->listen(80));
    ASSERT_TRUE(listener) << listener.error().message;
    pollfd incoming{listener->get(), POLLIN, 0};
    ASSERT_EQ(::poll(&incoming, 1, 10'000), 1);
    const UniqueFd peer(::accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC));
    char text[5] = {};
    EXPECT_EQ(::recv(peer.get(), text, sizeof text, MSG_WAITALL), 5);
    EXPECT_EQ(std::string_view(text, 5), "hello");
}

TEST_F(GuestLife, usage_is_measured) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const UniqueFd output(ends[0]);
    Command command = python_command(
        "x = bytes(range(256)) * 80000\n"
        "print(flush=True)\n"
        "import time; time.sleep(1000)\n");
    command.standard_output.reset(ends[1]);
    const auto guest = box_.start(std::move(command));
    ASSERT_TRUE(guest);
    char ready = 0;
    ASSERT_EQ(::read(output.get(), &ready, 1), 1);
    const auto usage = run_on(box_.loop(), (*guest)->usage());
    ASSERT_TRUE(usage);
    EXPECT_EQ(usage->processes, 1U);
    EXPECT_GT(usage->memory_bytes, 20'000'000U);
    EXPECT_GE(usage->memory_bytes_peak, usage->memory_bytes);
    EXPECT_GT(usage->cpu_microseconds, 1000U);
}

TEST_F(GuestLife, a_read_only_mount_shows_private_files_and_refuses_writes) {
    std::ofstream(folder_ / "code.txt") << "code";
    fs::permissions(folder_ / "code.txt", fs::perms::owner_read | fs::perms::owner_write);
    Policy policy;
    policy.add_mount({folder_, "/var/task"});
    policy.add_mount({folder_ / "code.txt", "/opt/one/file.txt"});
    const Ran ran = box_.shell(
        "cat /var/task/code.txt /opt/one/file.txt; stat -c ' %U' /var/task/code.txt; "
        "echo x > /var/task/new; echo x > /opt/one/file.txt; chmod 777 /var/task; rm "
        "/var/task/code.txt",
        policy);
    EXPECT_TRUE(ran.output.starts_with("codecode agent\n")) << ran.output;
    EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
    EXPECT_EQ(*read_file(folder_ / "code.txt", 100), "code");
}

TEST_F(GuestLife, a_writable_mount_takes_writes_as_its_owner) {
    Policy policy;
    policy.add_writable_mount(grants::WritableMount{}, {folder_, "/opt/env"});
    const Ran ran = box_.shell("echo installed > /opt/env/package && ls -n /opt/env", policy);
    EXPECT_EQ(ran.outcome.code, 0) << ran.output;
    EXPECT_NE(ran.output.find("1000"), std::string::npos) << ran.output;
    EXPECT_EQ(*read_file(folder_ / "package", 100), "installed\n");
    struct stat info{};
    ASSERT_EQ(::stat((folder_ / "package").c_str(), &info), 0);
    EXPECT_EQ(info.st_uid, ::geteuid());
}

TEST_F(GuestLife, a_link_in_a_mounted_folder_does_not_lead_out) {
    fs::create_symlink("/", folder_ / "escape");
    Policy policy;
    policy.add_writable_mount(grants::WritableMount{}, {folder_, "/opt/env"});
    policy.add_mount({"/usr/share", "/opt/env/escape/inner"});
    const Ran ran = box_.shell("ls -d /inner/zoneinfo", policy);
    // The link was followed inside the guest's root, never the host's.
    EXPECT_EQ(ran.output, "/inner/zoneinfo\n") << ran.outcome.detail;
    EXPECT_FALSE(fs::exists("/inner"));
}

TEST_F(GuestLife, a_mount_that_is_not_there_is_the_callers_error) {
    Policy policy;
    policy.add_mount({folder_ / "nothing", "/opt/x"});
    auto guest = box_.start(shell_command("true"), policy);
    ASSERT_FALSE(guest);
    EXPECT_EQ(guest.error().code, ErrorCode::invalid_argument);
    EXPECT_NE(guest.error().message.find("nothing"), std::string::npos) << guest.error().message;
}

TEST_F(GuestLife, a_folder_that_is_not_there_is_the_callers_error) {
    Command command = shell_command("true");
    command.folder = "/no/such/folder";
    const auto guest = box_.start(std::move(command));
    ASSERT_FALSE(guest);
    EXPECT_EQ(guest.error().code, ErrorCode::invalid_argument);
    EXPECT_NE(guest.error().message.find("/no/such/folder"), std::string::npos);
}

TEST_F(GuestLife, the_program_is_looked_up_in_the_guests_path) {
    Command command;
    command.argv = {"sh", "-c", "echo $0"};
    command.environment = {"PATH=/nowhere:/usr/bin"};
    EXPECT_EQ(box_.run(std::move(command)).output, "sh\n");
}

TEST_F(GuestLife, an_image_can_be_the_root) {
    // The smallest image: the host's /usr as usr, and the links that Debian has.
    fs::create_directories(folder_ / "etc");
    std::ofstream(folder_ / "etc" / "os-release") << "ID=tiny\n";
    for (const char* name : {"bin", "lib", "lib64"}) {
        fs::create_directories(folder_ / "usr" / name);
        fs::create_symlink(std::string("usr/") + name, folder_ / name);
    }
    fs::permissions(folder_, fs::perms::all);
    Policy policy;
    policy.set_root(folder_);
    policy.add_mount({"/usr/bin", "/usr/bin"});
    policy.add_mount({"/usr/lib", "/usr/lib"});
    policy.add_mount({"/usr/lib64", "/usr/lib64"});
    const Ran ran = box_.shell("cat /etc/os-release; ls /; touch /usr/x", policy);
    EXPECT_TRUE(ran.output.starts_with("ID=tiny\nbin\n")) << ran.output << ran.outcome.detail;
    EXPECT_NE(ran.output.find("Read-only file system"), std::string::npos) << ran.output;
}

TEST_F(GuestLife, the_hosts_network_is_shared_only_when_granted) {
    Policy policy;
    policy.share_host_network(grants::HostNetwork{});
    std::error_code error;
    const auto host = fs::read_symlink("/proc/self/ns/net", error).string();
    EXPECT_EQ(box_.shell("readlink /proc/self/ns/net", policy).output, host + "\n");
    EXPECT_NE(box_.shell("readlink /proc/self/ns/net").output, host + "\n");
}

TEST_F(GuestLife, two_guests_share_nothing) {
    const Ran first = box_.shell("echo mine > /work/a; echo mine > /tmp/a; echo mine > /dev/shm/a");
    EXPECT_EQ(first.outcome.code, 0);
    EXPECT_EQ(box_.shell("ls /work /tmp /dev/shm").output, "/dev/shm:\n\n/tmp:\n\n/work:\n");
}

TEST_F(GuestLife, many_guests_at_once) {
    std::vector<std::unique_ptr<Monitor>> guests;
    for (int i = 0; i < 20; ++i) {
        auto guest = box_.start(shell_command("exec sleep 1000"));
        ASSERT_TRUE(guest) << guest.error().message;
        guests.push_back(std::move(*guest));
    }
    for (auto& guest : guests) guest->stop(Milliseconds{0});
    for (auto& guest : guests) EXPECT_EQ(box_.wait(*guest)->reason, Reason::stopped);
}

TEST(sandbox_crash, a_killed_daemon_leaves_nothing) {
    const LauncherOptions options = Box::options_for_test();
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const UniqueFd ready(ends[0]);
    const pid_t daemon = ::fork();
    if (daemon == 0) {
        Box box(options);
        const auto guest = box.start(shell_command("setsid sleep 1000 & exec sleep 1000"));
        (void)!::write(ends[1], guest ? "y" : "n", 1);
        while (true) ::pause();
    }
    ::close(ends[1]);
    char answer = 0;
    ASSERT_EQ(::read(ready.get(), &answer, 1), 1);
    ASSERT_EQ(answer, 'y');
    const auto guests = pids_in_groups(options.instance);
    EXPECT_GE(guests.size(), 3U);
    ::kill(daemon, SIGKILL);
    ::waitpid(daemon, nullptr, 0);
    EXPECT_TRUE(eventually([&] { return groups_of(options.instance).empty(); }));
    for (const int pid : guests) EXPECT_TRUE(eventually([pid] { return !process_exists(pid); }));
}

TEST(sandbox_crash, a_killed_launcher_takes_its_guests_along_and_the_next_one_cleans_up) {
    const LauncherOptions options = Box::options_for_test();
    Box box(options);
    const auto guest = box.start(shell_command("setsid sleep 1000 & exec sleep 1000"));
    ASSERT_TRUE(guest);
    ASSERT_FALSE(pids_in_groups(options.instance).empty());
    ::kill(box.launcher_pid(), SIGKILL);
    const auto outcome = box.wait(**guest);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ErrorCode::unavailable);
    EXPECT_TRUE(eventually([&] { return pids_in_groups(options.instance).empty(); }));
    EXPECT_FALSE(groups_of(options.instance).empty());
    const auto late = box.start(shell_command("true"));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, ErrorCode::unavailable);
    {
        Box next(options);
        EXPECT_EQ(next.shell("echo back").output, "back\n");
    }
    EXPECT_TRUE(groups_of(options.instance).empty());
}

TEST(sandbox_crash, closing_the_sandbox_removes_everything) {
    const LauncherOptions options = Box::options_for_test();
    Box box(options);
    const auto guest = box.start(shell_command("exec sleep 1000"));
    ASSERT_TRUE(guest);
    const auto guests = pids_in_groups(options.instance);
    box.close();
    EXPECT_TRUE(groups_of(options.instance).empty());
    for (const int pid : guests) EXPECT_FALSE(process_exists(pid));
    EXPECT_FALSE(process_exists(box.launcher_pid()));
}

}  // namespace
}  // namespace ac::sandbox
