// Whole commands, from arguments to what the user sees, against a daemon over a real socket.
#include <gmock/gmock.h>

#include <boost/json/parse.hpp>

#include "cli/command/commands.h"
#include "cli/net/aws_client.h"
#include "cli/project/project_file.h"
#include "cli/test_support.h"
#include "cli/testing/fake_daemon.h"

namespace ac::cli {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class flow : public ::testing::Test {
  protected:
    flow() { folder_.write("agent.py", "print('hi')\n"); }

    int run(std::vector<std::string> arguments) {
        console_.out_text.clear();
        console_.err_text.clear();
        World world{.environment = environment_,
                    .folder = folder_.path(),
                    .program = folder_.path() / "bin/agentcore",
                    .console = console_,
                    .clock = clock_,
                    .random = random_};
        return main_with(world, std::move(arguments));
    }
    json::value document() {
        boost::system::error_code error;
        auto value = json::parse(console_.out_text, error);
        EXPECT_FALSE(error) << console_.out_text;
        return value;
    }
    AgentConfig agent() { return *ProjectFile::load(folder_.path())->agent(""); }
    void deploy() {
        ASSERT_EQ(run({"configure", "-e", "agent.py", "-n", "bot", "-ni"}), 0) << console_.err_text;
        ASSERT_EQ(run({"deploy"}), 0) << console_.err_text;
    }

