// Templates: guests that go on from a snapshot instead of starting.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <ctime>
#include <set>
#include <sstream>

#include "sandbox/linux/box_fixture.h"
#include "sandbox/template.h"

namespace ac::sandbox {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> out;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) out.push_back(line);
    return out;
}

class Templates : public testing::Test {
  protected:
    std::shared_ptr<const Template> make(const std::string& preparation) {
        auto made = box_.make_template(preparation);
        EXPECT_TRUE(made) << made.error().message;
        return made ? *made : nullptr;
    }
    Ran thawed(const Template& from, const std::string& script, Limits limits = {}) {
        auto command = from.thaw(thawed_python(script));
        EXPECT_TRUE(command);
        return box_.run(std::move(*command), {}, limits);
    }
    Box box_{Box::options_for_test()};
};

TEST_F(Templates, a_guest_goes_on_where_the_template_stopped) {
    const auto made = make("import json; kept = {'a': [1, 2, 3]}");
    ASSERT_TRUE(made);
    for (int i = 0; i < 3; ++i) {
        const Ran ran = thawed(*made, "print(kept['a'], json.dumps(kept)); kept['a'].append(4)");
        EXPECT_EQ(ran.output, "[1, 2, 3] {\"a\": [1, 2, 3]}\n");
        EXPECT_EQ(ran.outcome.reason, Reason::exited);
        EXPECT_EQ(ran.outcome.code, 0);
    }
    EXPECT_EQ(thawed(*made, "raise SystemExit(7)").outcome.code, 7);
}

TEST_F(Templates, a_guest_has_the_arguments_environment_and_descriptors_that_it_was_given) {
    const auto made = make("import os; os.environ['OLD'] = 'x'");
    ASSERT_TRUE(made);
    Command wanted = thawed_python(
        "import os; print(sorted(os.environ), arguments[1:], os.getcwd());"
        "print(os.read(5, 10), sorted(int(n) for n in os.listdir('/proc/self/fd')))");
    wanted.argv.push_back("second");
    wanted.environment = {"NEW=1", "PATH=/usr/bin"};
    UniqueFd file(::memfd_create("given", MFD_CLOEXEC));
    ASSERT_EQ(::pwrite(file.get(), "hello", 5, 0), 5);
    wanted.descriptors.push_back(std::move(file));
    auto command = made->thaw(std::move(wanted));
    ASSERT_TRUE(command);
    const Ran ran = box_.run(std::move(*command));
    EXPECT_EQ(ran.output, "['NEW', 'PATH'] ['second'] /work\nb'hello' [0, 1, 2, 3, 5]\n");
}

TEST_F(Templates, what_was_random_differs_between_siblings) {
    const auto made = make(
        "import random, tempfile, uuid, ssl, os\n"
        "random.random(), tempfile.mktemp(), uuid.uuid1(), ssl.RAND_bytes(8)");
    ASSERT_TRUE(made);
    const std::string script =
        "print(random.random())\nprint(tempfile.mktemp())\nprint(uuid.uuid4())\n"
        "print(uuid.uuid1())\nprint(ssl.RAND_bytes(8).hex())\nprint(os.urandom(8).hex())\n"
        "print(open('/proc/sys/kernel/random/uuid').read().strip())\n"
        "import subprocess, sys\n"
        "print(subprocess.check_output([sys.executable, '-c', 'print(hash(\"x\"))']).decode())";
    std::vector<std::set<std::string>> seen(8);
    for (int i = 0; i < 4; ++i) {
        const Ran ran = thawed(*made, script);
        const auto lines = lines_of(ran.output);
        ASSERT_GE(lines.size(), seen.size()) << ran.output;
        for (std::size_t line = 0; line < seen.size(); ++line) seen[line].insert(lines[line]);
    }
    for (std::size_t line = 0; line < seen.size(); ++line) EXPECT_EQ(seen[line].size(), 4U) << line;
}

TEST_F(Templates, clocks_and_process_ids_are_those_of_the_guest) {
    const auto made = make("import os, time; before = time.time(), os.getpid()");
    ASSERT_TRUE(made);
    Command wanted = thawed_python(
        "import threading\n"
        "print(int(time.time()) - int(arguments[1]))\n"
        "print(os.getpid() == int(os.readlink('/proc/self')),"
        " threading.get_native_id() == os.getpid(), os.getpid() != before[1])\n"
        "print(sum(n.isdigit() for n in os.listdir('/proc')))");
    wanted.argv.push_back(std::to_string(::time(nullptr)));
    auto command = made->thaw(std::move(wanted));
    ASSERT_TRUE(command);
    const Ran ran = box_.run(std::move(*command));
    const auto lines = lines_of(ran.output);
    ASSERT_EQ(lines.size(), 3U) << ran.output;
    EXPECT_LT(std::stoi(lines[0]), 20);
    EXPECT_EQ(lines[1], "True True True");
    EXPECT_EQ(lines[2], "1") << "other processes are seen";  // not even its init: hidepid
}

