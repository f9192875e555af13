#include "server/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ac::server {
namespace {

using testing::HasSubstr;

TEST(metrics, requests_are_counted_by_operation_and_status) {
    Metrics metrics;
    metrics.observe_request("InvokeAgentRuntime", 200, std::chrono::microseconds{80});
    metrics.observe_request("InvokeAgentRuntime", 200, std::chrono::milliseconds{3});
    metrics.observe_request("InvokeAgentRuntime", 424, std::chrono::hours{1});
    const std::string text = metrics.render();
    EXPECT_THAT(
        text,
        HasSubstr(R"(agentcored_requests_total{operation="InvokeAgentRuntime",status="200"} 2)"));
    EXPECT_THAT(
        text,
        HasSubstr(R"(agentcored_requests_total{operation="InvokeAgentRuntime",status="424"} 1)"));
    EXPECT_THAT(text, HasSubstr(R"(_bucket{operation="InvokeAgentRuntime",le="0.0001"} 1)"));
    EXPECT_THAT(text, HasSubstr(R"(_bucket{operation="InvokeAgentRuntime",le="300"} 2)"));
    EXPECT_THAT(text, HasSubstr(R"(_bucket{operation="InvokeAgentRuntime",le="+Inf"} 3)"));
}

TEST(metrics, readings_are_asked_at_each_scrape) {
    Metrics metrics;
    int sessions = 1;
    metrics.add_gauge("agentcored_sessions", "Live sessions.", [&] { return sessions; });
    EXPECT_THAT(metrics.render(),
                HasSubstr("# TYPE agentcored_sessions gauge\nagentcored_sessions 1\n"));
    sessions = 2;
    EXPECT_THAT(metrics.render(), HasSubstr("\nagentcored_sessions 2\n"));
}

}  // namespace
}  // namespace ac::server
