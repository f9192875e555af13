// The service as a whole: sessions, builds, logs, restarts.
#include "runtime/runtime_service.h"

#include <future>
#include <thread>

#include "async/manual_timer.h"
#include "runtime/testing/service_fixture.h"

namespace ac::runtime {
namespace {

using net::testing::RawPeer;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::ServiceTest;
using testing::Stage;

using runtime_service = ServiceTest;

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

TEST_F(runtime_service, a_session_without_an_invocation_goes_to_the_background_until_the_next) {
    using Ground = sandbox::Monitor::Ground;
    open();
    create();
    answer_once("s");
    const auto guest = agents().back();
    EXPECT_EQ(guest->ground(), Ground::foreground);
    EXPECT_TRUE(Stage::eventually([&] { return guest->ground() == Ground::background; }));
    Call under_way = call("s");
    EXPECT_EQ(guest->ground(), Ground::foreground);
    under_way.agent.send(kOk);
    EXPECT_THAT(under_way.caller.receive_response(), HasSubstr("ok"));
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
class runtime_service_in_time : public ServiceTest {
  protected:
    runtime_service_in_time() : ServiceTest(&manual_) {}
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
        // An agent that claims news at every ping is no less idle for it.
        const std::string body = "{\"status\":\"" + status +
                                 "\",\"time_of_last_update\":" + std::to_string(++pings_) + "}";
        agent.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " +
                   std::to_string(body.size()) + "\r\n\r\n" + body);
        agent.close();
    }

    ManualTimer manual_;
    int pings_ = 0;
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
