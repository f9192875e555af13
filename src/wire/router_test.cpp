#include "wire/router.h"

#include <gtest/gtest.h>

#include "wire/operation.h"

namespace ac::wire {
namespace {

using Outcome = RouteMatch::Outcome;

Router all_operations() {
    Router router;
    for (std::size_t i = 0; i < operations().size(); ++i)
        router.add(operations()[i].method, operations()[i].uri, i);
    return router;
}

std::string found_by(const Router& router, std::string_view method, std::string_view path) {
    const RouteMatch match = router.find(method, path);
    return match.outcome == Outcome::found ? std::string(operations()[match.target].name) : "";
}

TEST(router, every_operation_is_found_by_its_own_template) {
    const Router router = all_operations();
    EXPECT_GE(operations().size(), 250U);
    for (const OperationSpec& operation : operations()) {
        std::string path(operation.uri);
        for (std::size_t open = 0; (open = path.find('{')) != std::string::npos;)
            path.replace(open, path.find('}') - open + 1, "a%2Fb%3Ac%23d");
        EXPECT_EQ(found_by(router, operation.method, path), operation.name) << path;
    }
}

TEST(router, a_trailing_slash_is_optional) {
    const Router router = all_operations();
    EXPECT_EQ(found_by(router, "GET", "/runtimes/abc-1234567890/"), "GetAgentRuntime");
    EXPECT_EQ(found_by(router, "GET", "/runtimes/abc-1234567890"), "GetAgentRuntime");
    EXPECT_EQ(found_by(router, "PUT", "/runtimes"), "CreateAgentRuntime");
    EXPECT_EQ(found_by(router, "PUT", "/runtimes/"), "CreateAgentRuntime");
    EXPECT_EQ(found_by(router, "PUT", "/runtimes//"), "");
    EXPECT_EQ(found_by(router, "GET", "//runtimes/abc"), "");
}

TEST(router, labels_are_decoded_after_the_split) {
    const Router router = all_operations();
    const RouteMatch match = router.find(
        "POST",
        "/runtimes/arn%3Aaws%3Abedrock-agentcore%3Aus-west-2%3A1%3Aruntime%2Fx/invocations");
    ASSERT_EQ(match.outcome, Outcome::found);
    EXPECT_EQ(operations()[match.target].name, "InvokeAgentRuntime");
    ASSERT_EQ(match.labels.size(), 1U);
    EXPECT_EQ(match.labels[0].name, "agentRuntimeArn");
    EXPECT_EQ(match.labels[0].value, "arn:aws:bedrock-agentcore:us-west-2:1:runtime/x");
}

TEST(router, a_literal_wins_over_a_label_and_falls_back_to_it) {
    Router router;
    router.add("GET", "/a/{x}/c", 1);
    router.add("GET", "/a/b/d", 2);
    EXPECT_EQ(router.find("GET", "/a/b/d").target, 2U);
    const RouteMatch match = router.find("GET", "/a/b/c");
    ASSERT_EQ(match.outcome, Outcome::found);
    EXPECT_EQ(match.target, 1U);
    EXPECT_EQ(match.labels.at(0).value, "b");
}

TEST(router, a_greedy_label_takes_the_rest) {
    Router router;
    router.add("GET", "/x/{id}/files/{path+}", 7);
    const RouteMatch match = router.find("GET", "/x/1/files/a/b%20c/d.txt");
    ASSERT_EQ(match.outcome, Outcome::found);
    EXPECT_EQ(match.labels.at(1).name, "path");
    EXPECT_EQ(match.labels.at(1).value, "a/b c/d.txt");
    EXPECT_EQ(router.find("GET", "/x/1/files").outcome, Outcome::unknown_path);
}

TEST(router, tells_an_unknown_path_from_a_wrong_method_and_from_bad_encoding) {
    const Router router = all_operations();
    EXPECT_EQ(router.find("GET", "/nothing/here").outcome, Outcome::unknown_path);
    EXPECT_EQ(router.find("GET", "/").outcome, Outcome::unknown_path);
    EXPECT_EQ(router.find("GET", "").outcome, Outcome::unknown_path);
    EXPECT_EQ(router.find("GET", "/runtimes/%zz/").outcome, Outcome::malformed);
    EXPECT_EQ(router.find("GET", "/runtimes/%ff/").outcome, Outcome::malformed);
    const RouteMatch match = router.find("PATCH", "/runtimes/abc/");
    ASSERT_EQ(match.outcome, Outcome::wrong_method);
    EXPECT_EQ(match.methods, (std::vector<std::string>{"DELETE", "GET", "PUT"}));
    EXPECT_EQ(router.find("GET", std::string(100'000, '/')).outcome, Outcome::unknown_path);
}

TEST(router, an_encoded_slash_never_makes_a_segment) {
    const Router router = all_operations();
    EXPECT_EQ(found_by(router, "GET", "/runtimes%2Fabc"), "");
    EXPECT_EQ(found_by(router, "GET", "/memories/m/..%2F..%2Fdetails/details"), "");
}

}  // namespace
}  // namespace ac::wire
