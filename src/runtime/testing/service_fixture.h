#pragma once
// For tests: the service over a fake sandbox whose builds succeed at once and whose agents are
// played by the test, as raw connections.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "runtime/testing/stage.h"
#include "sandbox/fake_sandbox.h"

namespace ac::runtime::testing {

using net::testing::RawPeer;
using net::testing::RawServer;

inline bool is_agent(const sandbox::FakeGuest& guest) {
    return const_cast<sandbox::FakeGuest&>(guest).command().argv.back() == "/var/task/agent.py" &&
           const_cast<sandbox::FakeGuest&>(guest).command().argv.size() == 2;
}

class ServiceTest : public ::testing::Test {
  protected:
    explicit ServiceTest(Timer* timer = nullptr) : timer_(timer != nullptr ? *timer : real_) {}

    void open(RuntimeLimits limits = {}, PoolOptions pool = {}) {
        stage_ = std::make_unique<Stage>(
            [this](Loop&) {
                auto fake = std::make_unique<sandbox::FakeSandbox>();
                fake_ = fake.get();
                fake->on_start([this](sandbox::FakeGuest& guest) { return play(guest); });
                return fake;
            },
            timer_, limits, pool);
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
        EXPECT_THAT(one.caller.receive_response(), ::testing::HasSubstr("ok"));
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

}  // namespace ac::runtime::testing
