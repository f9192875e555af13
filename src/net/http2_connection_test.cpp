#include "net/http2_connection.h"

#include <gtest/gtest.h>

#include "net/testing/server_fixture.h"

namespace ac::net {
namespace {

using testing::RawPeer;
using testing::TestServer;

const std::string kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

Detached hello(Exchange& exchange) {
    Response response;
    response.body = "hello " + exchange.request().method + " " + exchange.request().target;
    (void)co_await exchange.respond(std::move(response));
}

std::string frame(char type, char flags, std::int32_t stream, const std::string& payload) {
    std::string out;
    for (int shift = 16; shift >= 0; shift -= 8)
        out += static_cast<char>(payload.size() >> shift & 255);
    out += type;
    out += flags;
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(stream >> shift & 255);
    return out + payload;
}

const std::string kSettings = frame(4, 0, 0, "");

// A HEADERS frame of GET /x with scheme and authority, as HPACK literals without indexing.
std::string get(std::int32_t stream) {
    const auto literal = [](const std::string& name, const std::string& value) {
        return std::string(1, '\0') + static_cast<char>(name.size()) + name +
               static_cast<char>(value.size()) + value;
    };
    return frame(1, 0x5, stream,
                 literal(":method", "GET") + literal(":scheme", "http") + literal(":path", "/x") +
                     literal(":authority", "host"));
}

TEST(http2, a_request_with_prior_knowledge_is_answered) {
    TestServer server(hello);
    RawPeer peer = server.connect();
    peer.send(kPreface + kSettings + get(1) + get(3));
    std::string seen = peer.receive_until("hello GET /x");
    seen += peer.receive_until("hello GET /x");
    EXPECT_EQ(seen.find("HTTP/1.1"), std::string::npos);
}

TEST(http2, what_is_no_http2_ends_the_connection_and_nothing_else) {
    TestServer server(hello);
    for (const std::string& nonsense :
         {std::string(200, 'x'), frame(1, 0x5, 1, "garbage"), frame(0, 0, 1, "no stream"),
          frame(4, 0, 0, "odd"), kSettings + frame(1, 0x5, 2, ""),
          kSettings + frame(9, 0, 1, "continuation")}) {
        RawPeer peer = server.connect();
        peer.send(kPreface + nonsense);
        peer.receive_all();
    }
    EXPECT_NE(server.ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n").find("hello"), std::string::npos);
}

TEST(http2, a_client_that_leaves_in_the_middle_costs_nothing) {
    TestServer server(hello);
    for (std::size_t cut = 1; cut < 60; cut += 7) {
        RawPeer peer = server.connect();
        peer.send((kPreface + kSettings + get(1)).substr(0, kPreface.size() + cut));
        peer.close();
    }
    EXPECT_NE(server.ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n").find("hello"), std::string::npos);
}

}  // namespace
}  // namespace ac::net
