#include "net/http_server.h"

#include <gtest/gtest.h>

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "net/testing/server_fixture.h"

namespace ac::net {
namespace {

using testing::RawPeer;
using testing::TestServer;

// "METHOD target: body" back as the body.
Detached echo(Exchange& exchange) {
    auto body = co_await read_all(exchange.body(), 64 << 20);
    Response response;
    if (!body) {
        response.status = body.error().code == ErrorCode::too_large ? 413 : 400;
        response.body = body.error().message;
    } else {
        response.body = exchange.request().method + " " + exchange.request().target + ": " + *body;
    }
    (void)co_await exchange.respond(std::move(response));
}

Detached hello(Exchange& exchange) {
    Response response;
    response.body = "hello";
    (void)co_await exchange.respond(std::move(response));
}

std::string body_of(const std::string& response) {
    const auto at = response.find("\r\n\r\n");
    return at == std::string::npos ? "" : response.substr(at + 4);
}

int status_of(const std::string& response) {
    return response.size() < 12 ? 0 : std::stoi(response.substr(9, 3));
}

TEST(http_server, a_request_is_answered) {
    TestServer server(echo);
    const auto response = server.ask("GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(status_of(response), 200);
    EXPECT_EQ(body_of(response), "GET /a?b=c: ");
    EXPECT_NE(response.find("Date: Thu, 01 Jan 2026"), std::string::npos);
}

TEST(http_server, requests_follow_one_another_on_a_connection) {
    TestServer server(echo);
    RawPeer peer = server.connect();
    for (int i = 0; i < 3; ++i) {
        peer.send("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok");
        EXPECT_EQ(body_of(peer.receive_response()), "POST /x: ok");
    }
}

TEST(http_server, pipelined_requests_are_answered_in_order) {
    TestServer server(echo);
    RawPeer peer = server.connect();
    std::string requests;
    for (int i = 0; i < 100; ++i)
        requests += "POST /" + std::to_string(i) +
                    " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "3;a=b\r\nabc\r\n0\r\nT: v\r\n\r\n";
    peer.send(requests);
    for (int i = 0; i < 100; ++i)
        EXPECT_EQ(body_of(peer.receive_response()), "POST /" + std::to_string(i) + ": abc");
}

TEST(http_server, a_request_may_arrive_byte_by_byte) {
    TestServer server(echo);
    RawPeer peer = server.connect();
    const std::string request =
        "\r\nPOST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5\r\nhello\r\n0\r\n\r\n";
    for (const char c : request) peer.send({&c, 1});
    EXPECT_EQ(body_of(peer.receive_response()), "POST /x: hello");
}

TEST(http_server, http_1_0_closes_unless_asked_to_keep) {
    TestServer server(hello);
    RawPeer once = server.connect();
    once.send("GET / HTTP/1.0\r\n\r\n");
    const auto response = once.receive_all();
    EXPECT_NE(response.find("Connection: close"), std::string::npos);
    RawPeer kept = server.connect();
    for (int i = 0; i < 2; ++i) {
        kept.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        EXPECT_NE(kept.receive_response().find("Connection: keep-alive"), std::string::npos);
    }
}

TEST(http_server, head_has_the_length_but_no_body) {
    TestServer server(hello);
    RawPeer peer = server.connect();
    peer.send("HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const auto response = peer.receive_all();
    EXPECT_NE(response.find("Content-Length: 5"), std::string::npos);
    EXPECT_EQ(body_of(response), "");
}

TEST(http_server, continue_is_sent_when_the_body_is_read) {
    TestServer server(echo);
    RawPeer peer = server.connect();
    peer.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(peer.receive_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    peer.send("abc");
    EXPECT_EQ(body_of(peer.receive_response()), "POST /: abc");
}

TEST(http_server, an_answer_before_the_expected_body_closes) {
    TestServer server(hello);
    RawPeer peer = server.connect();
    peer.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    const auto response = peer.receive_all();
    EXPECT_EQ(status_of(response), 200);
    EXPECT_NE(response.find("Connection: close"), std::string::npos);
}

Detached stream_three(Exchange& exchange, std::vector<Completion<void>>& steps) {
    ResponseHead head;
    (void)co_await exchange.start(std::move(head));
    for (auto& step : steps) {
        (void)co_await exchange.write("data: x\n\n");
        (void)co_await step.result();
    }
    (void)co_await exchange.finish();
}

TEST(http_server, each_write_arrives_before_the_next_is_made) {
    std::vector<Completion<void>> steps(3);
    TestServer server([&](Exchange& exchange) { return stream_three(exchange, steps); });
    RawPeer peer = server.connect();
    peer.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_NE(peer.receive_until("\r\n\r\n").find("Transfer-Encoding: chunked"), std::string::npos);
    for (auto& step : steps) {
        EXPECT_EQ(peer.receive_until("\n\r\n"), "9\r\ndata: x\n\n\r\n");
        step.complete({});
    }
    EXPECT_EQ(peer.receive_until("0\r\n\r\n"), "0\r\n\r\n");
}

Detached answer_when_closed(Exchange& exchange, Completion<ErrorCode>& seen) {
    (void)co_await read_all(exchange.body(), 100);
    const auto closed = co_await exchange.wait_closed();
    seen.complete(closed.error().code);
}

Task<ErrorCode> await(Completion<ErrorCode> completion) {
    co_return co_await completion.result();
}

TEST(http_server, wait_closed_notices_a_client_that_leaves) {
    Completion<ErrorCode> seen;
    TestServer server([&](Exchange& exchange) { return answer_when_closed(exchange, seen); });
    RawPeer peer = server.connect();
    peer.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET / pipelined");
    peer.close();
    EXPECT_EQ(server.run(await(seen)).value(), ErrorCode::cancelled);
}

Task<> stream_a_word(Exchange& exchange) {
    ResponseHead head;
    AC_CO_CHECK(co_await exchange.start(std::move(head)));
    AC_CO_CHECK(co_await exchange.write("word"));
    co_return co_await exchange.finish();
}

Detached stream_while_watching(Exchange& exchange) {
    using namespace asio::experimental::awaitable_operators;
    (void)co_await (stream_a_word(exchange) || exchange.wait_closed());
}

// The next request may come at the very moment at which the watch is ended.
TEST(http_server, a_watched_stream_leaves_the_connection_to_the_next_request) {
    TestServer server(stream_while_watching);
    RawPeer peer = server.connect();
    for (int i = 0; i < 300; ++i) {
        peer.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        ASSERT_TRUE(peer.receive_until("0\r\n\r\n").ends_with("word\r\n0\r\n\r\n")) << i;
    }
}

TEST(http_server, drain_closes_idle_connections_and_refuses_new_ones) {
    TestServer server(hello);
    RawPeer peer = server.connect();
    peer.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(body_of(peer.receive_response()), "hello");
    EXPECT_TRUE(server.drain(Milliseconds{60'000}));
    EXPECT_EQ(peer.receive_all(), "");
}

TEST(http_server, a_silent_client_is_dropped_after_the_head_timeout) {
    TestServer server(hello);
    RawPeer silent = server.connect();
    RawPeer slow = server.connect();
    slow.send("GET / HTTP/1.1\r\nHos");
    // Both are known to the server once another request has been answered on each loop.
    while (server.server().connections() < 2) std::this_thread::yield();
    EXPECT_EQ(body_of(server.ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n")), "hello");
    EXPECT_EQ(body_of(server.ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n")), "hello");
    server.clock().advance(Seconds{21});
    EXPECT_EQ(status_of(slow.receive_all()), 408);
    EXPECT_EQ(silent.receive_all(), "");
}

}  // namespace
}  // namespace ac::net