TEST_F(Templates, a_guest_can_do_what_processes_do) {
    const auto made = make("import os, signal, sys, threading, subprocess");
    ASSERT_TRUE(made);
    const Ran ran = thawed(*made, R"py(
def deep(n): return 0 if n == 0 else 1 + deep(n - 1)
sys.setrecursionlimit(30000)
print(deep(15000))
big = bytearray(64 << 20); many = [object() for _ in range(200000)]; del big, many
seen = []
thread = threading.Thread(target=lambda: seen.append(1)); thread.start(); thread.join()
print(seen, subprocess.check_output([sys.executable, "-c", "print(6 * 7)"]))
pid = os.fork()
if pid == 0: os._exit(3)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
try: os.kill(os.getpid(), signal.SIGINT)
except KeyboardInterrupt: print("interrupted")
import decimal; print(decimal.Decimal(1) / 4)
)py");
    EXPECT_EQ(ran.output, "15000\n[1] b'42\\n'\n3\ninterrupted\n0.25\n");
    EXPECT_EQ(ran.outcome.code, 0) << ran.outcome.detail;
}

TEST_F(Templates, nobody_can_write_to_the_image) {
    const auto made = make("import os, mmap, errno");
    ASSERT_TRUE(made);
    Command wanted = thawed_python(R"py(
def refused(what):
    try: what()
    except (OSError, PermissionError) as e: print(errno.errorcode[e.errno])
    else: print("ESCAPED")
refused(lambda: os.pwrite(5, b"x", 0))
refused(lambda: os.ftruncate(5, 0))
refused(lambda: mmap.mmap(5, 4096, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE))
refused(lambda: os.posix_fallocate(5, 0, 1 << 30))
)py");
    auto image = made->image();
    ASSERT_TRUE(image);
    wanted.descriptors.push_back(std::move(*image));
    auto command = made->thaw(std::move(wanted));
    ASSERT_TRUE(command);
    EXPECT_EQ(box_.run(std::move(*command)).output, "EPERM\nEPERM\nEPERM\nEPERM\n");
}

TEST_F(Templates, what_a_template_started_ends_with_it_and_cannot_write_later) {
    // A process left behind holds the file mapped for writing, and writes.
    const auto made = box_.make_template(
        "import os, mmap, time\n"
        "os.ftruncate(3, 1 << 30)\n"
        "view = mmap.mmap(3, 1 << 30)\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    while True: view[(1 << 30) - 4096] = 1; time.sleep(0.001)\n"
        "view.close()\n");
    // It is gone, or nobody could have sealed the file.
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(thawed(**made, "print(1)").output, "1\n");
}

TEST_F(Templates, a_program_that_does_not_freeze_is_no_template) {
    const auto ends = box_.make_template("import os; os._exit(0)");
    EXPECT_EQ(ends.error().code, ErrorCode::invalid_argument);
    const auto fails = box_.make_template("raise ValueError('of its own')");
    ASSERT_FALSE(fails);
    EXPECT_EQ(fails.error().code, ErrorCode::unavailable);
    EXPECT_NE(fails.error().message.find("of its own"), std::string::npos);
    Limits limits;
    limits.wall_time_max = Seconds{1};
    const auto hangs = box_.make_template("import time; time.sleep(60)", limits);
    EXPECT_EQ(hangs.error().code, ErrorCode::unavailable);
}

TEST_F(Templates, a_forged_image_ends_its_guest_alone) {
    const auto made = make("import os");
    ASSERT_TRUE(made);
    UniqueFd forged(::memfd_create("forged", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    ASSERT_EQ(::pwrite(forged.get(), "\x27\x41\x43\x46\x52\x4e\x5a\x31\xff", 9, 0), 9);
    ASSERT_EQ(::ftruncate(forged.get(), 1 << 20), 0);
    ASSERT_TRUE(seal_snapshot(forged.get()));
    auto program = made->program();
    ASSERT_TRUE(program);
    const Template other(std::move(*program), std::move(forged));
    const Ran ran = thawed(other, "print(1)");
    EXPECT_FALSE(ran.outcome.reason == Reason::exited && ran.outcome.code == 0);
    EXPECT_EQ(thawed(*made, "print(1)").output, "1\n");
}

TEST_F(Templates, pages_are_shared) {
    const auto made = make("ballast = [bytes(4000) + bytes([n % 256]) for n in range(20000)]");
    ASSERT_TRUE(made);
    EXPECT_GT(made->bytes(), 80U << 20);
    // 80 MB are seen through a limit of 64.
    Limits limits;
    limits.memory_bytes_max = 64 << 20;
    const Ran ran = thawed(*made, "print(sum(b[4000] for b in ballast[:256]))", limits);
    EXPECT_EQ(ran.output, std::to_string(255 * 256 / 2) + "\n") << ran.outcome.detail;
}

}  // namespace
}  // namespace ac::sandbox
