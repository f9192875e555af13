// The way of a request to an agent and of its answer back, with agents that misbehave.
#include "runtime/invocation.h"

#include <thread>

#include "runtime/testing/service_fixture.h"

namespace ac::runtime {
namespace {

using net::testing::RawPeer;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::ServiceTest;
using testing::Stage;

using invocation = ServiceTest;

TEST_F(invocation, an_agent_sees_what_it_may_and_no_credentials) {
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

TEST_F(invocation, tokens_reach_the_caller_one_by_one) {
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

TEST_F(invocation, an_agents_error_is_told_with_its_status_and_body) {
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

TEST_F(invocation, a_huge_error_body_is_cut) {
    open();
    create();
    Call one = call("s");
    const std::string body(100'000, 'e');
    std::thread agent(
        [&] { one.agent.send("HTTP/1.1 500 Oops\r\nContent-Length: 100000\r\n\r\n" + body); });
    EXPECT_LT(one.caller.receive_response().size(), 6000u);
    agent.join();
}

TEST_F(invocation, a_stream_that_breaks_off_is_seen_to_break_off) {
    open();
    create();
    Call one = call("s");
    one.agent.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    one.caller.receive_until("hello");
    one.agent.close();
    EXPECT_THAT(one.caller.receive_all(), Not(HasSubstr("0\r\n\r\n")));
}

TEST_F(invocation, an_agent_that_does_not_speak_http_is_told) {
    open();
    create();
    Call one = call("s");
    one.agent.send("I am a teapot, short and stout\r\n\r\n");
    EXPECT_THAT(one.caller.receive_response(),
                AllOf(HasSubstr("guest_failed"), HasSubstr("not valid HTTP")));
}

TEST_F(invocation, an_agent_that_closes_without_an_answer_is_told) {
    open();
    create();
    Call one = call("s");
    one.agent.close();
    EXPECT_THAT(one.caller.receive_response(),
                AllOf(HasSubstr("guest_failed"), HasSubstr("broke off")));
}

TEST_F(invocation, an_agent_that_dies_is_told_with_its_last_words) {
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

TEST_F(invocation, a_caller_who_goes_away_ends_the_agents_request) {
    open();
    create();
    Call one = call("s");
    one.caller.close();
    EXPECT_EQ(one.agent.receive_some(), "");  // closed
    answer_once("s");
    EXPECT_EQ(agents().size(), 1u);
}

TEST_F(invocation, a_large_body_streams_through_both_ways) {
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

TEST_F(invocation, an_agent_may_refuse_a_large_body_unread) {
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

TEST_F(invocation, a_payload_over_the_limit_never_reaches_the_agent) {
    open({.request_bytes_max = 100'000});
    create();
    RawPeer caller = stage_->connect();
    caller.send("POST /DEFAULT/s HTTP/1.1\r\nHost: x\r\nContent-Length: 100001\r\n\r\n");
    EXPECT_THAT(caller.receive_response(), HasSubstr("too_large"));
}

TEST_F(invocation, a_connection_that_the_agent_closed_is_not_used_again) {
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

}  // namespace
}  // namespace ac::runtime