    testing::FakeDaemon daemon_;
    TemporaryFolder folder_;
    RecordingConsole console_;
    SystemClock clock_;
    SystemRandom random_;
    std::map<std::string, std::string> environment_ = {
        {"AGENTCORE_ENDPOINT", daemon_.url()},
        {"AGENTCORE_DATA_DIR", (folder_.path() / ".data").string()},
        {"AWS_ACCESS_KEY_ID", "AKIATEST"},
        {"AWS_SECRET_ACCESS_KEY", "secret"},
        {"PATH", "/usr/bin:/bin"}};
};

TEST_F(flow, deploy_packs_uploads_creates_and_waits) {
    deploy();
    EXPECT_THAT(console_.out_text, HasSubstr("runtime/bot-0123456789"));
    EXPECT_THAT(console_.out_text, HasSubstr("Next: agentcore invoke"));
    EXPECT_THAT(console_.err_text, HasSubstr("Status READY"));
    EXPECT_THAT(console_.err_text, HasSubstr("installing"));
    const auto objects = daemon_.objects();
    ASSERT_EQ(objects.size(), 1u);
    const auto& [path, bytes] = *objects.begin();
    EXPECT_THAT(path, StartsWith("/bedrock-agentcore-code-123456789012-us-west-2/bot/"));
    EXPECT_THAT(bytes, StartsWith("PK"));
    EXPECT_EQ(agent().runtime_id, "bot-0123456789");
    EXPECT_EQ(agent().account, "123456789012");
    for (const auto& request : daemon_.seen())
        if (request.line() == "PUT /runtimes/") {
            const auto input = json::parse(request.body);
            EXPECT_EQ(text_at(input, "agentRuntimeName"), "bot");
            EXPECT_EQ(text_at(input, "roleArn"),
                      "arn:aws:iam::123456789012:role/agentcore-runtime");
        }
}

TEST_F(flow, a_second_deploy_updates_and_uploads_only_what_changed) {
    deploy();
    ASSERT_EQ(run({"deploy", "--json", "--env", "A=1"}), 0);
    EXPECT_EQ(text_at(document(), "agentRuntimeVersion"), "2");
    EXPECT_EQ(member_at(document(), "created"), json::value(false));
    EXPECT_EQ(daemon_.objects().size(), 1u);
    folder_.write("agent.py", "print('changed')\n");
    ASSERT_EQ(run({"deploy"}), 0);
    EXPECT_EQ(daemon_.objects().size(), 2u);
    EXPECT_EQ(daemon_.count("PUT /runtimes/"), 1u);
    EXPECT_EQ(daemon_.count("PUT /runtimes/bot-0123456789/"), 2u);
}

TEST_F(flow, an_agent_that_the_daemon_does_not_know_is_created_anew) {
    deploy();
    daemon_.forget_runtimes();
    ASSERT_EQ(run({"deploy"}), 0) << console_.err_text;
    EXPECT_THAT(console_.err_text, HasSubstr("creating it anew"));
    EXPECT_EQ(daemon_.count("PUT /runtimes/"), 2u);
}

TEST_F(flow, a_name_that_is_taken_is_updated_only_when_asked) {
    deploy();
    ASSERT_EQ(run({"configure", "-e", "agent.py", "-n", "bot", "-ni"}), 0);
    ProjectFile project = *ProjectFile::load(folder_.path());
    project.forget_deployment("bot");
    ASSERT_TRUE(project.save());
    EXPECT_EQ(run({"deploy"}), 1);
    EXPECT_THAT(console_.err_text, HasSubstr("--auto-update-on-conflict"));
    EXPECT_EQ(run({"deploy", "-auc"}), 0);
    EXPECT_EQ(agent().runtime_id, "bot-0123456789");
}

TEST_F(flow, a_failed_build_says_why) {
    daemon_.failure_reason = "no module named nothing";
    ASSERT_EQ(run({"configure", "-e", "agent.py", "-n", "bot", "-ni"}), 0);
    EXPECT_EQ(run({"deploy", "--json"}), 1);
    EXPECT_THAT(text_at(member_at(document(), "error"), "message"),
                HasSubstr("no module named nothing"));
    EXPECT_THAT(console_.err_text, HasSubstr("agentcore logs --build"));
}

TEST_F(flow, invoke_wraps_text_and_unquotes_the_answer) {
    deploy();
    ASSERT_EQ(run({"invoke", "Hi there"}), 0) << console_.err_text;
    EXPECT_EQ(console_.out_text, "Hello\n");
    const auto request = daemon_.seen().back();
    EXPECT_EQ(request.body, R"({"prompt":"Hi there"})");
    EXPECT_THAT(std::string(request.head.target), HasSubstr("runtime%2Fbot-0123456789"));
    EXPECT_EQ(request.head.headers.get("Accept"), "text/event-stream, application/json");
}

TEST_F(flow, the_session_is_kept_until_another_is_named) {
    deploy();
    ASSERT_EQ(run({"invoke", "a"}), 0);
    const std::string first = agent().session_id;
    EXPECT_EQ(first.size(), 36u);
    ASSERT_EQ(run({"invoke", "b"}), 0);
    EXPECT_EQ(daemon_.seen().back().head.headers.get(testing::FakeDaemon::kSession), first);
    ASSERT_EQ(run({"invoke", "c", "--session-id", "session-123", "-u", "ann", "--headers",
                   "X-One:1,X-Two: 2"}),
              0);
    const auto headers = daemon_.seen().back().head.headers;
    EXPECT_EQ(headers.get(testing::FakeDaemon::kSession), "session-123");
    EXPECT_EQ(headers.get("X-Amzn-Bedrock-AgentCore-Runtime-User-Id"), "ann");
    EXPECT_EQ(headers.get("X-Two"), "2");
    EXPECT_EQ(agent().session_id, "session-123");
    ASSERT_EQ(run({"stop-session"}), 0);
    EXPECT_EQ(agent().session_id, "");
}

TEST_F(flow, a_stream_is_printed_as_text_or_as_one_document) {
    deploy();
    daemon_.answer_type = "text/event-stream; charset=utf-8";
    daemon_.answer = {"data: \"Hel\"\n\nda", "ta: \"lo\"\n\n", "data: {\"n\": 1}\n\n"};
    ASSERT_EQ(run({"invoke", "a"}), 0);
    EXPECT_EQ(console_.out_text, "Hello\n{\"n\":1}\n");
    ASSERT_EQ(run({"invoke", "a", "--json"}), 0);
    EXPECT_EQ(json::serialize(member_at(document(), "events")), R"(["Hel","lo",{"n":1}])");
}

TEST_F(flow, an_agents_error_is_shown_as_it_is_and_exits_5) {
    deploy();
    daemon_.answer_status = 424;
    daemon_.answer_error = "RuntimeClientError";
    daemon_.answer = {R"({"message":"{\"error\": \"boom\"}"})"};
    EXPECT_EQ(run({"invoke", "a", "-s", "session-1"}), 5);
    EXPECT_THAT(console_.err_text, HasSubstr("boom"));
    EXPECT_THAT(console_.err_text, HasSubstr("agentcore logs --session-id session-1"));
    daemon_.answer_status = 200;
    daemon_.answer_error.clear();
    daemon_.answer_type = "text/event-stream";
    daemon_.answer = {"data: \"a\"\n\n", "data: {\"error\":\"late\",\"error_type\":\"E\"}\n\n"};
    EXPECT_EQ(run({"invoke", "a", "--json"}), 5);
    EXPECT_EQ(member_at(document(), "events").as_array().size(), 2u);
}

TEST_F(flow, status_logs_and_sessions_tell_what_is_there) {
    deploy();
    ASSERT_EQ(run({"status"}), 0);
    EXPECT_THAT(console_.out_text, HasSubstr("status    READY"));
    ASSERT_EQ(run({"status", "--json"}), 0);
    EXPECT_EQ(text_at(member_at(document(), "agent"), "agentRuntimeName"), "bot");
    daemon_.log_lines = R"({"time":"t","session":"s","stream":"stdout","line":"hi"})"
                        "\n";
    ASSERT_EQ(run({"logs", "--session-id", "s", "--tail", "5"}), 0);
    EXPECT_EQ(console_.out_text, "t s stdout hi\n");
    EXPECT_EQ(daemon_.seen().back().head.query(), "session=s&tail=5");
    ASSERT_EQ(run({"logs", "--json"}), 0);
    EXPECT_EQ(member_at(document(), "lines").as_array().size(), 1u);
    ASSERT_EQ(run({"logs", "--build"}), 0);
    EXPECT_EQ(console_.out_text, "installing\nready\n");
    ASSERT_EQ(run({"sessions"}), 0);
    EXPECT_EQ(console_.out_text, "No session runs.\n");
}

TEST_F(flow, destroy_deletes_what_deploy_made_and_nothing_without_being_told) {
    deploy();
    ASSERT_EQ(run({"destroy", "--dry-run"}), 0);
    EXPECT_THAT(console_.out_text, HasSubstr("Would delete bot-0123456789"));
    EXPECT_EQ(run({"destroy"}), 1);
    EXPECT_EQ(daemon_.objects().size(), 1u);
    ASSERT_EQ(run({"destroy", "--force"}), 0) << console_.err_text;
    EXPECT_TRUE(daemon_.objects().empty());
    EXPECT_EQ(agent().runtime_id, "");
    EXPECT_EQ(run({"invoke", "a"}), 4);
    EXPECT_THAT(console_.err_text, HasSubstr("agentcore deploy"));
}

TEST_F(flow, env_prints_exports_that_a_shell_can_read) {
    environment_["AWS_SECRET_ACCESS_KEY"] = "it's";
    ASSERT_EQ(run({"env"}), 0);
    EXPECT_THAT(console_.out_text, HasSubstr("export AWS_ENDPOINT_URL=" + daemon_.url() + "\n"));
    EXPECT_THAT(console_.out_text, HasSubstr("export AWS_SECRET_ACCESS_KEY='it'\\''s'\n"));
    EXPECT_THAT(console_.out_text, HasSubstr("export AWS_REGION=us-west-2\n"));
    ASSERT_EQ(run({"env", "--json", "-r", "eu-west-1"}), 0);
    EXPECT_EQ(text_at(document(), "AWS_DEFAULT_REGION"), "eu-west-1");
}

TEST_F(flow, failures_have_their_exit_codes) {
    EXPECT_EQ(run({"status"}), 4);
    EXPECT_EQ(run({"deploy"}), 4);
    EXPECT_EQ(run({"configure", "-e", "none.py"}), 4);
    deploy();
    EXPECT_EQ(run({"invoke", "a", "--endpoint", "http://127.0.0.1:1"}), 3);
    EXPECT_THAT(console_.err_text, HasSubstr("127.0.0.1:1"));
    EXPECT_EQ(run({"invoke", "a", "--endpoint", "ftp://x"}), 2);
    environment_["AWS_ACCESS_KEY_ID"] = "AKIAOTHER";
    EXPECT_EQ(run({"status"}), 1);
    EXPECT_THAT(console_.err_text, HasSubstr("who are you?"));
}

TEST_F(flow, doctor_prints_one_document_and_what_needs_mending) {
    environment_["PATH"] = "/nonexistent";
    EXPECT_EQ(run({"doctor", "--json"}), 1);
    EXPECT_EQ(member_at(document(), "ok"), json::value(false));
    EXPECT_THAT(console_.out_text, HasSubstr("apt-get install python3"));
}

TEST_F(flow, configure_asks_on_a_terminal_and_takes_defaults_at_the_end_of_input) {
    console_.terminal = true;
    console_.answers = {"agent.py", "my_bot", "3.12"};
    ASSERT_EQ(run({"configure"}), 0) << console_.err_text;
    EXPECT_EQ(agent().name, "my_bot");
    EXPECT_EQ(agent().runtime, "PYTHON_3_12");
    EXPECT_EQ(agent().region, "us-west-2");
}

}  // namespace
}  // namespace ac::cli
