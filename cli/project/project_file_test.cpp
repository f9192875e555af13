#include "cli/project/project_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "cli/test_support.h"

namespace ac::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kToolkitFile = R"(default_agent: bot
future_key: {a: [1, 'two', null], b: "0077"}
agents:
  bot:
    name: bot
    language: python
    node_version: '20'
    entrypoint: agent.py
    deployment_type: direct_code_deploy
    runtime_type: PYTHON_3_12
    platform: linux/arm64
    container_runtime: null
    source_path: .
    aws:
      execution_role: arn:aws:iam::111122223333:role/r
      execution_role_auto_create: false
      account: '111122223333'
      region: us-west-2
      network_configuration:
        network_mode: PUBLIC
        network_mode_config: null
      protocol_configuration:
        server_protocol: HTTP
      observability:
        enabled: true
      lifecycle_configuration:
        idle_runtime_session_timeout: 120
        max_lifetime: null
    bedrock_agentcore:
      agent_id: bot-abcdefghij
      agent_arn: arn:aws:bedrock-agentcore:us-west-2:111122223333:runtime/bot-abcdefghij
      agent_session_id: null
    memory:
      mode: STM_ONLY
      memory_id: bot_mem-1
    authorizer_configuration:
      customJWTAuthorizer:
        discoveryUrl: https://x/.well-known/openid-configuration
        allowedClients: ['123', abc]
    aws_jwt: {enabled: true}
  other:
    name: other
    entrypoint: other.py
)";

class project_file : public testing::Test {
  protected:
    ProjectFile load() {
        auto project = ProjectFile::load(folder_.path());
        EXPECT_TRUE(project) << project.error().message;
        return std::move(*project);
    }
    std::string text() { return folder_.read(".bedrock_agentcore.yaml"); }

    TemporaryFolder folder_;
};

TEST_F(project_file, reads_what_the_toolkit_wrote) {
    folder_.write(".bedrock_agentcore.yaml", kToolkitFile);
    folder_.write("agent.py", "");
    const ProjectFile project = load();
    EXPECT_THAT(project.agent_names(), ElementsAre("bot", "other"));
    auto agent = project.agent("");
    ASSERT_TRUE(agent);
    EXPECT_EQ(agent->source, folder_.path());
    EXPECT_EQ(agent->entrypoint, "agent.py");
    EXPECT_EQ(agent->runtime, "PYTHON_3_12");
    EXPECT_EQ(agent->account, "111122223333");
    EXPECT_EQ(agent->idle_timeout, 120);
    EXPECT_FALSE(agent->max_lifetime);
    EXPECT_EQ(agent->runtime_id, "bot-abcdefghij");
    EXPECT_EQ(agent->session_id, "");
    EXPECT_EQ(boost::json::serialize(agent->authorizer),
              R"({"customJWTAuthorizer":{"discoveryUrl":"https://x/.well-known/)"
              R"(openid-configuration","allowedClients":["123","abc"]}})");
}

TEST_F(project_file, keeps_what_it_does_not_know_and_quotes_that_matter) {
    folder_.write(".bedrock_agentcore.yaml", kToolkitFile);
    folder_.write("agent.py", "");
    ProjectFile project = load();
    auto agent = project.agent("bot");
    ASSERT_TRUE(agent);
    agent->session_id = "0123";
    project.put(*agent);
    ASSERT_TRUE(project.save());
    for (const char* line :
         {"node_version: '20'", "account: '111122223333'", "platform: linux/arm64",
          "memory_id: bot_mem-1", "mode: STM_ONLY", "enabled: true", "b: '0077'", "- 'two'",
          "agent_session_id: '0123'", "allowedClients:", "execution_role_auto_create: false",
          "entrypoint: agent.py", "source_path: .", "entrypoint: other.py"})
        EXPECT_THAT(text(), HasSubstr(line));
    EXPECT_THAT(text(), Not(HasSubstr("requirements_file")));
    auto again = load().agent("bot");
    ASSERT_TRUE(again);
    EXPECT_EQ(again->session_id, "0123");
    EXPECT_EQ(again->authorizer, agent->authorizer);
}

