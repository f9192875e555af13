// Guests that take all they can get: only they suffer.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "sandbox/linux/box_fixture.h"

namespace ac::sandbox {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

class Bomb : public testing::Test {
  protected:
    Box box_{Box::options_for_test()};
};

TEST_F(Bomb, a_fork_bomb_stops_at_the_limit_of_processes) {
    Limits limits;
    limits.processes_max = 20;
    const Ran ran = box_.python(
        "import os, time\n"
        "n = 0\n"
        "try:\n"
        "    while True:\n"
        "        if os.fork() == 0: time.sleep(1000)\n"
        "        n += 1\n"
        "except BlockingIOError: print('stopped at', n)\n",
        {}, limits);
    EXPECT_EQ(ran.output, "stopped at 19\n");
    EXPECT_EQ(ran.outcome.reason, Reason::exited);
}

TEST_F(Bomb, threads_count_as_processes) {
    Limits limits;
    limits.processes_max = 10;
    const Ran ran = box_.python(
        "import threading, time\n"
        "try:\n"
        "    for n in range(1000): threading.Thread(target=time.sleep, args=(9,), "
        "daemon=True).start()\n"
        "except RuntimeError: print('stopped at', n, flush=True)\n"
        "import os; os._exit(0)\n",
        {}, limits);
    EXPECT_EQ(ran.output, "stopped at 9\n");
}

TEST_F(Bomb, a_memory_bomb_ends_its_guest_only) {
    const auto neighbour = box_.start(shell_command("exec sleep 1000"));
    ASSERT_TRUE(neighbour);
    Limits limits;
    limits.memory_bytes_max = 64 * kMiB;
    const Ran ran = box_.python("x = []\nwhile True: x.append(bytearray(1 << 20))\n", {}, limits);
    EXPECT_EQ(ran.outcome.reason, Reason::out_of_memory) << ran.outcome.detail << ran.output;
    (*neighbour)->stop(Seconds{10});
    EXPECT_EQ(box_.wait(**neighbour)->reason, Reason::stopped);
}

TEST_F(Bomb, a_childs_memory_counts_for_its_guest) {
    Limits limits;
    limits.memory_bytes_max = 64 * kMiB;
    const Ran ran = box_.python(
        "import os\n"
        "if os.fork() == 0:\n"
        "    x = []\n"
        "    while True: x.append(bytearray(1 << 20))\n"
        "os.wait()\n"
        "import time; time.sleep(1000)\n",
        {}, limits);
    EXPECT_EQ(ran.outcome.reason, Reason::out_of_memory) << ran.outcome.detail << ran.output;
}

TEST_F(Bomb, a_full_work_folder_says_no_space) {
    Limits limits;
    limits.work_bytes_max = 4 * kMiB;
    for (const std::string folder : {"/work", "/tmp", "/dev/shm"}) {
        const Ran ran = box_.shell("head -c 100000000 /dev/zero > " + folder +
                                       "/big; echo $?; "
                                       "stat -c %s " +
                                       folder + "/big",
                                   {}, limits);
        EXPECT_NE(ran.output.find("No space left on device"), std::string::npos) << ran.output;
        EXPECT_NE(ran.output.find("1\n4194304\n"), std::string::npos) << ran.output;
    }
}

TEST_F(Bomb, too_many_files_say_no_space) {
    Limits limits;
    limits.work_files_max = 100;
    for (const std::string folder : {"/work", "/tmp", "/dev/shm"}) {
        const Ran ran = box_.python(
            "import errno, os\n"
            "try:\n"
            "    for n in range(1000): os.mkdir(f'" +
                folder +
                "/{n}')\n"
                "except OSError as e: print(n < 100, e.errno == errno.ENOSPC)\n",
            {}, limits);
        EXPECT_EQ(ran.output, "True True\n");
    }
}

TEST_F(Bomb, the_root_holds_no_more_files) {
    const Ran ran = box_.shell("mkdir /x /dev/x /etc/x /run/x /var/x 2>/dev/null || echo no");
    EXPECT_EQ(ran.output, "no\n");
}

TEST_F(Bomb, too_many_open_files_say_so) {
    Limits limits;
    limits.open_files_max = 32;
    const Ran ran = box_.python(
        "import errno, os\n"
        "try:\n"
        "    while True: n = os.open('/dev/null', 0)\n"
        "except OSError as e: print(n, e.errno == errno.EMFILE)\n",
        {}, limits);
    EXPECT_EQ(ran.output, "31 True\n");
}

TEST_F(Bomb, processors_are_shared_out) {
    Limits limits;
    limits.processors_max = 0.2;
    const Ran ran = box_.python(
        "import time\n"
        "wall = time.monotonic()\n"
        "while time.monotonic() - wall < 0.6: pass\n"
        "print(time.process_time() < 0.35)\n",
        {}, limits);
    EXPECT_EQ(ran.output, "True\n");
}

TEST_F(Bomb, a_flood_of_output_blocks_its_guest_only) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const UniqueFd nobody_reads(ends[0]);
    Command command = shell_command("exec yes");
    command.standard_output.reset(ends[1]);
    const auto flooding = box_.start(std::move(command));
    ASSERT_TRUE(flooding);
    EXPECT_EQ(box_.shell("echo fine").output, "fine\n");
    (*flooding)->stop(Seconds{10});
    EXPECT_EQ(box_.wait(**flooding)->reason, Reason::stopped);
}

}  // namespace
}  // namespace ac::sandbox
