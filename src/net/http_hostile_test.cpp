// What clients do to a server that they should not: every case is bounded, answered where there is
// somebody to answer, and costs the other clients nothing.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "async/task_group.h"
#include "async/timer.h"
#include "net/testing/server_fixture.h"

namespace ac::net {
namespace {

using testing::RawPeer;
using testing::TestServer;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

Detached hello(Exchange& exchange) {
    Response response;
    response.body = "hello";
    (void)co_await exchange.respond(std::move(response));
}

// Answers with the number of body bytes, or with the error that ended the body.
Detached count_body(Exchange& exchange) {
    std::vector<char> room(64 * 1024);
    const std::span<char> out(room);
    std::uint64_t total = 0;
    Response response;
    while (true) {
        const auto count = co_await exchange.body().read_some(out);
        if (!count) {
            response.status = count.error().code == ErrorCode::too_large ? 413 : 400;
            response.body = to_string(count.error().code);
            break;
        }
        if (*count == 0) {
            response.body = std::to_string(total);
            break;
        }
        total += *count;
    }
    (void)co_await exchange.respond(std::move(response));
}

int status_of(const std::string& response) {
    return response.size() < 12 ? 0 : std::stoi(response.substr(9, 3));
}

std::string body_of(const std::string& response) {
    const auto at = response.find("\r\n\r\n");
    return at == std::string::npos ? "" : response.substr(at + 4);
}

void expect_alive(const TestServer& server) {
    EXPECT_EQ(status_of(server.ask(kGet)), 200);
}

// The loops have taken in what was sent once they have answered something sent later.
void let_arrive(const TestServer& server) {
    for (int i = 0; i < 4; ++i) expect_alive(server);
}

TEST(hostile_client, malformed_requests_are_answered_and_closed) {
    TestServer server(hello);
    const auto refused = [&](std::string_view request) {
        RawPeer peer = server.connect();
        peer.send(request);
        const auto response = peer.receive_all();
        EXPECT_NE(response.find("Connection: close"), std::string::npos) << request;
        return status_of(response);
    };
    EXPECT_EQ(refused("nonsense\r\n\r\n"), 400);
    EXPECT_EQ(refused("GET / HTTP/1.1\nHost: x\n\n"), 400);
    EXPECT_EQ(refused("\x16\x03\x01\x02"), 400);
    EXPECT_EQ(refused("GET / HTTP/1.1\r\n\r\n"), 400);
    EXPECT_EQ(refused("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
                      "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
              400);
    EXPECT_EQ(refused("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n"), 501);
    EXPECT_EQ(refused("GET / HTTP/3.0\r\nHost: x\r\n\r\n"), 505);
}

TEST(hostile_client, heads_without_end_are_cut_off) {
    ServerLimits limits;
    limits.head_bytes_max = 8 * 1024;
    TestServer server(hello, limits);
    RawPeer long_line = server.connect();
    long_line.send("GET /" + std::string(9'000, 'a'));
    EXPECT_EQ(status_of(long_line.receive_all()), 414);
    RawPeer long_field = server.connect();
    long_field.send("GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(9'000, 'a'));
    EXPECT_EQ(status_of(long_field.receive_all()), 431);
    RawPeer fields = server.connect();
    std::string many = "GET / HTTP/1.1\r\nHost: x\r\n";
    for (int i = 0; i < 201; ++i) many += "A: b\r\n";
    fields.send(many + "\r\n");
    EXPECT_EQ(status_of(fields.receive_all()), 431);
    RawPeer blank = server.connect();
    std::string nothing;
    for (int i = 0; i < 5'000; ++i) nothing += "\r\n";
    blank.send(nothing);
    EXPECT_EQ(status_of(blank.receive_all()), 414);
    expect_alive(server);
}

TEST(hostile_client, bodies_over_the_bound_are_refused) {
    ServerLimits limits;
    limits.body_bytes_max = 1000;
    TestServer server(count_body, limits);
    RawPeer announced = server.connect();
    announced.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n");
    EXPECT_EQ(status_of(announced.receive_all()), 413);
    RawPeer one_chunk = server.connect();
    one_chunk.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffff\r\n");
    EXPECT_EQ(status_of(one_chunk.receive_all()), 413);
    RawPeer chunks = server.connect();
    chunks.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 11; ++i) chunks.send("64\r\n" + std::string(100, 'x') + "\r\n");
    EXPECT_EQ(status_of(chunks.receive_all()), 413);
    RawPeer fits = server.connect();
    fits.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" +
              std::string(1000, 'x'));
    EXPECT_EQ(body_of(fits.receive_response()), "1000");
}

TEST(hostile_client, broken_chunks_end_the_connection) {
    TestServer server(count_body);
    RawPeer peer = server.connect();
    peer.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n");
    const auto response = peer.receive_all();
    EXPECT_EQ(status_of(response), 400);
    EXPECT_EQ(body_of(response), "invalid_argument");
}

TEST(hostile_client, a_body_that_stalls_times_out) {
    TestServer server(count_body);
    RawPeer peer = server.connect();
    peer.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
    let_arrive(server);
    server.clock().advance(Seconds{61});
    EXPECT_EQ(body_of(peer.receive_all()), "deadline_exceeded");
}

TEST(hostile_client, a_head_that_drips_times_out) {
    TestServer server(hello);
    RawPeer peer = server.connect();
    for (int i = 0; i < 4; ++i) {
        peer.send("G");
        let_arrive(server);
        server.clock().advance(Seconds{6});
    }
    EXPECT_EQ(status_of(peer.receive_all()), 408);
}

TEST(hostile_client, an_idle_connection_is_closed_in_time) {
    TestServer server(hello);
    RawPeer peer = server.connect();
    peer.send(kGet);
    EXPECT_EQ(body_of(peer.receive_response()), "hello");
    let_arrive(server);
    server.clock().advance(Seconds{76});
    EXPECT_EQ(peer.receive_all(), "");
}

Detached flood(Exchange& exchange, Completion<ErrorCode>& ended) {
    const std::string megabyte(1 << 20, 'x');
    ResponseHead head;
    (void)co_await exchange.start(std::move(head));
    for (int i = 0; i < 1000; ++i) {
        const auto written = co_await exchange.write(megabyte);
        if (!written) {
            ended.complete(written.error().code);
            co_return;
        }
    }
    (void)co_await exchange.finish();
    ended.complete(ErrorCode::internal);
}

Task<ErrorCode> await(Completion<ErrorCode> completion) {
    co_return co_await completion.result();
}

TEST(hostile_client, a_client_that_stops_reading_is_given_up) {
    Completion<ErrorCode> ended;
    TestServer server([&](Exchange& exchange) {
        return exchange.request().target == "/" ? hello(exchange) : flood(exchange, ended);
    });
    RawPeer peer = server.connect(4096);
    peer.send("GET /flood HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_NE(peer.receive_some(), "");
    // The write stalls some megabytes later; its deadline is armed by then or soon after.
    std::atomic<bool> over{false};
    std::thread clock([&] {
        while (!over) {
            server.clock().advance(Seconds{10});
            let_arrive(server);
        }
    });
    EXPECT_EQ(server.run(await(ended)).value(), ErrorCode::deadline_exceeded);
    over = true;
    clock.join();
}

TEST(hostile_client, a_reset_in_the_middle_of_a_stream_ends_the_handler) {
    Completion<ErrorCode> ended;
    TestServer server([&](Exchange& exchange) { return flood(exchange, ended); });
    RawPeer peer = server.connect(4096);
    peer.send(kGet);
    EXPECT_NE(peer.receive_some(), "");
    peer.reset();
    EXPECT_EQ(server.run(await(ended)).value(), ErrorCode::cancelled);
}

TEST(hostile_client, a_half_closed_client_still_gets_its_answer) {
    TestServer server(count_body);
    RawPeer peer = server.connect();
    peer.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
    peer.end_sending();
    EXPECT_EQ(body_of(peer.receive_all()), "3");
    RawPeer cut = server.connect();
    cut.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nab");
    cut.end_sending();
    EXPECT_EQ(body_of(cut.receive_all()), "cancelled");
}

TEST(hostile_client, connections_over_the_maximum_are_turned_away) {
    ServerLimits limits;
    limits.connections_max = 2;
    TestServer server(hello, limits);
    RawPeer first = server.connect();
    RawPeer second = server.connect();
    while (server.server().connections() < 2) std::this_thread::yield();
    RawPeer third = server.connect();
    EXPECT_EQ(status_of(third.receive_all()), 503);
    first.close();
    while (server.server().connections() > 1) std::this_thread::yield();
    expect_alive(server);
    second.send(kGet);
    EXPECT_EQ(status_of(second.receive_response()), 200);
}

TEST(hostile_client, an_unread_body_is_dropped_or_ends_the_connection) {
    TestServer server(hello);
    RawPeer small = server.connect();
    for (int i = 0; i < 2; ++i) {
        small.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" +
                   std::string(100'000, 'x'));
        EXPECT_EQ(body_of(small.receive_response()), "hello");
    }
    small.send(
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5\r\nhello\r\n0\r\n\r\n");
    EXPECT_EQ(body_of(small.receive_response()), "hello");
    RawPeer large = server.connect();
    large.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n");
    // The answer must survive what is still under way when the server closes.
    EXPECT_TRUE(large.send(std::string(4'000'000, 'x')));
    const auto response = large.receive_all();
    EXPECT_EQ(body_of(response), "hello");
    EXPECT_NE(response.find("Connection: close"), std::string::npos);
}

TEST(hostile_client, a_body_smuggled_behind_an_unread_one_is_no_request) {
    TestServer server([](Exchange& exchange) { return count_body(exchange); });
    RawPeer peer = server.connect();
    peer.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 28\r\n\r\n" + std::string(kGet) +
              "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const auto all = peer.receive_all();
    EXPECT_EQ(all.find("HTTP/1.1 200"), 0U);
    EXPECT_NE(all.find("28HTTP/1.1 200"), std::string::npos) << all;
}

Detached leave_undone(Exchange& exchange) {
    const auto path = exchange.request().path();
    if (path == "/nothing") co_return;
    if (path == "/throw") throw std::runtime_error("a bug");
    ResponseHead head;
    if (path == "/short") head.headers.add("Content-Length", "10");
    (void)co_await exchange.start(std::move(head));
    (void)co_await exchange.write("abc");
    if (path == "/short") (void)co_await exchange.finish();
    if (path == "/abort") exchange.abort();
}

TEST(careless_handler, the_client_can_tell_that_the_answer_is_not_whole) {
    TestServer server(leave_undone);
    const auto ask = [&](std::string_view path, std::string_view version = "1.1") {
        RawPeer peer = server.connect();
        peer.send("GET " + std::string(path) + " HTTP/" + std::string(version) +
                  "\r\nHost: x\r\n\r\n");
        return peer.receive_all();
    };
    EXPECT_EQ(status_of(ask("/nothing")), 500);
    EXPECT_EQ(status_of(ask("/throw")), 500);
    EXPECT_EQ(body_of(ask("/half")), "3\r\nabc\r\n");
    EXPECT_EQ(body_of(ask("/abort")), "3\r\nabc\r\n");
    EXPECT_EQ(body_of(ask("/short")), "abc");
}

Detached wait_long(Exchange& exchange, Completion<ErrorCode>& ended) {
    const auto closed = co_await exchange.wait_closed();
    ended.complete(closed.error().code);
}

TEST(drain, cuts_off_what_is_not_done_at_the_deadline) {
    Completion<ErrorCode> ended;
    TestServer server([&](Exchange& exchange) { return wait_long(exchange, ended); });
    RawPeer peer = server.connect();
    peer.send(kGet);
    while (server.server().connections() < 1) std::this_thread::yield();
    const auto drained = server.drain(Milliseconds{0});
    EXPECT_TRUE(drained || drained.error().code == ErrorCode::deadline_exceeded);
    EXPECT_EQ(peer.receive_all(), "");
}

TEST(drain, lets_an_answer_finish) {
    Completion<void> go;
    Completion<void> begun;
    auto slow = [&](Exchange& exchange) -> Detached {
        begun.complete({});
        (void)co_await go.result();
        co_await hello(exchange);
    };
    TestServer server(slow);
    RawPeer peer = server.connect();
    peer.send(kGet);
    while (!begun.is_complete()) std::this_thread::yield();
    std::thread release([&] { go.complete({}); });
    EXPECT_TRUE(server.drain(Seconds{60}));
    release.join();
    EXPECT_EQ(body_of(peer.receive_response()), "hello");
}

// Lowers the descriptor limit for as long as it lives.
class FewDescriptors {
  public:
    explicit FewDescriptors(rlim_t count) {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        rlimit few = before_;
        few.rlim_cur = count;
        ::setrlimit(RLIMIT_NOFILE, &few);
    }
    ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

  private:
    rlimit before_{};
};

Detached sleep_once(Timer& timer) {
    (void)co_await sleep_for(timer, Milliseconds{1});
}

Task<> join(TaskGroup& group) {
    co_return co_await group.join();
}

// UBSan opens descriptors when it meets a class for the first time, so everything that runs while
// there are none has to run once before.
void warm_up() {
    const SystemClock clock;
    AsioTimer timer(clock);
    Loop loop;
    TaskGroup group(loop.executor());
    group.spawn("sleep", sleep_once(timer));
    EXPECT_TRUE(run_on(loop, join(group)));
}

TEST(accept, out_of_descriptors_it_waits_and_recovers) {
    warm_up();
    TestServer server(hello);
    RawPeer peer = server.connect();
    peer.send(kGet);
    EXPECT_EQ(body_of(peer.receive_response()), "hello");
    UniqueFd lowest_free(::dup(0));
    RawPeer late;
    {
        // The client's own socket takes the last descriptor there is.
        const FewDescriptors few(static_cast<rlim_t>(lowest_free.get()) + 1);
        lowest_free.reset();
        late = server.connect();
        late.send(kGet);
        // Existing connections are served all the while.
        for (int i = 0; i < 10; ++i) {
            peer.send(kGet);
            EXPECT_EQ(body_of(peer.receive_response()), "hello");
        }
        EXPECT_EQ(server.server().connections(), 1U);
    }
    EXPECT_EQ(body_of(late.receive_response()), "hello");
}

}  // namespace
}  // namespace ac::net