TEST_F(project_file, writing_twice_changes_nothing) {
    folder_.write(".bedrock_agentcore.yaml", kToolkitFile);
    folder_.write("agent.py", "");
    ProjectFile project = load();
    auto agent = project.agent("bot");
    ASSERT_TRUE(agent);
    project.put(*agent);
    ASSERT_TRUE(project.save());
    const std::string first = text();
    ProjectFile second = load();
    second.put(*second.agent("bot"));
    ASSERT_TRUE(second.save());
    EXPECT_EQ(text(), first);
}

TEST_F(project_file, a_new_agent_has_the_toolkits_keys_and_nothing_shares_a_value) {
    auto project = ProjectFile::load_or_new(folder_.path());
    ASSERT_TRUE(project);
    AgentConfig agent{.name = "fresh",
                      .source = folder_.path(),
                      .entrypoint = "agent.py",
                      .deployment_type = "direct_code_deploy",
                      .runtime = "PYTHON_3_11",
                      .network_mode = "PUBLIC",
                      .protocol = "HTTP"};
    project->put(agent);
    agent.account = "000000000000";
    agent.runtime_id = "fresh-1234567890";
    project->put(agent);
    ASSERT_TRUE(project->save());
    for (const char* line :
         {"default_agent: fresh", "name: fresh", "account: '000000000000'", "ecr_repository: null",
          "agent_id: fresh-1234567890", "agent_arn: null", "agent_session_id: null",
          "mode: NO_MEMORY", "authorizer_configuration: null", "max_lifetime: null",
          "execution_role: null", "network_mode_config: null"})
        EXPECT_THAT(text(), HasSubstr(line));
}

TEST_F(project_file, forgets_a_deployment_and_keeps_the_agent) {
    folder_.write(".bedrock_agentcore.yaml", kToolkitFile);
    ProjectFile project = load();
    project.forget_deployment("bot");
    ASSERT_TRUE(project.save());
    auto agent = load().agent("bot");
    ASSERT_TRUE(agent);
    EXPECT_EQ(agent->runtime_id, "");
    EXPECT_EQ(agent->runtime_arn, "");
    EXPECT_EQ(agent->runtime, "PYTHON_3_12");
}

TEST_F(project_file, reads_the_old_form_with_one_agent_at_the_top) {
    folder_.write(".bedrock_agentcore.yaml",
                  "name: old\nentrypoint: a.py\naws: {region: eu-west-1}\n");
    auto agent = load().agent("");
    ASSERT_TRUE(agent);
    EXPECT_EQ(agent->name, "old");
    EXPECT_EQ(agent->region, "eu-west-1");
}

TEST_F(project_file, says_what_is_wrong_with_a_file) {
    auto none = ProjectFile::load(folder_.path());
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, ExitCode::not_found);
    EXPECT_THAT(none.error().next_step, HasSubstr("agentcore configure"));
    const std::string bomb =
        "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
        "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
        "e: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n";
    for (const std::string& text :
         {std::string("a: ["), std::string("- 1\n"), std::string("agents: [1]\n"), bomb}) {
        folder_.write(".bedrock_agentcore.yaml", text);
        auto project = ProjectFile::load(folder_.path());
        ASSERT_FALSE(project) << text;
        EXPECT_EQ(project.error().code, ExitCode::usage);
    }
}

TEST_F(project_file, choosing_an_agent_names_those_there_are) {
    folder_.write(".bedrock_agentcore.yaml", kToolkitFile);
    auto agent = load().agent("nobody");
    ASSERT_FALSE(agent);
    EXPECT_EQ(agent.error().code, ExitCode::not_found);
    EXPECT_THAT(agent.error().next_step, HasSubstr("bot, other"));
}

TEST_F(project_file, a_program_alone_is_found_again) {
    folder_.write("build/agent", "x");
    auto made = ProjectFile::load_or_new(folder_.path());
    ASSERT_TRUE(made);
    made->put({.name = "native",
               .source = folder_.path() / "build",
               .entrypoint = "agent",
               .program_alone = true});
    ASSERT_TRUE(made->save());
    EXPECT_THAT(folder_.read(".bedrock_agentcore.yaml"), HasSubstr("source_path: build/agent"));
    const auto agent = load().agent("native");
    ASSERT_TRUE(agent);
    EXPECT_TRUE(agent->program_alone);
    EXPECT_EQ(agent->source, folder_.path() / "build");
    EXPECT_EQ(agent->entrypoint, "agent");
}

}  // namespace
}  // namespace ac::cli
