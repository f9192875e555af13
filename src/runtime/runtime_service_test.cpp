// The service over a fake sandbox: the test plays the agents, and plays them badly.
#include "runtime/runtime_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "async/manual_timer.h"
#include "runtime/testing/stage.h"
#include "sandbox/fake_sandbox.h"

namespace ac::runtime {
namespace {

using net::testing::RawPeer;
using net::testing::RawServer;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Stage;

bool is_agent(const sandbox::FakeGuest& guest) {
    return const_cast<sandbox::FakeGuest&>(guest).command().argv.back() == "/var/task/agent.py" &&
           const_cast<sandbox::FakeGuest&>(guest).command().argv.size() == 2;
}

class runtime_service : public ::testing::Test {
  protected:
    explicit runtime_service(Timer* timer = nullptr) : timer_(timer != nullptr ? *timer : real_) {}

    void open(RuntimeLimits limits = {}) {
        stage_ = std::make_unique<Stage>(
            [this](Loop&) {
                auto fake = std::make_unique<sandbox::FakeSandbox>();
                fake_ = fake.get();
                fake->on_start([this](sandbox::FakeGuest& guest) { return play(guest); });
                return fake;
            },
            timer_, limits);
        stage_->put("a.zip", {{"agent.py", "pass"}});
    }
    RuntimeId create() { return stage_->create_ready("agent", spec()); }
    Spec spec() { return stage_->spec("a.zip"); }

    Result<> play(sandbox::FakeGuest& guest) {
        if (!is_agent(guest)) {
            if (!builds_hang_) guest.end({sandbox::Reason::exited, 0, ""});
            return {};
        }
        if (fail_start_) return fail(ErrorCode::unavailable, "no cgroup");
        if (!silent_) guest.map_port(8080, agent_.port());
        return {};
    }
    std::vector<std::shared_ptr<sandbox::FakeGuest>> agents() {
        std::vector<std::shared_ptr<sandbox::FakeGuest>> out;
        for (auto& guest : fake_->guests())
            if (is_agent(*guest)) out.push_back(guest);
        return out;
    }
    // A caller that has asked, and the agent's side of it with its request head read.
    struct Call {
        RawPeer caller;
        RawPeer agent;
        std::string head;
    };
    Call call(const std::string& session, const std::string& body = "{}",
              const std::string& headers = "") {
        Call call{.caller = stage_->connect()};
        call.caller.send(Stage::request(session, body, headers));
        call.agent = agent_.accept();
        call.head = call.agent.receive_until("\r\n\r\n");
        if (call.head.find("Content-Length") != std::string::npos)
            call.head += call.agent.receive_exactly(body.size());
        return call;
    }
    static constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    void answer_once(const std::string& session) {
        Call one = call(session);
        one.agent.send(kOk);
        EXPECT_THAT(one.caller.receive_response(), HasSubstr("ok"));
        EXPECT_TRUE(Stage::eventually([&] { return is_at_rest(session); }));
    }
    bool is_at_rest(const std::string& session) {
        const auto views = stage_->run(
            stage_->service().sessions(stage_->scope(), stage_->address(session).runtime));
        for (const SessionView& view : views.value())
            if (view.session.text() == session && view.invocations == 0) return true;
        return false;
    }
    Result<> stop(const std::string& session) {
        return stage_->run(stage_->service().stop_session(stage_->address(session)));
    }
    bool gone() {
        return Stage::eventually([&] { return stage_->service().session_count() == 0; });
    }

