#include "embedded/llama_server.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <fstream>
#include <thread>

#include "async/run.h"
#include "models/chat.h"
#include "net/testing/raw_peer.h"
#include "sandbox/fake_sandbox.h"

namespace ac::embedded {
namespace {

// Answers every request on its port with `status`, one connection after another, until destroyed.
class HealthServer final {
  public:
    explicit HealthServer(std::string status = "200 OK") : status_(std::move(status)) {
        thread_ = std::jthread([this](const std::stop_token& stop) {
            while (true) {
                net::testing::RawPeer peer = server_.accept();
                if (stop.stop_requested()) return;
                (void)peer.receive_until("\r\n\r\n");
                peer.send("HTTP/1.1 " + status_ + "\r\nContent-Length: 2\r\n\r\n{}");
            }
        });
    }
    ~HealthServer() {
        thread_.request_stop();
        auto last = net::testing::RawPeer::connect(server_.port());
        thread_.join();
    }
    std::uint16_t port() const { return server_.port(); }

  private:
    const std::string status_;
    net::testing::RawServer server_;
    std::jthread thread_;
};

class LlamaServerTest : public testing::Test {
  protected:
    LlamaServerTest() {
        model_ = std::filesystem::temp_directory_path() /
                 ("llama-server-test-" + std::to_string(::getpid()) + ".gguf");
        std::ofstream(model_) << "weights";
        sandbox_.on_start([this](sandbox::FakeGuest& guest) -> Result<> {
            if (fails_) return fail(ErrorCode::unavailable, "no cgroup");
            guest.map_port(kLlamaPort, health_.port());
            return {};
        });
    }
    ~LlamaServerTest() override {
        if (server_) EXPECT_TRUE(run_on(loop_, server_->stop()));
        server_.reset();
        std::filesystem::remove(model_);
    }

    LlamaServer& open(LlamaTimes times = {}) {
        LlamaOptions options{.runtime = "/nowhere", .times = times};
        server_ = std::make_unique<LlamaServer>(
            LlamaServer::Dependencies{sandbox_, timer_, loop_.executor()}, options,
            [this]() -> Result<std::filesystem::path> { return model_; });
        return *server_;
    }
    Result<LlamaServer::Use> use() {
        return run_on(loop_, server_->use(timer_.clock().steady() + Seconds{20}));
    }
    // Lets what is spawned on the loop go on until `done`.
    template <class Done>
    void run_until(Done done) {
        auto wait = [](Timer& timer, Done until) -> Task<> {
            while (!until()) {
                AC_CO_CHECK(co_await sleep_for(timer, Milliseconds{2}));
            }
            co_return Result<>{};
        };
        ASSERT_TRUE(run_on(loop_, wait(timer_, done)));
    }

    const SystemClock clock_;
    AsioTimer timer_{clock_};
    HealthServer health_;
    sandbox::FakeSandbox sandbox_;
    std::filesystem::path model_;
    bool fails_ = false;
    Loop loop_;
    std::unique_ptr<LlamaServer> server_;
};

TEST_F(LlamaServerTest, first_use_starts_it_and_the_next_one_does_not) {
    open();
    EXPECT_EQ(server_->state(), LlamaState::stopped);
    ASSERT_TRUE(use());
    ASSERT_TRUE(use());
    EXPECT_EQ(server_->state(), LlamaState::ready);
    EXPECT_EQ(sandbox_.guests().size(), 1U);
    const auto socket = run_on(loop_, server_->connect(timer_.clock().steady() + Seconds{20}));
    EXPECT_TRUE(socket);
}

TEST_F(LlamaServerTest, guest_has_no_network_and_reads_only_the_engine_and_the_model) {
    open();
    ASSERT_TRUE(use());
    const auto guest = sandbox_.last();
    EXPECT_FALSE(guest->policy().host_network());
    EXPECT_TRUE(guest->policy().writable_mounts().empty());
    ASSERT_EQ(guest->policy().mounts().size(), 2U);
    EXPECT_EQ(guest->policy().mounts()[1].host_path, model_);
    EXPECT_EQ(guest->limits().memory_bytes_max, (1ULL << 30) + 2 * std::string("weights").size());
}

TEST_F(LlamaServerTest, one_that_died_is_started_again_and_says_why_meanwhile) {
    open({.backoff_first = Milliseconds{60'000}, .stable_after = Milliseconds{60'000}});
    ASSERT_TRUE(use());
    sandbox_.last()->end({sandbox::Reason::signaled, 11, "killed by SIGSEGV"});
    run_until([this] { return server_->state() == LlamaState::stopped; });
    const auto refused = use();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::busy);
    EXPECT_NE(refused.error().message.find("SIGSEGV"), std::string::npos);
}

TEST_F(LlamaServerTest, one_that_ran_for_long_is_started_again_soon) {
    open({.backoff_first = Milliseconds{1}, .stable_after = Milliseconds{0}});
    ASSERT_TRUE(use());
    sandbox_.last()->end({sandbox::Reason::out_of_memory, 9, "out of memory"});
    run_until([this] { return server_->state() == LlamaState::stopped; });
    run_until([deadline = timer_.clock().steady() + Milliseconds{5}, this] {
        return timer_.clock().steady() > deadline;
    });
    EXPECT_TRUE(use());
    EXPECT_EQ(sandbox_.guests().size(), 2U);
}

TEST_F(LlamaServerTest, a_sandbox_that_cannot_start_is_an_error_not_a_hang) {
    fails_ = true;
    open();
    const auto refused = use();
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("no cgroup"), std::string::npos);
}

TEST_F(LlamaServerTest, it_is_stopped_when_idle_and_started_by_the_next_request) {
    open({.idle_timeout = Milliseconds{1}});
    {
        auto held = use();
        ASSERT_TRUE(held);
    }
    run_until([this] { return server_->state() == LlamaState::stopped; });
    EXPECT_TRUE(use());
    EXPECT_EQ(sandbox_.guests().size(), 2U);
}

TEST_F(LlamaServerTest, another_default_model_replaces_an_unused_server) {
    open();
    ASSERT_TRUE(use());
    const auto first = model_;
    model_ += "2";
    std::ofstream(model_) << "other";
    ASSERT_TRUE(use());
    EXPECT_EQ(sandbox_.guests().size(), 2U);
    EXPECT_EQ(sandbox_.last()->policy().mounts()[1].host_path, model_);
    std::filesystem::remove(first);
}

TEST_F(LlamaServerTest, nothing_is_started_after_the_end) {
    open();
    ASSERT_TRUE(use());
    ASSERT_TRUE(run_on(loop_, server_->stop()));
    const auto refused = use();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace ac::embedded
