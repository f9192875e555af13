// The service over the real sandbox: a zip becomes a Python process that answers, isolated.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/testing/stage.h"
#include "sandbox/launcher.h"

namespace ac::runtime {
namespace {

using testing::Files;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Stage;

constexpr const char* kAgent = R"(
import http.server, json, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        if body == b'die':
            print('dying now', file=sys.stderr)
            os._exit(3)
        seen = {'body': body.decode(), 'env': os.environ.get('GREETING'), 'pid': os.getpid(),
                'session': self.headers['X-Amzn-Bedrock-AgentCore-Runtime-Session-Id'],
                'cwd': os.getcwd(), 'files': sorted(os.listdir('/work')),
                'program': os.readlink('/proc/self/exe')}
        open('/work/mark', 'a').write('x')
        print('asked', body.decode())
        text = json.dumps(seen).encode()
        self.send_response(200)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(('127.0.0.1', 8080), Handler).serve_forever()
)";

class runtime_on_linux : public ::testing::Test {
  protected:
    explicit runtime_on_linux(PoolOptions waiting = {}) {
        // Before any thread: the launcher is forked.
        sandbox::LauncherOptions options;
        options.instance = "runtime-test-" + std::to_string(::getpid());
        auto launcher = sandbox::start_launcher(std::move(options));
        if (!launcher) {
            why_not_ = launcher.error().message;
            return;
        }
        auto make = [&](Loop& loop) {
            return sandbox::make_linux_sandbox(std::move(*launcher), loop).value();
        };
        stage_ = std::make_unique<Stage>(make, timer_, RuntimeLimits{}, waiting);
    }
    void SetUp() override {
        if (!stage_) GTEST_SKIP() << why_not_;
    }

    SystemClock clock_;
    AsioTimer timer_{clock_};
    std::string why_not_;
    std::unique_ptr<Stage> stage_;
};

class templates_on_linux : public runtime_on_linux {
  protected:
    templates_on_linux() : runtime_on_linux({.templates_max = 1}) {}
    bool has_templates(std::size_t count) {
        return Stage::eventually(
            [&] { return stage_->service().pool_statistics().templates == count; });
    }
};

TEST_F(runtime_on_linux, an_uploaded_zip_is_built_and_answers) {
    stage_->put("a.zip", {{"agent.py", kAgent}});
    Spec spec = stage_->spec("a.zip");
    spec.environment = {{"GREETING", "hello"}};
    const RuntimeId id = stage_->create_ready("agent", spec);
    const std::string answer = stage_->invoke("session-123", "{\"prompt\": 1}");
    EXPECT_THAT(answer, HasSubstr("200 OK"));
    EXPECT_THAT(answer, HasSubstr("\\\"prompt\\\": 1"));
    EXPECT_THAT(answer, HasSubstr("\"env\": \"hello\""));
    EXPECT_THAT(answer, HasSubstr("\"session\": \"session-123\""));
    EXPECT_THAT(answer, HasSubstr("\"cwd\": \"/var/task\""));
    EXPECT_THAT(answer, HasSubstr("\"files\": []"));
    // The same session keeps its files, another one has its own.
    EXPECT_THAT(stage_->invoke("session-123", "x"), HasSubstr("\"files\": [\"mark\"]"));
    EXPECT_THAT(stage_->invoke("session-124", "x"), HasSubstr("\"files\": []"));
    EXPECT_EQ(stage_->service().session_count(), 2u);

    EXPECT_TRUE(stage_->run(stage_->service().stop_session(stage_->address("session-123"))));
    EXPECT_THAT(stage_->invoke("session-123", "x"), HasSubstr("\"files\": []"));

    EXPECT_TRUE(stage_->run(stage_->service().catalog().remove(stage_->scope(), id, {}, {})));
    EXPECT_TRUE(Stage::eventually([&] { return stage_->service().session_count() == 0; }));
}

TEST_F(runtime_on_linux, an_agent_that_dies_is_told_with_its_last_words) {
    stage_->put("a.zip", {{"agent.py", kAgent}});
    stage_->create_ready("agent", stage_->spec("a.zip"));
    const std::string answer = stage_->invoke("s1", "die");
    EXPECT_THAT(answer, HasSubstr("guest_failed"));
    EXPECT_THAT(answer, HasSubstr("dying now"));
    EXPECT_THAT(stage_->invoke("s1", "again"), HasSubstr("200 OK"));
}

TEST_F(runtime_on_linux, a_syntax_error_fails_the_creation_with_its_line) {
    stage_->put("a.zip", {{"agent.py", "def broken(:\n"}});
    const RuntimeView view = stage_->settled(stage_->create("agent", stage_->spec("a.zip")));
    EXPECT_EQ(view.status, Status::create_failed);
    EXPECT_THAT(view.failure_reason, HasSubstr("agent.py is not valid Python"));
    EXPECT_THAT(view.failure_reason, HasSubstr("SyntaxError"));
}

TEST_F(runtime_on_linux, an_agent_that_ends_at_once_is_told_to_the_first_caller) {
    stage_->put("a.zip", {{"agent.py", "import nothing_like_this\n"}});
    stage_->create_ready("agent", stage_->spec("a.zip"));
    const std::string answer = stage_->invoke("s1", "x");
    EXPECT_THAT(answer, HasSubstr("guest_failed"));
    EXPECT_THAT(answer, HasSubstr("No module named 'nothing_like_this'"));
    EXPECT_THAT(answer, Not(HasSubstr("did not listen")));
}

TEST_F(templates_on_linux, later_sessions_go_on_from_a_template_of_the_first) {
    stage_->put("a.zip", {{"agent.py", kAgent}});
    const RuntimeId id = stage_->create_ready("agent", stage_->spec("a.zip"));
    EXPECT_THAT(stage_->invoke("s1", "x"), Not(HasSubstr("memfd:thaw")));
    ASSERT_TRUE(has_templates(1));
    EXPECT_THAT(stage_->invoke("s2", "x"), HasSubstr("memfd:thaw"));
    EXPECT_THAT(stage_->invoke("s2", "die"), HasSubstr("dying now"));
    EXPECT_THAT(stage_->invoke("s2", "x"), HasSubstr("\"files\": []"));
    ASSERT_TRUE(stage_->run(stage_->service().catalog().remove(stage_->scope(), id, {}, {})));
    EXPECT_TRUE(has_templates(0));
}

TEST_F(templates_on_linux, a_template_whose_sessions_fail_is_given_up) {
    // The trial has no storage.
    const std::string picky =
        "import os\n"
        "if 'thaw' in os.readlink('/proc/self/exe') and os.path.isdir('/mnt/kept'): os._exit(4)\n";
    stage_->put("a.zip", {{"agent.py", picky + kAgent}});
    Spec spec = stage_->spec("a.zip");
    spec.storage_paths = {"/mnt/kept"};
    stage_->create_ready("agent", spec);
    EXPECT_THAT(stage_->invoke("s1", "x"), HasSubstr("200 OK"));
    ASSERT_TRUE(has_templates(1));
    for (const char* session : {"s2", "s3", "s4"})
        EXPECT_THAT(stage_->invoke(session, "x"), HasSubstr("guest_failed"));
    EXPECT_TRUE(has_templates(0));
    EXPECT_THAT(stage_->invoke("s5", "x"), HasSubstr("200 OK"));
}

}  // namespace
}  // namespace ac::runtime
