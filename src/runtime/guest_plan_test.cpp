#include "runtime/guest_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/build_box.h"

namespace ac::runtime {
namespace {

using testing::Contains;
using testing::Not;
using testing::StartsWith;

GuestPlan plan(const Spec& spec, const GuestLinks& links) {
    const Scope scope{"000000000000", "us-west-2"};
    const Resolved target{.version = 1, .spec = spec, .built = {.command = {"python3", "a.py"}}};
    return plan_guest(scope, RuntimeId("agent-1"), "DEFAULT", target, {}, links);
}

TEST(guest_plan, points_stock_clients_at_the_platform) {
    const GuestPlan made = plan({}, {.platform_url = "http://127.0.0.1:7070"});
    EXPECT_THAT(made.environment, Contains("AWS_ENDPOINT_URL=http://127.0.0.1:7070"));
    EXPECT_THAT(made.environment, Contains("AWS_REGION=us-west-2"));
    EXPECT_THAT(made.environment, Contains(StartsWith("AWS_ACCESS_KEY_ID=AKIAGUEST")));
}

TEST(guest_plan, an_agents_own_settings_win) {
    const Spec spec{.environment = {{"AWS_ENDPOINT_URL", "http://mine"}}};
    const GuestPlan made = plan(spec, {.platform_url = "http://127.0.0.1:7070"});
    EXPECT_THAT(made.environment, Contains("AWS_ENDPOINT_URL=http://mine"));
}

TEST(guest_plan, without_a_platform_nothing_is_told) {
    EXPECT_THAT(plan({}, {}).environment, Not(Contains(StartsWith("AWS_ENDPOINT_URL"))));
}

// Python puts the script's folder before PYTHONPATH, where the archive's copy of a package would
// hide the one that replaces it.
TEST(guest_plan, replaced_packages_come_before_those_of_the_archive) {
    const Resolved target{.version = 1,
                          .spec = {},
                          .built = {.overlay_folder = "/replaced",
                                    .interpreter = "/usr/bin/python3.11",
                                    .command = {"python3", std::string(kCodePath) + "/src/a.py"}}};
    const GuestPlan made =
        plan_guest({"000000000000", "us-west-2"}, RuntimeId("agent-1"), "DEFAULT", target, {}, {});
    const std::string code(kCodePath);
    EXPECT_THAT(made.environment,
                Contains("PYTHONPATH=" + std::string(kOverlayPath) + ":" + code + "/src:" + code));
    EXPECT_THAT(made.environment, Contains("PYTHONSAFEPATH=1"));
    EXPECT_THAT(plan({}, {}).environment, Not(Contains(StartsWith("PYTHONSAFEPATH"))));
}

TEST(guest_plan, a_program_finds_its_libraries_and_nothing_of_pythons) {
    const GuestPlan made = plan({}, {});
    EXPECT_THAT(made.environment, Contains("LD_LIBRARY_PATH=/var/task:/var/task/lib"));
    EXPECT_THAT(made.environment, Not(Contains(StartsWith("PYTHON"))));
    const Resolved node{.version = 1,
                        .spec = {},
                        .built = {.packages_folder = "/modules",
                                  .interpreter = "/opt/node/bin/node",
                                  .command = {"/opt/node/bin/node", "/var/task/app.js"}}};
    const GuestPlan other =
        plan_guest({"000000000000", "us-west-2"}, RuntimeId("agent-1"), "DEFAULT", node, {}, {});
    EXPECT_THAT(other.environment, Contains("NODE_ENV=production"));
    EXPECT_THAT(other.environment, Not(Contains(StartsWith("PYTHON"))));
    EXPECT_THAT(other.environment, Not(Contains(StartsWith("LD_LIBRARY_PATH"))));
}

}  // namespace
}  // namespace ac::runtime
