#include "interpreter/agent_link.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/json.hpp>
#include <cstring>
#include <span>

#include "async/loop.h"
#include "async/run.h"
#include "async/task_group.h"

namespace ac::interpreter {
namespace {

namespace json = boost::json;

// A link, and the agent's end of its socket in the test's hands.
class AgentLinkTest : public testing::Test {
  protected:
    AgentLinkTest() {
        int ends[2];
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        agent_.reset(ends[1]);
        link_ = std::make_shared<AgentLink>(loop_.executor(), UniqueFd(ends[0]));
    }

    void say(const json::object& header, const std::string& body = {}) {
        const std::string bytes = encode_head(header, body.size()) + body;
        ASSERT_EQ(::write(agent_.get(), bytes.data(), bytes.size()),
                  static_cast<ssize_t>(bytes.size()));
    }
    void hang_up() { agent_.reset(); }

    // Everything that is left of what the agent says, until it hangs up.
    Result<> read_all() { return run_on(loop_, link_->read()); }

    Loop loop_;
    UniqueFd agent_;
    std::shared_ptr<AgentLink> link_;
};

json::object output_of(std::int64_t call) {
    return {{"event", "output"}, {"call", call}, {"stream", "stdout"}};
}
json::object done_of(std::int64_t call) {
    return {{"event", "done"}, {"call", call}};
}

TEST_F(AgentLinkTest, events_reach_their_call_in_order) {
    const auto first = link_->call({}, "");
    const auto second = link_->call({}, "");
    ASSERT_TRUE(first && second);
    say(output_of(2), "two");
    say(output_of(1), "one");
    say(done_of(1));
    hang_up();
    EXPECT_FALSE(read_all().has_value());
    EXPECT_EQ((*(*first)->take())->body, "one");
    EXPECT_TRUE((*(*first)->take())->is_last());
    EXPECT_EQ((*(*second)->take())->body, "two");
    EXPECT_EQ(*(*second)->take(), std::nullopt);
}

TEST_F(AgentLinkTest, descriptors_travel_beside_a_call) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const UniqueFd reading(ends[0]);
    UniqueFd writing(ends[1]);
    const int given = writing.get();
    const auto call = link_->call_with({{"op", "fork"}}, std::span(&given, 1));
    ASSERT_TRUE(call);
    writing.reset();
    std::array<char, 4096> frame;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    iovec part{frame.data(), frame.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    ASSERT_GT(::recvmsg(agent_.get(), &message, MSG_CMSG_CLOEXEC), 0);
    ASSERT_NE(CMSG_FIRSTHDR(&message), nullptr);
    int came = -1;
    std::memcpy(&came, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof came);
    const UniqueFd owner(came);
    EXPECT_EQ(::write(came, "x", 1), 1);
    char byte = 0;
    EXPECT_EQ(::read(reading.get(), &byte, 1), 1);
    say(done_of(1));
    hang_up();
    (void)read_all();
    EXPECT_TRUE((*(*call)->take())->is_last());
    // Afterwards nobody is there: no call is left hanging.
    link_->close({.code = ErrorCode::guest_failed, .message = "ended"});
    EXPECT_EQ(link_->call_with({}, std::span(&given, 1)).error().code, ErrorCode::guest_failed);
}

TEST_F(AgentLinkTest, what_is_of_no_call_or_comes_after_the_end_is_dropped) {
    const auto call = link_->call({}, "");
    say(output_of(99), "stranger");
    say({{"event", "output"}, {"call", "text"}});
    say(done_of(1));
    say(output_of(1), "late");
    say(done_of(1));
    hang_up();
    (void)read_all();
    EXPECT_TRUE((*(*call)->take())->is_last());
    EXPECT_EQ(*(*call)->take(), std::nullopt);
}

TEST_F(AgentLinkTest, a_closed_link_fails_its_calls_after_their_events) {
    const auto call = link_->call({}, "");
    say(output_of(1), "last words");
    hang_up();
    (void)read_all();
    link_->close({.code = ErrorCode::guest_failed, .message = "it is gone"});
    EXPECT_EQ((*(*call)->take())->body, "last words");
    const auto after = (*call)->take();
    ASSERT_FALSE(after.has_value());
    EXPECT_EQ(after.error().message, "it is gone");
    EXPECT_FALSE(link_->call({}, "").has_value());
}

TEST_F(AgentLinkTest, a_request_is_framed_with_its_number) {
    json::object header;
    header["op"] = "write";
    const auto call = link_->call(header, "body");
    std::string bytes(4096, '\0');
    const auto size = ::read(agent_.get(), bytes.data(), bytes.size());
    FrameDecoder decoder;
    decoder.feed(std::string_view(bytes).substr(0, static_cast<std::size_t>(size)));
    auto got = decoder.next();
    ASSERT_TRUE(got && *got);
    EXPECT_EQ((*got)->body, "body");
    EXPECT_EQ((*got)->header.at("call").to_number<int>(), 1);
    EXPECT_EQ((*got)->header.at("op").as_string(), "write");
}

TEST_F(AgentLinkTest, too_many_calls_are_refused) {
    std::vector<std::shared_ptr<AgentCall>> held;
    while (true) {
        auto call = link_->call({}, "");
        if (!call) {
            EXPECT_EQ(call.error().code, ErrorCode::quota_exceeded);
            break;
        }
        held.push_back(*std::move(call));
        ASSERT_LT(held.size(), 10'000U);
    }
}

}  // namespace
}  // namespace ac::interpreter