    SystemClock clock_;
    AsioTimer real_{clock_};
    Timer& timer_;
    RawServer agent_;
    std::atomic<bool> builds_hang_{false};
    std::atomic<bool> fail_start_{false};
    std::atomic<bool> silent_{false};
    sandbox::FakeSandbox* fake_ = nullptr;
    std::unique_ptr<Stage> stage_;
};

TEST_F(runtime_service, an_agent_sees_what_it_may_and_no_credentials) {
    open();
    Spec with_list = spec();
    with_list.header_allowlist = {"X-Mine"};
    stage_->create_ready("agent", with_list);
    Call one = call("s-1", "{\"a\":1}",
                    "Authorization: AWS4-HMAC-SHA256 secret\r\nX-Amz-Date: now\r\n"
                    "x-mine: yes\r\nX-Other: no\r\nContent-Type: application/json\r\n"
                    "X-Amzn-Bedrock-AgentCore-Runtime-Custom-Tone: kind\r\ntraceparent: 00-1\r\n"
                    "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id: forged\r\n");
    EXPECT_THAT(one.head,
                AllOf(HasSubstr("POST /invocations HTTP/1.1"), HasSubstr("x-mine: yes"),
                      HasSubstr("Custom-Tone: kind"), HasSubstr("traceparent: 00-1"),
                      HasSubstr("Runtime-Session-Id: s-1"), HasSubstr("Request-Id: request-1"),
                      HasSubstr("Content-Type: application/json"), HasSubstr("{\"a\":1}")));
    EXPECT_THAT(one.head, AllOf(Not(HasSubstr("AWS4")), Not(HasSubstr("X-Amz-Date")),
                                Not(HasSubstr("X-Other")), Not(HasSubstr("forged"))));
    one.agent.send(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nServer: secret\r\n"
        "Set-Cookie: a=b\r\nContent-Length: 2\r\n\r\n42");
    EXPECT_THAT(one.caller.receive_response(),
                AllOf(HasSubstr("200 OK"), HasSubstr("Content-Type: application/json"),
                      HasSubstr("Runtime-Session-Id: s-1"), HasSubstr("traceparent: 00-1"),
                      HasSubstr("\r\n\r\n42"), Not(HasSubstr("Set-Cookie"))));
}

TEST_F(runtime_service, tokens_reach_the_caller_one_by_one) {
    open();
    create();
    Call one = call("s");
    one.agent.send(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
        "Transfer-Encoding: chunked\r\n\r\nc\r\ndata: one\n\n \r\n");
    EXPECT_THAT(one.caller.receive_until("data: one"), HasSubstr("text/event-stream"));
    one.agent.send("b\r\ndata: two\n\n\r\n");
    one.caller.receive_until("data: two");
    one.agent.send("0\r\n\r\n");
    EXPECT_THAT(one.caller.receive_until("0\r\n\r\n"), HasSubstr("0\r\n\r\n"));
}

TEST_F(runtime_service, an_agents_error_is_told_with_its_status_and_body) {
    open();
    create();
    Call one = call("s");
    one.agent.send("HTTP/1.1 500 Oops\r\nContent-Length: 15\r\n\r\n{\"error\":\"bad\"}");
    EXPECT_THAT(one.caller.receive_response(),
                AllOf(HasSubstr("guest_failed"), HasSubstr("Received error (500) from runtime"),
                      HasSubstr("{\"error\":\"bad\"}")));
    Call two = call("s");
    two.agent.send("HTTP/1.1 404 Nope\r\nContent-Length: 0\r\n\r\n");
    EXPECT_THAT(two.caller.receive_response(), HasSubstr("Received error (404) from runtime"));
}

TEST_F(runtime_service, a_huge_error_body_is_cut) {
    open();
    create();
    Call one = call("s");
    const std::string body(100'000, 'e');
    std::thread agent(
        [&] { one.agent.send("HTTP/1.1 500 Oops\r\nContent-Length: 100000\r\n\r\n" + body); });
    EXPECT_LT(one.caller.receive_response().size(), 6000u);
    agent.join();
}

TEST_F(runtime_service, a_stream_that_breaks_off_is_seen_to_break_off) {
    open();
    create();
    Call one = call("s");
    one.agent.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    one.caller.receive_until("hello");
    one.agent.close();
    EXPECT_THAT(one.caller.receive_all(), Not(HasSubstr("0\r\n\r\n")));
}

TEST_F(runtime_service, an_agent_that_does_not_speak_http_is_told) {
    open();
    create();
    Call one = call("s");
    one.agent.send("I am a teapot, short and stout\r\n\r\n");
    EXPECT_THAT(one.caller.receive_response(),
                AllOf(HasSubstr("guest_failed"), HasSubstr("not valid HTTP")));
}

TEST_F(runtime_service, an_agent_that_closes_without_an_answer_is_told) {
    open();
    create();
    Call one = call("s");
    one.agent.close();
    EXPECT_THAT(one.caller.receive_response(),
                AllOf(HasSubstr("guest_failed"), HasSubstr("broke off")));
}

TEST_F(runtime_service, an_agent_that_dies_is_told_with_its_last_words) {
    open();
    create();
    Call one = call("s");
    const auto guest = agents().back();
    EXPECT_GT(::write(guest->command().standard_error.get(), "boom\n", 5), 0);
    guest->end({sandbox::Reason::out_of_memory, 9, "out of memory (2 GB)"});
    one.agent.close();
    EXPECT_THAT(one.caller.receive_response(),
                AllOf(HasSubstr("guest_failed"), HasSubstr("out of memory"), HasSubstr("boom")));
    EXPECT_TRUE(gone());
    answer_once("s");
    EXPECT_EQ(agents().size(), 2u);
}

TEST_F(runtime_service, a_caller_who_goes_away_ends_the_agents_request) {
    open();
    create();
    Call one = call("s");
    one.caller.close();
    EXPECT_EQ(one.agent.receive_some(), "");  // closed
    answer_once("s");
    EXPECT_EQ(agents().size(), 1u);
}

TEST_F(runtime_service, a_large_body_streams_through_both_ways) {
    open();
    create();
    const std::string body(3 << 20, 'b');
    RawPeer caller = stage_->connect();
    std::thread sender([&] { caller.send(Stage::request("s", body)); });
    RawPeer agent = agent_.accept();
    // The connection that found the agent listening is taken first.
    agent.receive_until("\r\n\r\n");
    EXPECT_EQ(agent.receive_exactly(body.size()).size(), body.size());
    sender.join();
    std::thread answerer([&] {
        agent.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
                   "\r\n\r\n" + body);
    });
    const std::string answer = caller.receive_response();
    answerer.join();
    EXPECT_TRUE(answer.ends_with(body));
}

TEST_F(runtime_service, an_agent_may_refuse_a_large_body_unread) {
    open();
    create();
    RawPeer caller = stage_->connect();
    const std::string body(8 << 20, 'b');
    std::thread sender([&] { caller.send(Stage::request("s", body)); });
    RawPeer agent = agent_.accept();
    agent.receive_until("\r\n\r\n");
    agent.send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig");
    EXPECT_THAT(caller.receive_response(), HasSubstr("Received error (413) from runtime: big"));
    caller.close();
    sender.join();
}

TEST_F(runtime_service, a_payload_over_the_limit_never_reaches_the_agent) {
    open({.request_bytes_max = 100'000});
    create();
    RawPeer caller = stage_->connect();
    caller.send("POST /DEFAULT/s HTTP/1.1\r\nHost: x\r\nContent-Length: 100001\r\n\r\n");
    EXPECT_THAT(caller.receive_response(), HasSubstr("too_large"));
}

TEST_F(runtime_service, a_connection_that_the_agent_closed_is_not_used_again) {
    open();
    create();
    {
        Call one = call("s");
        one.agent.send(kOk);
        one.caller.receive_response();
        one.agent.close();
    }
    answer_once("s");
}

TEST_F(runtime_service, first_invocations_share_one_start) {
    open();
    create();
    silent_ = true;
    RawPeer first = stage_->connect();
    RawPeer second = stage_->connect();
    first.send(Stage::request("s", "1"));
    second.send(Stage::request("s", "2"));
    ASSERT_TRUE(Stage::eventually([&] { return !agents().empty(); }));
    agents().back()->map_port(8080, agent_.port());
    for (int i = 0; i < 2; ++i) {
        RawPeer agent = agent_.accept();
        agent.receive_until("\r\n\r\n");
        agent.send(kOk);
    }
    EXPECT_THAT(first.receive_response(), HasSubstr("ok"));
    EXPECT_THAT(second.receive_response(), HasSubstr("ok"));
    EXPECT_EQ(agents().size(), 1u);
}

TEST_F(runtime_service, a_failed_start_is_told_and_the_next_one_may_succeed) {
    open();
    create();
    fail_start_ = true;
    EXPECT_THAT(stage_->invoke("s", "{}"), AllOf(HasSubstr("unavailable"), HasSubstr("no cgroup")));
    EXPECT_EQ(stage_->service().session_count(), 0u);
    fail_start_ = false;
    answer_once("s");
}

TEST_F(runtime_service, an_agent_that_never_listens_is_given_up) {
    open({.init_max = Seconds{1}});
    create();
    silent_ = true;
    EXPECT_THAT(stage_->invoke("s", "{}"),
                AllOf(HasSubstr("guest_failed"), HasSubstr("did not listen on port 8080")));
    EXPECT_TRUE(gone());
    EXPECT_TRUE(agents().back()->ended());
}

TEST_F(runtime_service, an_agent_that_ends_before_it_listens_is_told) {
    open();
    create();
    silent_ = true;
    RawPeer caller = stage_->connect();
    caller.send(Stage::request("s", "{}"));
    ASSERT_TRUE(Stage::eventually([&] { return !agents().empty(); }));
    const auto guest = agents().back();
    EXPECT_GT(::write(guest->command().standard_error.get(), "ImportError: x\n", 15), 0);
    guest->end({sandbox::Reason::exited, 1, "exited with status 1"});
    EXPECT_THAT(caller.receive_response(),
                AllOf(HasSubstr("exited with status 1"), HasSubstr("ImportError: x")));
}

TEST_F(runtime_service, the_invocation_limit_ends_an_agent_that_hangs) {
    open({.invocation_max = Seconds{1}});
    create();
    Call one = call("s");
    EXPECT_THAT(one.caller.receive_response(), HasSubstr("deadline_exceeded"));
    EXPECT_EQ(one.agent.receive_some(), "");
}

TEST_F(runtime_service, sessions_of_an_account_are_limited) {
    open({.sessions_max = 1});
    create();
    answer_once("one");
    EXPECT_THAT(stage_->invoke("two", "{}"), HasSubstr("quota_exceeded"));
    EXPECT_TRUE(stop("one"));
    answer_once("two");
}

TEST_F(runtime_service, a_stopped_session_is_new_when_it_is_used_again) {
    open();
    create();
    EXPECT_EQ(stop("s").error().code, ErrorCode::not_found);
    answer_once("s");
    EXPECT_TRUE(stop("s"));
    EXPECT_EQ(agents().back()->stop_grace(), Milliseconds{3000});
    EXPECT_EQ(stage_->service().session_count(), 0u);
    EXPECT_EQ(stop("s").error().code, ErrorCode::not_found);
    answer_once("s");
    EXPECT_EQ(agents().size(), 2u);
}

TEST_F(runtime_service, a_session_that_is_ending_is_busy) {
    open();
    create();
    answer_once("s");
    const auto guest = agents().back();
    guest->ignore_stops();
    std::thread stopper([&] { EXPECT_TRUE(stop("s")); });
    ASSERT_TRUE(Stage::eventually([&] { return guest->stop_grace().has_value(); }));
    EXPECT_THAT(stage_->invoke("s", "{}"), AllOf(HasSubstr("busy"), HasSubstr("please retry")));
    EXPECT_EQ(stop("s").error().code, ErrorCode::busy);
    guest->end({sandbox::Reason::stopped, 15, "stopped"});
    stopper.join();
}

TEST_F(runtime_service, running_sessions_keep_their_version) {
    open();
    const RuntimeId id = create();
    answer_once("old");
    ASSERT_TRUE(stage_->run(stage_->service().catalog().update(
        stage_->scope(), {.id = id, .document = "{}", .spec = spec()})));
    EXPECT_EQ(stage_->settled(id).version, 2);
    answer_once("old");
    answer_once("new");
    const auto views = stage_->run(stage_->service().sessions(stage_->scope(), id)).value();
    ASSERT_EQ(views.size(), 2u);
    EXPECT_EQ(views[0].version, 1);
    EXPECT_EQ(views[1].version, 2);
}

TEST_F(runtime_service, deleting_a_runtime_ends_its_sessions_and_then_it_is_gone) {
    open();
    const RuntimeId id = create();
    answer_once("s");
    EXPECT_TRUE(stage_->run(stage_->service().catalog().remove(stage_->scope(), id, {}, {})));
    EXPECT_TRUE(Stage::eventually([&] {
        const auto view =
            stage_->run(stage_->service().catalog().get(stage_->scope(), id, std::nullopt));
        return !view && view.error().code == ErrorCode::not_found;
    }));
    EXPECT_EQ(stage_->service().session_count(), 0u);
    EXPECT_THAT(stage_->invoke("s", "{}"), HasSubstr("not_found"));
}

TEST_F(runtime_service, a_build_that_a_restart_interrupts_is_resumed) {
    open();
    builds_hang_ = true;
    const RuntimeId id = stage_->create("agent", spec());
    ASSERT_TRUE(Stage::eventually([&] { return !fake_->guests().empty(); }));
    stage_->close();
    builds_hang_ = false;
    stage_->open();
    EXPECT_EQ(stage_->settled(id).status, Status::ready);
}

TEST_F(runtime_service, equal_archives_are_unpacked_once) {
    open();
    create();
    const std::size_t before = fake_->guests().size();
    stage_->create_ready("second", spec());
    // Only the check of the entry point runs again, since the fake compiles nothing.
    EXPECT_EQ(fake_->guests().size(), before + 1);
}

TEST_F(runtime_service, an_archive_that_escapes_fails_the_creation) {
    open();
    stage_->put("evil.zip", {{"agent.py", "pass"}, {"../../evil.py", "x"}});
    const RuntimeView view = stage_->settled(stage_->create("agent", stage_->spec("evil.zip")));
    EXPECT_EQ(view.status, Status::create_failed);
    EXPECT_THAT(view.failure_reason, HasSubstr("climbs out"));
}

TEST_F(runtime_service, an_absent_object_fails_the_creation) {
    open();
    const RuntimeView view = stage_->settled(stage_->create("agent", stage_->spec("absent.zip")));
    EXPECT_EQ(view.status, Status::create_failed);
    EXPECT_THAT(view.failure_reason, HasSubstr("absent.zip"));
    const auto log = stage_->run(stage_->service().build_log(stage_->scope(), view.id, {}));
    EXPECT_THAT(log.value(), HasSubstr("failed: no object"));
}

TEST_F(runtime_service, output_of_agents_is_kept_and_followed) {
    open();
    const RuntimeId id = create();
    answer_once("s1");
    auto& command = agents().back()->command();
    EXPECT_GT(::write(command.standard_output.get(), "one\ntwo\n", 8), 0);
    EXPECT_GT(::write(command.standard_error.get(), "\xff!\n", 3), 0);
    std::vector<LogLine> seen;
    const LogQuery query{.scope = stage_->scope(), .runtime = id, .follow = true};
    const LogSink sink = [&](std::vector<LogLine> lines) -> Task<> {
        seen.insert(seen.end(), lines.begin(), lines.end());
        const bool enough = seen.size() >= 3;
        co_return enough ? Result<>(fail(ErrorCode::cancelled, "enough")) : Result<>();
    };
    EXPECT_FALSE(stage_->run(stage_->service().read_logs(query, sink)));
    ASSERT_EQ(seen.size(), 3u);
    std::ranges::sort(seen, {}, &LogLine::line);
    EXPECT_EQ(seen[0].line, "?!");
    EXPECT_EQ(seen[0].stream, "stderr");
    EXPECT_EQ(seen[1].line, "one");
    EXPECT_EQ(seen[1].session, "s1");
    EXPECT_EQ(seen[1].stream, "stdout");
}

// Time stands still until the test moves it.
class runtime_service_in_time : public runtime_service {
  protected:
    runtime_service_in_time() : runtime_service(&manual_) {}
    ~runtime_service_in_time() override { stage_.reset(); }
    void advance(Seconds by) {
        EXPECT_TRUE(Stage::eventually([&] { return manual_.sleepers() > 0; }));
        manual_.advance(by);
    }
    // Lets `after` pass and answers the ping that the session then gets. When it was still at the
    // answer before, it asks at its next look.
    void answer_ping(Seconds after, const std::string& status) {
        constexpr std::chrono::milliseconds kPatience{500};
        auto accepting = std::async(std::launch::async, [&] { return agent_.accept(); });
        do {
            advance(after);
        } while (accepting.wait_for(kPatience) != std::future_status::ready);
        RawPeer agent = accepting.get();
        EXPECT_THAT(agent.receive_until("\r\n\r\n"), HasSubstr("GET /ping"));
        const std::string body = "{\"status\":\"" + status + "\",\"time_of_last_update\":1}";
        agent.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " +
                   std::to_string(body.size()) + "\r\n\r\n" + body);
        agent.close();
    }

    ManualTimer manual_;
};

TEST_F(runtime_service_in_time, an_idle_session_is_ended_unless_its_agent_is_busy) {
    open();
    create();
    answer_once("s");
    answer_ping(Seconds{901}, "HealthyBusy");
    EXPECT_EQ(stage_->service().session_count(), 1u);
    answer_ping(Seconds{61}, "HealthyBusy");
    answer_ping(Seconds{61}, "Healthy");
    EXPECT_EQ(stage_->service().session_count(), 1u);
    // In steps below the idle timeout: the answer before may still be on its way.
    answer_ping(Seconds{450}, "Healthy");
    EXPECT_TRUE(gone());
}

TEST_F(runtime_service_in_time, a_session_ends_at_its_maximum_lifetime) {
    open();
    Spec short_lived = spec();
    short_lived.lifetime_max = Seconds{100};
    stage_->create_ready("agent", short_lived);
    answer_once("s");
    advance(Seconds{101});
    EXPECT_TRUE(gone());
}

}  // namespace
}  // namespace ac::runtime
