// After every test of this program: no child, no mount, no control group of ours is left.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "sandbox/linux/box_fixture.h"
#include "sandbox/linux/cgroup.h"
#include "sandbox/linux/files.h"

namespace ac::sandbox {
namespace {

auto mounts() {
    const std::string text = read_all("/proc/self/mountinfo");
    return std::ranges::count(text, '\n');
}

class Leftovers final : public testing::Environment {
  public:
    void SetUp() override { mounts_ = mounts(); }
    void TearDown() override {
        EXPECT_EQ(mounts(), mounts_);
        EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
        EXPECT_EQ(errno, ECHILD);
        auto layout =
            parse_cgroup_layout(read_all("/proc/self/cgroup"), read_all("/proc/self/mountinfo"));
        if (layout.v2) layout.v1["unified"] = *layout.v2;
        const std::string ours = fmt::format("agentcored-test-{}-", ::getpid());
        for (const auto& [controller, folder] : layout.v1)
            for (const auto& entry : std::filesystem::directory_iterator(folder))
                EXPECT_FALSE(entry.path().filename().string().starts_with(ours)) << entry.path();
    }

  private:
    std::ptrdiff_t mounts_ = 0;
};

[[maybe_unused]] const testing::Environment* const registered =
    testing::AddGlobalTestEnvironment(new Leftovers);

}  // namespace
}  // namespace ac::sandbox
