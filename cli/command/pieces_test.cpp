#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "cli/command/checks.h"
#include "cli/command/runtime_input.h"
#include "cli/command/shell.h"
#include "cli/net/aws_client.h"

namespace ac::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(shell, every_value_is_one_word) {
    EXPECT_EQ(shell_quoted("http://127.0.0.1:7070"), "http://127.0.0.1:7070");
    EXPECT_EQ(shell_quoted(""), "''");
    EXPECT_EQ(shell_quoted("it's $HOME"), "'it'\\''s $HOME'");
    EXPECT_EQ(shell_quoted("a\nb"), "'a\nb'");
}

TEST(exit_codes, are_those_of_the_manual) {
    EXPECT_EQ(static_cast<int>(ExitCode::failed), 1);
    EXPECT_EQ(static_cast<int>(ExitCode::usage), 2);
    EXPECT_EQ(static_cast<int>(ExitCode::unreachable), 3);
    EXPECT_EQ(static_cast<int>(ExitCode::not_found), 4);
    EXPECT_EQ(static_cast<int>(ExitCode::agent_error), 5);
    EXPECT_EQ(static_cast<int>(ExitCode::timed_out), 6);
}

TEST(exit_codes, errors_of_this_machine_never_look_like_a_missing_daemon) {
    EXPECT_EQ(Failure(Error{.code = ErrorCode::unavailable, .message = "disk"}).code,
              ExitCode::failed);
    EXPECT_EQ(Failure(Error{.code = ErrorCode::not_found, .message = "file"}).code,
              ExitCode::not_found);
    EXPECT_EQ(Failure(Error{.code = ErrorCode::deadline_exceeded, .message = "late"}).code,
              ExitCode::timed_out);
}

Failure failure_of(int status, std::string type, std::string_view body) {
    net::ResponseHead head{.status = status, .headers = {}};
    if (!type.empty()) head.headers.add("x-amzn-errortype", std::move(type));
    return service_failure(head, body);
}

TEST(service_failure, names_the_exception_and_its_message) {
    auto failure = failure_of(404, "ResourceNotFoundException:http://x/", R"({"message":"no b"})");
    EXPECT_EQ(failure.code, ExitCode::not_found);
    EXPECT_EQ(failure.message, "ResourceNotFoundException: no b");
    failure = failure_of(424, "RuntimeClientError", R"({"message":"{\"error\": \"boom\"}"})");
    EXPECT_EQ(failure.code, ExitCode::agent_error);
    EXPECT_THAT(failure.message, HasSubstr("boom"));
    failure = failure_of(403, "",
                         "<Error><Code>SignatureDoesNotMatch</Code><Message>m</Message>"
                         "</Error>");
    EXPECT_EQ(failure.message, "SignatureDoesNotMatch: m");
    EXPECT_THAT(failure.next_step, HasSubstr("AWS_ACCESS_KEY_ID"));
    EXPECT_THAT(failure_of(502, "", "<html>").message, HasSubstr("502"));
}

TEST(url, names_a_host_and_a_port) {
    auto url = parse_url("http://127.0.0.1:7070/");
    ASSERT_TRUE(url);
    EXPECT_EQ(url->text(), "http://127.0.0.1:7070");
    EXPECT_EQ(parse_url("http://[::1]:80")->authority(), "[::1]:80");
    EXPECT_EQ(parse_url("http://host")->port, 80);
    for (const char* text :
         {"", "host:1", "https://host:1", "http://", "http://h:0", "http://h:x", "http://h:70000",
          "http://h:1/path", "http://h?x", "http://[::1", "http://u@h:1", "http://[::1]x"}) {
        auto bad = parse_url(text);
        ASSERT_FALSE(bad) << text;
        EXPECT_EQ(bad.error().code, ExitCode::usage);
    }
}

AgentConfig agent() {
    return {.name = "bot",
            .source = "/p",
            .entrypoint = "src/agent.py",
            .deployment_type = "direct_code_deploy",
            .runtime = "PYTHON_3_11",
            .account = "000000000000",
            .region = "us-west-2",
            .network_mode = "PUBLIC",
            .protocol = "HTTP"};
}

TEST(runtime_input, says_where_the_code_is_and_what_starts_it) {
    const auto code = code_location(agent(), std::string(64, 'a'));
    EXPECT_EQ(code.bucket, "bedrock-agentcore-code-000000000000-us-west-2");
    EXPECT_EQ(code.key, "bot/" + std::string(24, 'a') + "/deployment.zip");
    const auto input = runtime_input(agent(), code, {}, "");
    EXPECT_EQ(boost::json::serialize(input),
              R"({"agentRuntimeArtifact":{"codeConfiguration":{"code":{"s3":{"bucket":")"
              R"(bedrock-agentcore-code-000000000000-us-west-2","prefix":"bot/)" +
                  std::string(24, 'a') +
                  R"(/deployment.zip"}},"runtime":"PYTHON_3_11","entryPoint":["src/agent.py"]}},)"
                  R"("roleArn":"arn:aws:iam::000000000000:role/agentcore-runtime",)"
                  R"("networkConfiguration":{"networkMode":"PUBLIC"},)"
                  R"("protocolConfiguration":{"serverProtocol":"HTTP"}})");
}

TEST(runtime_input, takes_over_what_was_configured) {
    AgentConfig bot = agent();
    bot.s3_path = "s3://mine/some/where/";
    bot.execution_role = "arn:aws:iam::000000000000:role/r";
    bot.idle_timeout = 60;
    const auto code = code_location(bot, std::string(64, 'b'));
    EXPECT_EQ(code.bucket, "mine");
    EXPECT_THAT(code.key, HasSubstr("some/where/bot/"));
    auto variables = environment_variables({"A=1=2", "B="});
    ASSERT_TRUE(variables);
    const auto text = boost::json::serialize(
        runtime_input(bot, code, *variables, "aws-opentelemetry-distro>=0.1\n"));
    for (const char* part : {R"("entryPoint":["opentelemetry-instrument","src/agent.py"])",
                             R"("environmentVariables":{"A":"1=2","B":""})",
                             R"("idleRuntimeSessionTimeout":60)", "role/r"})
        EXPECT_THAT(text, HasSubstr(part));
    EXPECT_FALSE(environment_variables({"novalue"}));
    EXPECT_FALSE(environment_variables({"1A=x"}));
}

TEST(doctor, reads_the_probes_report) {
    const auto checks = isolation_checks(
        R"({"layers":[{"name":"seccomp","available":true,"detail":"5","remedy":"x"},)"
        R"({"name":"landlock","available":false,"detail":"no","remedy":"lsm=landlock"}]})");
    ASSERT_EQ(checks.size(), 2u);
    EXPECT_EQ(checks[0].verdict, Verdict::good);
    EXPECT_EQ(checks[0].remedy, "");
    EXPECT_EQ(checks[1].verdict, Verdict::missing);
    EXPECT_EQ(checks[1].remedy, "lsm=landlock");
    for (const char* text : {"", "garbage", "{}", "[]"})
        EXPECT_EQ(isolation_checks(text).front().verdict, Verdict::missing);
}

TEST(doctor, finds_the_variables_that_an_agent_cannot_do_without) {
    EXPECT_THAT(required_variables("a = os.environ[\"MEMORY_ID\"]\nb = os.environ['X']\n"
                                   "c = os.environ.get('OPTIONAL')\nos.environ['SET'] = '1'\n"
                                   "d = os.environ[name]; e = os.environ['X']"),
                ElementsAre("MEMORY_ID", "X"));
}

}  // namespace
}  // namespace ac::cli
