// Guests that wait for sessions, as a caller of the service sees them.
#include "runtime/warm_pool.h"

#include "runtime/testing/service_fixture.h"

namespace ac::runtime {
namespace {

using net::testing::RawPeer;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::ServiceTest;
using testing::Stage;

class warm_pool : public ServiceTest {
  protected:
    static constexpr PoolOptions kOne{.guests_max = 1, .version_guests_max = 1};

    void open_with(PoolOptions pool) {
        open({.stop_grace = Milliseconds{200}}, pool);
        id_ = create();
    }
    PoolStatistics statistics() { return stage_->service().pool_statistics(); }
    void answer_ping(int status = 200) {
        RawPeer peer = agent_.accept();
        EXPECT_THAT(peer.receive_until("\r\n\r\n"), HasSubstr("GET /ping"));
        peer.send("HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: 2\r\n\r\nok");
    }
    // The first session starts its own guest; then one waits for the next.
    void fill(const std::string& session = "first") {
        answer_once(session);
        answer_ping();
        ASSERT_TRUE(Stage::eventually([&] { return statistics().waiting == 1; }));
    }

    RuntimeId id_;
};

TEST_F(warm_pool, a_new_session_takes_the_guest_that_waits) {
    open_with(kOne);
    fill();
    ASSERT_EQ(agents().size(), 2u);
    answer_once("second");
    EXPECT_EQ(statistics().taken, 1u);
    EXPECT_EQ(statistics().missed, 1u);
    EXPECT_TRUE(stop("second"));
    EXPECT_TRUE(agents()[1]->ended());
    EXPECT_FALSE(agents()[0]->ended());
}

TEST_F(warm_pool, a_guest_waits_in_the_background) {
    using Ground = sandbox::Monitor::Ground;
    open_with(kOne);
    fill();
    EXPECT_TRUE(Stage::eventually([&] { return agents()[1]->ground() == Ground::background; }));
    answer_once("second");
    EXPECT_EQ(agents()[1]->ground(), Ground::foreground);
}

TEST_F(warm_pool, nothing_waits_where_nothing_may) {
    open_with({.guests_max = 0});
    answer_once("first");
    ::usleep(500'000);
    EXPECT_EQ(agents().size(), 1u);
    EXPECT_EQ(statistics().missed, 0u);
}

TEST_F(warm_pool, what_a_guest_wrote_while_it_waited_is_in_its_sessions_log) {
    open_with(kOne);
    fill();
    const std::string early = "model loaded\n";
    ASSERT_GT(::write(agents()[1]->command().standard_output.get(), early.data(), early.size()), 0);
    answer_once("second");
    const std::string late = "asked\n";
    ASSERT_GT(::write(agents()[1]->command().standard_output.get(), late.data(), late.size()), 0);
    std::vector<std::string> lines;
    const LogSink sink = [&lines](std::vector<LogLine> more) -> Task<> {
        for (const LogLine& line : more) lines.push_back(line.session + ": " + line.line);
        co_return Result<>{};
    };
    EXPECT_TRUE(Stage::eventually([&] {
        lines.clear();
        EXPECT_TRUE(stage_->run(stage_->service().read_logs(
            {.scope = stage_->scope(), .runtime = id_, .session = "second"}, sink)));
        return lines.size() == 2;
    }));
    EXPECT_EQ(lines, (std::vector<std::string>{"second: model loaded", "second: asked"}));
}

TEST_F(warm_pool, a_guest_that_ended_while_it_waited_reaches_nobody) {
    open_with(kOne);
    fill();
    agents()[1]->end({sandbox::Reason::signaled, 11, "killed by SIGSEGV"});
    answer_once("second");
    EXPECT_EQ(agents().size(), 3u);
    EXPECT_EQ(statistics().taken, 0u);
    EXPECT_TRUE(Stage::eventually([&] { return statistics().failed == 1; }));
}

TEST_F(warm_pool, a_guest_that_listens_no_more_is_replaced_by_a_new_one) {
    open_with(kOne);
    fill();
    agents()[1]->map_port(8080, 1);  // nobody there
    answer_once("second");
    EXPECT_EQ(agents().size(), 3u);
    EXPECT_TRUE(Stage::eventually([&] { return agents()[1]->ended(); }));
    EXPECT_EQ(statistics().failed, 1u);
}

TEST_F(warm_pool, a_guest_that_is_ill_never_waits) {
    open_with(kOne);
    answer_once("first");
    answer_ping(503);
    EXPECT_TRUE(Stage::eventually([&] { return agents()[1]->ended(); }));
    EXPECT_EQ(statistics().waiting, 0u);
    answer_once("second");
    EXPECT_EQ(statistics().taken, 0u);
}

TEST_F(warm_pool, an_update_ends_the_guests_of_the_version_before) {
    open_with(kOne);
    fill();
    RuntimeUpdate update{.id = id_, .document = "{}", .spec = spec()};
    ASSERT_TRUE(stage_->run(stage_->service().catalog().update(stage_->scope(), update)));
    stage_->settled(id_);
    EXPECT_TRUE(Stage::eventually([&] { return agents()[1]->ended(); }));
    EXPECT_FALSE(agents()[0]->ended());
    answer_once("second");
    EXPECT_EQ(statistics().taken, 0u);
    EXPECT_EQ(agents().size(), 3u);
}

TEST_F(warm_pool, deletion_ends_guests_that_wait_and_waits_for_them) {
    open_with(kOne);
    fill();
    agents()[1]->ignore_stops();
    ASSERT_TRUE(
        stage_->run(stage_->service().catalog().remove(stage_->scope(), id_, std::nullopt, {})));
    EXPECT_TRUE(Stage::eventually([&] { return agents()[1]->stop_grace().has_value(); }));
    EXPECT_TRUE(Stage::eventually([&] { return agents()[0]->ended(); }));
    EXPECT_TRUE(stage_->run(stage_->service().catalog().get(stage_->scope(), id_, std::nullopt)));
    agents()[1]->end({sandbox::Reason::stopped, 9, ""});
    EXPECT_TRUE(Stage::eventually([&] {
        return !stage_->run(stage_->service().catalog().get(stage_->scope(), id_, std::nullopt));
    }));
}

TEST_F(warm_pool, a_runtime_with_session_storage_starts_the_ordinary_way) {
    open({}, kOne);
    Spec with_storage = spec();
    with_storage.storage_paths = {"/mnt/kept"};
    stage_->create_ready("agent", with_storage);
    answer_once("first");
    ::usleep(500'000);
    EXPECT_EQ(agents().size(), 1u);
    EXPECT_EQ(statistics().missed, 0u);
}

TEST_F(warm_pool, without_sessions_the_last_guest_goes) {
    open_with({.guests_max = 4, .version_guests_max = 4, .idle = Seconds{2}});
    fill();
    EXPECT_TRUE(Stage::eventually([&] { return agents()[1]->ended(); }));
    EXPECT_EQ(statistics().waiting, 0u);
    EXPECT_FALSE(agents()[0]->ended());
    EXPECT_EQ(agents().size(), 2u);
}

}  // namespace
}  // namespace ac::runtime
