#include "net/http_client.h"

#include <gtest/gtest.h>

#include <thread>

#include "net/testing/client_fixture.h"
#include "net/testing/server_fixture.h"

namespace ac::net {
namespace {

using testing::Client;
using testing::RawPeer;
using testing::RawServer;
using testing::TestServer;

Detached echo(Exchange& exchange) {
    auto body = co_await read_all(exchange.body(), 64 << 20);
    ResponseHead head;
    head.headers.add("X-Peer", std::string(exchange.peer()));
    (void)co_await exchange.start(std::move(head));
    (void)co_await exchange.write(*body);
    (void)co_await exchange.finish();
}

TEST(http_client, fetch_sends_and_receives) {
    TestServer server(echo);
    Client client(server.port());
    const auto response = client.get("/", "hello");
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, "hello");
}

TEST(http_client, a_connection_is_used_again) {
    TestServer server(echo);
    Client client(server.port());
    const auto first = client.get("/", "a");
    const auto second = client.get("/", "b");
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->headers.get("x-peer"), second->headers.get("x-peer"));
}

TEST(http_client, large_bodies_go_both_ways) {
    TestServer server(echo);
    Client client(server.port());
    const std::string body(20 << 20, 'x');
    const auto response = client.get("/", body);
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_TRUE(response->body == body);
}

TEST(http_client, nobody_listening_is_unavailable) {
    std::uint16_t port = 0;
    {
        const RawServer gone;
        port = gone.port();
    }
    Client client(port);
    const auto response = client.get();
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, ErrorCode::unavailable);
}

// Runs `behave` as a server beside one request of a client.
template <class Behave>
Result<Response> ask_of(Behave behave, std::string body = "", Milliseconds patience = Seconds{20}) {
    RawServer server;
    std::thread thread([&] { behave(server); });
    Client client(server.port());
    auto response = client.get("/", std::move(body), patience);
    thread.join();
    return response;
}

// Answers one request with `text` and closes.
Result<Response> answered_with(std::string_view text) {
    return ask_of([text](RawServer& server) {
        RawPeer peer = server.accept();
        peer.receive_until("\r\n\r\n");
        peer.send(text);
    });
}

TEST(http_client, a_body_may_end_with_the_connection) {
    const auto response = answered_with("HTTP/1.1 200 OK\r\n\r\nall of it");
    ASSERT_TRUE(response);
    EXPECT_EQ(response->body, "all of it");
}

TEST(http_client, interim_responses_are_skipped) {
    const auto response = answered_with(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        "HTTP/1.1 201\r\nContent-Length: 2\r\n\r\nok");
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->status, 201);
    EXPECT_EQ(response->body, "ok");
}

TEST(http_client, an_early_refusal_of_a_large_request_is_read) {
    const auto response = ask_of(
        [](RawServer& server) {
            RawPeer peer = server.accept();
            peer.receive_until("\r\n\r\n");
            peer.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig");
            peer.end_sending();
            // Nothing of the body is read; the client must give up by itself.
            pollfd waits{peer.fd(), POLLRDHUP, 0};
            EXPECT_EQ(::poll(&waits, 1, RawPeer::kPatienceMs), 1);
        },
        std::string(32 << 20, 'x'));
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->status, 413);
    EXPECT_EQ(response->body, "big");
}

TEST(http_client, a_kept_connection_that_died_is_replaced) {
    RawServer server;
    Client client(server.port());
    std::thread thread([&] {
        for (int i = 0; i < 2; ++i) {
            RawPeer peer = server.accept();
            peer.receive_until("\r\n\r\n");
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + std::to_string(i));
        }
    });
    const auto first = client.get();
    const auto second = client.get();
    thread.join();
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->body, "0");
    EXPECT_EQ(second->body, "1");
}

}  // namespace
}  // namespace ac::net
