#include "sandbox/probe.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

namespace ac::sandbox {
namespace {

TEST(probe, tries_every_layer_and_says_how_to_get_what_is_missing) {
    const Report report = probe();
    for (const char* name :
         {"user-namespace", "pid-namespace", "network-namespace", "ipc-namespace", "uts-namespace",
          "cgroup-namespace", "private-root", "cgroup-memory", "cgroup-pids", "cgroup-cpu",
          "seccomp", "landlock", "templates"})
        EXPECT_EQ(std::ranges::count(report.layers, name, &Layer::name), 1) << name;
    for (const Layer& layer : report.layers)
        if (!layer.available) {
            EXPECT_FALSE(layer.detail.empty()) << layer.name;
            EXPECT_FALSE(layer.remedy.empty()) << layer.name;
        }
}

TEST(probe, what_is_needed_everywhere_is_there) {
    const Report report = probe();
    for (const Layer& layer : report.layers)
        if (!layer.name.starts_with("cgroup-") || ::geteuid() == 0) {
            EXPECT_TRUE(layer.available) << layer.name << ": " << layer.detail;
        }
}

TEST(probe, a_missing_layer_can_be_accepted_by_name) {
    Report report;
    report.layers = {{.name = "seccomp", .available = true}, {.name = "landlock"}, {.name = "x"}};
    std::string names;
    EXPECT_TRUE(report.missing({}, names));
    EXPECT_EQ(names, "landlock, x");
    EXPECT_TRUE(report.missing({"x"}, names));
    EXPECT_EQ(names, "landlock");
    EXPECT_FALSE(report.missing({"x", "landlock"}, names));
}

}  // namespace
}  // namespace ac::sandbox
