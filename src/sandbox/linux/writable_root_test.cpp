// Guests with a root file system that they may write to.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "sandbox/linux/box_fixture.h"

namespace ac::sandbox {
namespace {

namespace fs = std::filesystem;

class WritableRoots : public testing::Test {
  protected:
    WritableRoots() {
        for (const char* name : {"etc", "usr/bin", "usr/lib", "usr/lib64"})
            fs::create_directories(root_ / name);
        for (const char* name : {"bin", "lib", "lib64"})
            fs::create_symlink(std::string("usr/") + name, root_ / name);
        // Where ours are mounted, an image may have anything.
        fs::create_symlink("/etc", root_ / "dev");
        std::ofstream(root_ / "tmp") << "a file";
        std::ofstream(root_ / "etc/settings") << "as built";
        policy_.set_writable_root(grants::WritableRoot{}, root_);
        for (const char* name : {"/usr/bin", "/usr/lib", "/usr/lib64"})
            policy_.add_mount({name, name});
    }
    ~WritableRoots() override { fs::remove_all(root_); }

    Ran shell(const std::string& script, Limits limits = {}) {
        return box_.shell(script, policy_, limits);
    }

    const fs::path root_ =
        fs::temp_directory_path() / ("writable-root-" + std::to_string(::getpid()));
    Policy policy_;
    Box box_{Box::options_for_test()};
};

TEST_F(WritableRoots, files_are_changed_made_moved_and_removed_for_this_guest_only) {
    const std::string script =
        "cat /etc/settings; echo ' and changed' >> /etc/settings; cat /etc/settings; mkdir -p "
        "/opt/new; "
        "mv /etc/settings /opt/new/; ls /etc /opt/new; rm /opt/new/settings; ls /opt/new";
    const std::string expected = "as builtas built and changed\n/etc:\n\n/opt/new:\nsettings\n";
    EXPECT_EQ(shell(script).output, expected);
    EXPECT_EQ(shell(script).output, expected);
    std::string kept;
    std::ifstream(root_ / "etc/settings") >> kept;
    EXPECT_EQ(kept, "as");
    EXPECT_FALSE(fs::exists(root_ / "opt"));
}

TEST_F(WritableRoots, what_is_mounted_read_only_stays_so) {
    const Ran ran = shell(
        "for f in /usr/bin/x /proc/sys/kernel/hostname /dev/x; do echo x > $f || echo no; done; "
        "ls -d /dev/null; echo y > /tmp/y && cat /tmp/y");
    EXPECT_EQ(ran.output.find("ok"), ran.output.npos);
    EXPECT_NE(ran.output.find("/dev/null\ny\n"), ran.output.npos) << ran.output;
    EXPECT_FALSE(fs::exists("/usr/bin/x"));
}

TEST_F(WritableRoots, hold_a_bounded_number_of_bytes_and_files) {
    const Limits limits{.work_bytes_max = 4 << 20, .work_files_max = 100};
    EXPECT_NE(shell("head -c 8000000 /dev/zero > /etc/big", limits).output.find("No space left"),
              std::string::npos);
    EXPECT_NE(shell("i=0; while [ $i -lt 200 ]; do echo x > /etc/$i; i=$((i+1)); done", limits)
                  .output.find("No space left"),
              std::string::npos);
}

TEST_F(WritableRoots, belong_to_the_user_that_is_asked_for) {
    if (::geteuid() != 0) GTEST_SKIP() << "without privilege there is one user";
    for (const auto& [user, seen] : {std::pair{GuestUser{0, 0}, "0 0 0\n"},
                                     std::pair{GuestUser{1234, 99}, "1234 99 1234\n"}}) {
        policy_.set_user(user);
        EXPECT_EQ(shell("echo $(id -u) $(id -g) $(stat -c %u /etc/settings)").output, seen);
        EXPECT_EQ(shell("grep CapEff /proc/self/status").output, "CapEff:\t0000000000000000\n");
        EXPECT_NE(shell("mount -t tmpfs x /etc").outcome.code, 0);
        EXPECT_NE(shell("chown 5 /etc/settings").outcome.code, 0);
    }
}

TEST_F(WritableRoots, the_hosts_userland_cannot_be_one) {
    Policy policy;
    policy.set_writable_root(grants::WritableRoot{}, "");
    EXPECT_EQ(box_.shell("true", policy).outcome.reason, Reason::failed_to_start);
}

}  // namespace
}  // namespace ac::sandbox
