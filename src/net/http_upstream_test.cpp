// What upstream servers, guests' above all, do to a client that they should not.
#include <gtest/gtest.h>

#include <thread>

#include "net/testing/client_fixture.h"

namespace ac::net {
namespace {

using testing::Client;
using testing::RawPeer;
using testing::RawServer;

// Answers one request with `text`, then closes.
Result<Response> answered_with(std::string_view text, std::size_t max_bytes = 1 << 20,
                               ClientLimits limits = {}) {
    RawServer server;
    std::thread thread([&] {
        RawPeer peer = server.accept();
        peer.receive_until("\r\n\r\n");
        peer.send(text);
    });
    Client client(server.port(), limits);
    auto response = client.get("/", "", Seconds{20}, max_bytes);
    thread.join();
    return response;
}

ErrorCode error_of(std::string_view text, std::size_t max_bytes = 1 << 20,
                   ClientLimits limits = {}) {
    const auto response = answered_with(text, max_bytes, limits);
    EXPECT_FALSE(response) << text;
    return response ? ErrorCode::internal : response.error().code;
}

TEST(broken_upstream, what_is_not_http_is_named_so) {
    for (const std::string_view text :
         {"nonsense\r\n\r\n", "HTTP/1.1 200 OK\nA: b\n\n", "\x16\x03\x01",
          "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc",
          "HTTP/1.1 101 Switching Protocols\r\n\r\n"})
        EXPECT_EQ(error_of(text), ErrorCode::invalid_argument) << text;
}

TEST(broken_upstream, endless_interim_responses_are_given_up) {
    std::string text;
    for (int i = 0; i < 100; ++i) text += "HTTP/1.1 102 Processing\r\n\r\n";
    EXPECT_EQ(error_of(text), ErrorCode::invalid_argument);
}

TEST(broken_upstream, a_message_that_breaks_off_is_an_error) {
    for (const std::string_view text :
         {"", "HTTP/1.1 200 OK\r\nA: ", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"})
        EXPECT_EQ(error_of(text), ErrorCode::cancelled) << text;
}

TEST(broken_upstream, heads_and_bodies_without_end_are_bounded) {
    ClientLimits limits;
    limits.head_bytes_max = 8 * 1024;
    const std::string head = "HTTP/1.1 200 OK\r\nA: " + std::string(9'000, 'a');
    EXPECT_EQ(error_of(head, 1 << 20, limits), ErrorCode::too_large);
    std::string fields = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 201; ++i) fields += "A: b\r\n";
    EXPECT_EQ(error_of(fields + "\r\n"), ErrorCode::invalid_argument);
    const std::string body(3'000, 'x');
    EXPECT_EQ(error_of("HTTP/1.1 200 OK\r\n\r\n" + body, 2'000), ErrorCode::too_large);
    EXPECT_EQ(error_of("HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n" + body, 2'000),
              ErrorCode::too_large);
    EXPECT_EQ(error_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nbb8\r\n" + body +
                           "\r\n0\r\n\r\n",
                       2'000),
              ErrorCode::too_large);
}

TEST(broken_upstream, silence_ends_at_the_deadline) {
    RawServer server;
    Client client(server.port());
    const auto response = client.get("/", "", Milliseconds{30});
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, ErrorCode::deadline_exceeded);
}

TEST(broken_upstream, a_server_that_does_not_read_ends_at_the_deadline) {
    RawServer server;
    Client client(server.port());
    const auto response = client.get("/", std::string(32 << 20, 'x'), Milliseconds{300});
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, ErrorCode::deadline_exceeded);
}

TEST(broken_upstream, bytes_after_a_response_never_become_the_next_one) {
    RawServer server;
    Client client(server.port());
    std::thread thread([&] {
        RawPeer first = server.accept();
        first.receive_until("\r\n\r\n");
        first.send(
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1"
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
        RawPeer second = server.accept();
        second.receive_until("\r\n\r\n");
        second.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2");
    });
    const auto first = client.get();
    const auto second = client.get();
    thread.join();
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->body, "1");
    EXPECT_EQ(second->body, "2");
}

TEST(broken_upstream, a_connection_whose_response_was_cut_short_is_not_kept) {
    RawServer server;
    Client client(server.port());
    std::thread thread([&] {
        RawPeer first = server.accept();
        first.receive_until("\r\n\r\n");
        first.send("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + std::string(5'000, 'x'));
        RawPeer second = server.accept();
        second.receive_until("\r\n\r\n");
        second.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2");
    });
    const auto first = client.get("/", "", Seconds{20}, 1'000);
    const auto second = client.get();
    thread.join();
    EXPECT_FALSE(first);
    ASSERT_TRUE(second);
    EXPECT_EQ(second->body, "2");
}

TEST(client_request, a_target_cannot_forge_a_request) {
    RawServer server;
    Client client(server.port());
    const auto response = client.get("/ HTTP/1.1\r\nHost: evil\r\n\r\n");
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, ErrorCode::invalid_argument);
}

// Writes and reads by turns with a server that sends everything back as it comes.
Task<std::size_t> talk(ClientPool& pool, SteadyTime deadline, std::size_t rounds) {
    AC_CO_TRY(auto exchange, co_await pool.open(deadline));
    RequestHead head;
    head.method = "POST";
    head.target = "/";
    head.headers.add("Host", "x");
    AC_CO_CHECK(co_await exchange->send_head(head, std::nullopt));
    std::size_t received = 0;
    std::array<char, 64> room;
    const std::span<char> out(room);
    for (std::size_t i = 0; i < rounds; ++i) {
        AC_CO_CHECK(co_await exchange->write_body("ping"));
        if (i == 0) {
            AC_CO_CHECK(co_await exchange->read_head(deadline));
        }
        AC_CO_TRY(const std::size_t count, co_await exchange->body().read_some(out));
        received += count;
    }
    AC_CO_CHECK(co_await exchange->finish_request());
    AC_CO_TRY(const std::string rest, co_await read_all(exchange->body(), 100));
    co_return received + rest.size();
}

// The texts of single reads of one answer, and how it ended.
struct Reads {
    std::vector<std::string> texts;
    ErrorCode ended = ErrorCode::internal;  // internal: properly
};

Task<Reads> read_by_pieces(ClientPool& pool, SteadyTime deadline, std::size_t room) {
    AC_CO_TRY(auto exchange, co_await pool.open(deadline));
    exchange->set_deadline(deadline);
    const RequestHead head{.method = "GET", .target = "/", .headers = {{"Host", "x"}}};
    AC_CO_CHECK(co_await exchange->send_head(head, 0));
    AC_CO_CHECK(co_await exchange->finish_request());
    AC_CO_TRY([[maybe_unused]] const ResponseHead answer, co_await exchange->read_head(deadline));
    Reads reads;
    std::string buffer(room, '\0');
    while (true) {
        const std::span<char> out(buffer);
        const auto count = co_await exchange->body().read_some(out);
        if (!count) reads.ended = count.error().code;
        if (!count || *count == 0) break;
        reads.texts.push_back(buffer.substr(0, *count));
    }
    co_return reads;
}

Reads pieces_of(std::string_view chunks, std::size_t room = 1024) {
    RawServer server;
    Client client(server.port());
    std::thread thread([&] {
        RawPeer peer = server.accept();
        peer.receive_until("\r\n\r\n");
        peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(chunks));
        peer.receive_all();
    });
    const auto deadline = client.clock().steady() + Seconds{20};
    auto reads = run_on(client.loop, read_by_pieces(client.pool(), deadline, room));
    client.pool().close();
    thread.join();
    EXPECT_TRUE(reads);
    return reads ? *reads : Reads{};
}

TEST(client_request, small_chunks_that_came_together_are_read_together) {
    EXPECT_EQ(pieces_of("3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n").texts,
              std::vector<std::string>{"onetwothree"});
    EXPECT_EQ(pieces_of("3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n", 4).texts,
              (std::vector<std::string>{"onet", "woth", "ree"}));
}

TEST(client_request, what_came_before_a_broken_chunk_is_read_and_then_the_error) {
    const Reads reads = pieces_of("3\r\none\r\n3\r\ntwo\r\nxyz\r\n");
    EXPECT_EQ(reads.texts, std::vector<std::string>{"onetwo"});
    EXPECT_EQ(reads.ended, ErrorCode::invalid_argument);
}

TEST(client_request, both_sides_may_stream_at_once) {
    RawServer server;
    Client client(server.port());
    std::thread thread([&] {
        RawPeer peer = server.accept();
        peer.receive_until("\r\n\r\n");
        peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (int i = 0; i < 3; ++i) {
            EXPECT_EQ(peer.receive_until("ping\r\n"), "4\r\nping\r\n");
            peer.send("4\r\npong\r\n");
        }
        peer.receive_until("0\r\n\r\n");
        peer.send("0\r\n\r\n");
    });
    const auto received =
        run_on(client.loop, talk(client.pool(), client.clock().steady() + Seconds{20}, 3));
    thread.join();
    ASSERT_TRUE(received) << received.error().message;
    EXPECT_EQ(*received, 12U);
}

}  // namespace
}  // namespace ac::net
