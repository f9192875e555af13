#include "sandbox/linux/cgroup.h"

#include <gtest/gtest.h>

namespace ac::sandbox {
namespace {

TEST(cgroup_layout, unified_only) {
    const auto layout = parse_cgroup_layout(
        "0::/system.slice/agentcored.service\n",
        "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n");
    EXPECT_TRUE(layout.v1.empty());
    EXPECT_EQ(layout.v2, "/sys/fs/cgroup/system.slice/agentcored.service");
}

TEST(cgroup_layout, hybrid_with_controllers_of_version_1) {
    const auto layout = parse_cgroup_layout(
        "8:pids:/\n4:memory:/outer/inner\n2:cpu,cpuacct:/a\n0::/\n",
        "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
        "39 31 0:36 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
        "40 31 0:37 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
        "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
    EXPECT_EQ(layout.v1.at("memory"), "/sys/fs/cgroup/memory/outer/inner");
    EXPECT_EQ(layout.v1.at("pids"), "/sys/fs/cgroup/pids");
    EXPECT_EQ(layout.v1.at("cpu"), "/sys/fs/cgroup/cpu,cpuacct/a");
    EXPECT_EQ(layout.v1.at("cpuacct"), "/sys/fs/cgroup/cpu,cpuacct/a");
    EXPECT_EQ(layout.v2, "/sys/fs/cgroup/unified");
}

TEST(cgroup_layout, a_container_sees_its_own_part_as_the_root) {
    const auto layout = parse_cgroup_layout(
        "4:memory:/docker/abc\n",
        "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n");
    EXPECT_EQ(layout.v1.at("memory"), "/sys/fs/cgroup/memory");
}

TEST(cgroup_layout, nothing_mounted) {
    const auto layout = parse_cgroup_layout("", "garbage\n\n1 2 3\n");
    EXPECT_TRUE(layout.v1.empty());
    EXPECT_FALSE(layout.v2);
}

TEST(cgroup_tree, says_what_is_missing) {
    const CgroupTree tree = CgroupTree::open({}, "none");
    EXPECT_EQ(tree.missing().size(), 3U);
    EXPECT_TRUE(tree.missing().contains("cgroup-memory"));
}

}  // namespace
}  // namespace ac::sandbox
