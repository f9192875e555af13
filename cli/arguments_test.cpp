#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/options.h"

namespace ac::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

template <class Options>
Options parsed(std::vector<std::string> arguments) {
    auto line = parse_arguments(std::move(arguments));
    if (!line) {
        ADD_FAILURE() << line.error().message;
        return {};
    }
    return std::get<Options>(std::get<CommandLine>(*line).command);
}

Failure refused(std::vector<std::string> arguments) {
    auto line = parse_arguments(std::move(arguments));
    EXPECT_FALSE(line.has_value());
    return line ? Failure(ExitCode::ok, "") : line.error();
}

TEST(arguments, take_the_toolkits_one_dash_options_of_several_letters) {
    const auto o = parsed<ConfigureOptions>({"configure",
                                             "-e",
                                             "agent.py",
                                             "-n",
                                             "bot",
                                             "-rf",
                                             "deps.txt",
                                             "-er",
                                             "role",
                                             "-r",
                                             "eu-west-1",
                                             "-p",
                                             "HTTP",
                                             "-rt",
                                             "PYTHON_3_12",
                                             "-dt",
                                             "direct_code_deploy",
                                             "-do",
                                             "-dm",
                                             "-ni",
                                             "--idle-timeout",
                                             "60",
                                             "--max-lifetime=3600"});
    EXPECT_EQ(o.entrypoint, "agent.py");
    EXPECT_EQ(o.name, "bot");
    EXPECT_EQ(o.requirements_file, "deps.txt");
    EXPECT_EQ(o.execution_role, "role");
    EXPECT_EQ(o.region, "eu-west-1");
    EXPECT_EQ(o.runtime, "PYTHON_3_12");
    EXPECT_EQ(o.deployment_type, "direct_code_deploy");
    EXPECT_TRUE(o.disable_otel && o.disable_memory && o.non_interactive);
    EXPECT_EQ(o.idle_timeout, 60);
    EXPECT_EQ(o.max_lifetime, 3600);
}

TEST(arguments, deploy_collects_every_variable) {
    const auto o = parsed<DeployOptions>(
        {"deploy", "-a", "bot", "-env", "A=1", "--env", "B=2", "-env=C=3", "-auc"});
    EXPECT_EQ(o.agent, "bot");
    EXPECT_THAT(o.env, ElementsAre("A=1", "B=2", "C=3"));
    EXPECT_TRUE(o.update_on_conflict);
    EXPECT_TRUE(parsed<DeployOptions>({"launch"}).env.empty());
}

TEST(arguments, invoke_takes_json_text_and_stdin) {
    auto o =
        parsed<InvokeOptions>({"invoke", R"({"prompt": "Hi"})", "--session-id", "session-123"});
    EXPECT_EQ(o.payload, R"({"prompt": "Hi"})");
    EXPECT_EQ(o.session_id, "session-123");
    EXPECT_TRUE(o.stream);
    o = parsed<InvokeOptions>({"invoke", "-", "-s", "s", "-u", "ann", "--no-stream", "-bt", "t"});
    EXPECT_EQ(o.payload, "-");
    EXPECT_EQ(o.user_id, "ann");
    EXPECT_EQ(o.bearer_token, "t");
    EXPECT_FALSE(o.stream);
    EXPECT_EQ(parsed<InvokeOptions>({"invoke", "hello there"}).payload, "hello there");
}

TEST(arguments, common_options_reach_every_command) {
    for (const std::vector<std::string>& command : {std::vector<std::string>{"status"},
                                                    {"logs"},
                                                    {"sessions"},
                                                    {"stop-session"},
                                                    {"env"},
                                                    {"doctor"},
                                                    {"destroy"},
                                                    {"deploy"},
                                                    {"daemon", "status"},
                                                    {"configure", "list"}}) {
        auto arguments = command;
        for (const char* text : {"--json", "--endpoint", "http://h:1", "--data-dir", "/d"})
            arguments.emplace_back(text);
        auto line = parse_arguments(arguments);
        ASSERT_TRUE(line) << command.front() << line.error().message;
        const auto& common = std::get<CommandLine>(*line).common;
        EXPECT_TRUE(common.json) << command.front();
        EXPECT_EQ(common.endpoint, "http://h:1");
        EXPECT_EQ(common.data_dir, "/d");
    }
}

TEST(arguments, subcommands_are_told_apart) {
    parsed<ConfigureListOptions>({"configure", "list"});
    EXPECT_EQ(parsed<ConfigureSetDefaultOptions>({"configure", "set-default", "b"}).name, "b");
    EXPECT_EQ(parsed<DaemonOptions>({"daemon", "start"}).action, DaemonAction::start);
    EXPECT_EQ(parsed<DaemonOptions>({"daemon", "stop"}).action, DaemonAction::stop);
    EXPECT_TRUE(parsed<LogsOptions>({"logs", "-f", "--tail", "20"}).follow);
}

TEST(arguments, wrong_lines_are_usage_and_say_where_to_look) {
    EXPECT_EQ(refused({}).code, ExitCode::usage);
    EXPECT_EQ(refused({"nonsense"}).code, ExitCode::usage);
    EXPECT_EQ(refused({"invoke"}).code, ExitCode::usage);
    EXPECT_THAT(refused({"invoke"}).next_step, HasSubstr("agentcore invoke --help"));
    EXPECT_EQ(refused({"configure", "--idle-timeout", "5"}).code, ExitCode::usage);
    EXPECT_EQ(refused({"logs", "--tail", "x"}).code, ExitCode::usage);
}

TEST(arguments, what_the_toolkit_has_and_we_have_not_is_said) {
    const auto failure = refused({"configure", "-e", "a.py", "--vpc", "--subnets", "subnet-1"});
    EXPECT_EQ(failure.code, ExitCode::usage);
    EXPECT_THAT(failure.message, HasSubstr("not supported"));
    EXPECT_THAT(refused({"deploy", "--local"}).message, HasSubstr("not supported"));
    EXPECT_THAT(refused({"configure", "-ecr", "repo"}).message, HasSubstr("--ecr"));
}

TEST(arguments, help_and_version_are_no_failure) {
    for (const std::vector<std::string>& arguments :
         {std::vector<std::string>{"--help"}, {"--version"}, {"invoke", "--help"}}) {
        auto line = parse_arguments(arguments);
        ASSERT_TRUE(line);
        EXPECT_FALSE(std::get<HelpText>(*line).text.empty());
    }
    auto help = parse_arguments({"invoke", "--help"});
    EXPECT_THAT(std::get<HelpText>(*help).text, HasSubstr("--session-id"));
}

}  // namespace
}  // namespace ac::cli
