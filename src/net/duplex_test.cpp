// Connections that leave HTTP: upgrades from server to client, CONNECT, and the relay between two.
#include <gtest/gtest.h>

#include "net/testing/client_fixture.h"
#include "net/testing/server_fixture.h"

namespace ac::net {
namespace {

using testing::Client;
using testing::RawPeer;
using testing::TestServer;

ResponseHead switching() {
    ResponseHead head;
    head.status = 101;
    head.headers.add("Connection", "Upgrade");
    head.headers.add("Upgrade", "echo");
    return head;
}

Detached echo(Duplex& duplex) {
    std::array<char, 1024> buffer;
    while (true) {
        const auto count = co_await duplex.read_some(buffer, SteadyTime::max());
        if (!count || *count == 0) break;
        const std::string_view bytes(buffer.data(), *count);
        if (!co_await duplex.write(bytes)) co_return;
    }
    duplex.end_writes();
}

Detached serve_echo(Exchange& exchange) {
    auto head = switching();
    if (exchange.request().method == "CONNECT") head = {};
    const auto duplex = co_await exchange.switch_protocols(std::move(head));
    if (duplex) co_await echo(**duplex);
}

constexpr std::string_view kUpgrade =
    "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";

TEST(switched_connection, bytes_sent_behind_the_request_are_not_lost) {
    TestServer server(serve_echo);
    RawPeer peer = server.connect();
    peer.send(std::string(kUpgrade) + "early");
    const std::string head = peer.receive_until("\r\n\r\n");
    EXPECT_TRUE(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n")) << head;
    EXPECT_NE(head.find("Connection: Upgrade\r\n"), head.npos);
    EXPECT_EQ(head.find("Content-Length"), head.npos);
    EXPECT_EQ(head.find("Transfer-Encoding"), head.npos);
    EXPECT_EQ(peer.receive_exactly(5), "early");
    peer.send("late");
    EXPECT_EQ(peer.receive_exactly(4), "late");
    peer.end_sending();
    EXPECT_EQ(peer.receive_all(), "");
}

TEST(switched_connection, connect_is_refused_unless_the_server_is_a_proxy) {
    constexpr std::string_view kConnect = "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n";
    TestServer plain(serve_echo);
    EXPECT_TRUE(plain.ask(kConnect).starts_with("HTTP/1.1 501 "));
    ServerLimits limits;
    limits.accepts_connect = true;
    TestServer proxy(serve_echo, limits);
    RawPeer peer = proxy.connect();
    peer.send(kConnect);
    EXPECT_TRUE(peer.receive_until("\r\n\r\n").starts_with("HTTP/1.1 200 "));
    peer.send("x");
    EXPECT_EQ(peer.receive_exactly(1), "x");
}

Task<std::string> talk(ClientPool& pool, SteadyTime deadline) {
    AC_CO_TRY(auto exchange, co_await pool.open(deadline));
    RequestHead head;
    head.method = "GET";
    head.target = "/";
    head.headers.add("Host", "x");
    head.headers.add("Upgrade", "echo");
    AC_CO_CHECK(co_await exchange->send_head(head, 0));
    AC_CO_CHECK(co_await exchange->finish_request());
    AC_CO_TRY(const auto answer, co_await exchange->read_head(deadline));
    if (answer.status != 101) co_return fail(ErrorCode::internal, "not switched");
    Duplex& duplex = exchange->duplex();
    AC_CO_CHECK(co_await duplex.write("hello"));
    duplex.end_writes();
    std::string heard;
    std::array<char, 64> buffer;
    while (true) {
        AC_CO_TRY(const std::size_t count, co_await duplex.read_some(buffer, deadline));
        if (count == 0) co_return heard;
        heard.append(buffer.data(), count);
    }
}

TEST(switched_connection, our_client_and_server_switch_together) {
    TestServer server(serve_echo);
    Client client(server.port());
    const auto heard =
        run_on(client.loop, talk(client.pool(), client.clock().steady() + Seconds{20}));
    ASSERT_TRUE(heard) << heard.error().message;
    EXPECT_EQ(*heard, "hello");
}

// A server that hands what comes to another server, as a proxy does. It and its client share the
// system's clock.
class Relay final {
  public:
    Relay(std::uint16_t upstream, Milliseconds idle_max)
        : connector_(make_tcp_connector("127.0.0.1", upstream, timer_)),
          pool_(make_client_pool(*connector_, timer_)),
          handler_([this, idle_max](Exchange& exchange) { return handle(exchange, idle_max); }),
          server_(make_http_server(loops_, clock_, handler_, "127.0.0.1", 0).value()),
          thread_([this] { loops_.run(); }) {}
    ~Relay() {
        (void)run_on(waiting_, server_->drain(clock_.steady() + Seconds{20}));
        loops_.stop();
        thread_.join();
    }
    RawPeer connect() { return RawPeer::connect(server_->endpoint().port()); }

  private:
    Detached handle(Exchange& exchange, Milliseconds idle_max) {
        const auto deadline = clock_.steady() + Seconds{20};
        auto guest = co_await pool_->open(deadline);
        if (!guest) co_return;
        RequestHead head = exchange.request();
        (void)co_await (*guest)->send_head(head, 0);
        (void)co_await (*guest)->finish_request();
        auto answer = co_await (*guest)->read_head(deadline);
        if (!answer) co_return;
        const auto duplex = co_await exchange.switch_protocols(std::move(*answer));
        if (duplex) (void)co_await relay(**duplex, (*guest)->duplex(), clock_, idle_max);
    }
    const SystemClock clock_;
    AsioTimer timer_{clock_};
    std::unique_ptr<Connector> connector_;
    std::unique_ptr<ClientPool> pool_;
    Loop waiting_;
    Loops loops_{1};
    testing::FunctionHandler handler_;
    std::unique_ptr<HttpServer> server_;
    std::thread thread_;
};

TEST(relay, megabytes_go_both_ways_at_once) {
    TestServer upstream(serve_echo);
    Relay relay(upstream.port(), Seconds{20});
    RawPeer peer = relay.connect();
    peer.send(kUpgrade);
    peer.receive_until("\r\n\r\n");
    std::string text;
    for (int i = 0; text.size() < (4 << 20); ++i) text += std::to_string(i);
    std::thread sender([&] {
        peer.send(text);
        peer.end_sending();
    });
    const std::string heard = peer.receive_exactly(text.size());
    sender.join();
    EXPECT_EQ(heard.size(), text.size());
    EXPECT_TRUE(heard == text);
    EXPECT_EQ(peer.receive_all(), "");
}

TEST(relay, silence_for_too_long_ends_it) {
    TestServer upstream(serve_echo);
    Relay relay(upstream.port(), Milliseconds{50});
    RawPeer peer = relay.connect();
    peer.send(kUpgrade);
    peer.receive_until("\r\n\r\n");
    EXPECT_EQ(peer.receive_all(), "");
}

TEST(relay, a_reset_on_one_side_reaches_the_other) {
    TestServer upstream(serve_echo);
    Relay relay(upstream.port(), Seconds{20});
    RawPeer peer = relay.connect();
    peer.send(kUpgrade);
    peer.receive_until("\r\n\r\n");
    peer.reset();
    EXPECT_TRUE(upstream.drain(Seconds{20}));
}

}  // namespace
}  // namespace ac::net
