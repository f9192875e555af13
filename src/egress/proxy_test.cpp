#include "egress/proxy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "async/run.h"
#include "net/testing/raw_peer.h"
#include "net/testing/server_fixture.h"

namespace ac::egress {
namespace {

using net::testing::RawPeer;
using net::testing::TestServer;

ProxyRules loopback_rules(std::initializer_list<const char*> hosts = {"*"}) {
    ProxyRules rules;
    for (const char* host : hosts) EXPECT_TRUE(rules.hosts.allow(host));
    EXPECT_TRUE(rules.addresses.allow("127.0.0.0/8"));
    return rules;
}

// A proxy on loopback with the system's clock.
class RunningProxy final {
  public:
    explicit RunningProxy(ProxyRules rules)
        : proxy_(std::move(rules), timer_),
          server_(net::make_http_server(loops_, clock_, proxy_, "127.0.0.1", 0, server_limits())
                      .value()),
          thread_([this] { loops_.run(); }) {}
    ~RunningProxy() {
        (void)run_on(waiting_, server_->drain(clock_.steady()));
        loops_.stop();
        thread_.join();
    }
    RawPeer connect() { return RawPeer::connect(server_->endpoint().port()); }
    std::string ask(const std::string& request) {
        RawPeer peer = connect();
        peer.send(request);
        return peer.receive_response();
    }
    const ProxyStatistics& statistics() const { return proxy_.statistics(); }
    std::uint16_t port() const { return server_->endpoint().port(); }

  private:
    const SystemClock clock_;
    AsioTimer timer_{clock_};
    Loop waiting_;
    Loops loops_{1};
    Proxy proxy_;
    std::unique_ptr<net::HttpServer> server_;
    std::thread thread_;
};

// Answers with what it was asked.
Detached mirror(net::Exchange& exchange) {
    net::Response response;
    response.headers.add("X-Own", "1");
    response.headers.add("Proxy-Authenticate", "secret");
    const net::RequestHead& request = exchange.request();
    response.body = request.method + " " + request.target + "\n";
    for (const net::Header& header : request.headers)
        response.body += header.name + ": " + header.value + "\n";
    auto body = co_await net::read_all(exchange.body(), 1 << 20);
    if (body) response.body += "\n" + *body;
    (void)co_await exchange.respond(std::move(response));
}

std::string authority(const TestServer& server) {
    return "127.0.0.1:" + std::to_string(server.port());
}

TEST(egress_proxy, plain_requests_are_forwarded_without_what_is_the_proxys) {
    TestServer origin(mirror);
    RunningProxy proxy(loopback_rules());
    const std::string answer =
        proxy.ask("POST http://" + authority(origin) +
                  "/a%2Fb?c HTTP/1.1\r\nHost: other\r\n"
                  "Proxy-Authorization: Basic x\r\nProxy-Connection: keep-alive\r\nX-Mine: 1\r\n"
                  "Connection: x-hop\r\nX-Hop: 1\r\nContent-Length: 5\r\n\r\nhello");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer;
    EXPECT_NE(answer.find("POST /a%2Fb?c\n"), answer.npos) << answer;
    EXPECT_NE(answer.find("Host: " + authority(origin)), answer.npos) << answer;
    EXPECT_NE(answer.find("X-Mine: 1"), answer.npos);
    EXPECT_NE(answer.find("X-Own: 1"), answer.npos);
    EXPECT_TRUE(answer.ends_with("\n\nhello")) << answer;
    for (const char* gone : {"Proxy-", "X-Hop", "other"})
        EXPECT_EQ(answer.find(gone), answer.npos) << gone;
}

TEST(egress_proxy, connect_makes_a_tunnel) {
    TestServer origin(mirror);
    RunningProxy proxy(loopback_rules());
    RawPeer peer = proxy.connect();
    peer.send("CONNECT " + authority(origin) + " HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(peer.receive_until("\r\n\r\n").starts_with("HTTP/1.1 200 "));
    peer.send("GET /inside HTTP/1.1\r\nHost: inner\r\n\r\n");
    EXPECT_NE(peer.receive_response().find("GET /inside\n"), std::string::npos);
    EXPECT_EQ(proxy.statistics().tunnels, 1U);
}

TEST(egress_proxy, hosts_outside_the_rules_are_refused_by_name) {
    TestServer origin(mirror);
    RunningProxy proxy(loopback_rules({"allowed.example:443"}));
    for (const std::string& request :
         {"CONNECT " + authority(origin) + " HTTP/1.1\r\nHost: x\r\n\r\n",
          "GET http://" + authority(origin) + "/ HTTP/1.1\r\nHost: x\r\n\r\n"}) {
        const std::string answer = proxy.ask(request);
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 403 ")) << answer;
        EXPECT_NE(answer.find("egress.allow"), answer.npos) << answer;
    }
    EXPECT_EQ(proxy.statistics().refused, 2U);
}

TEST(egress_proxy, a_name_that_leads_inside_is_refused) {
    TestServer origin(mirror);
    ProxyRules rules;
    ASSERT_TRUE(rules.hosts.allow("*"));
    RunningProxy proxy(std::move(rules));
    const std::string port = ":" + std::to_string(origin.port());
    for (const std::string host :
         {"localhost", "127.0.0.1", "[::ffff:127.0.0.1]", "169.254.169.254"})
        EXPECT_TRUE(proxy.ask("CONNECT " + host + port + " HTTP/1.1\r\nHost: x\r\n\r\n")
                        .starts_with("HTTP/1.1 403 "))
            << host;
}

TEST(egress_proxy, what_is_no_target_is_refused) {
    RunningProxy proxy(loopback_rules());
    for (const std::string target : {"h", "h:0", "u@h:1", "h:1:2"})
        EXPECT_TRUE(proxy.ask("CONNECT " + target + " HTTP/1.1\r\nHost: x\r\n\r\n")
                        .starts_with("HTTP/1.1 400 "))
            << target;
    EXPECT_TRUE(proxy.ask("GET https://127.0.0.1:1/ HTTP/1.1\r\nHost: x\r\n\r\n")
                    .starts_with("HTTP/1.1 502 "));
}

TEST(egress_proxy, an_origin_that_is_not_there_is_502) {
    std::uint16_t port = 0;
    {
        const TestServer gone(mirror);
        port = gone.port();
    }
    RunningProxy proxy(loopback_rules());
    const std::string target = "127.0.0.1:" + std::to_string(port);
    EXPECT_TRUE(proxy.ask("CONNECT " + target + " HTTP/1.1\r\nHost: x\r\n\r\n")
                    .starts_with("HTTP/1.1 502 "));
    EXPECT_TRUE(proxy.ask("GET http://" + target + "/ HTTP/1.1\r\nHost: x\r\n\r\n")
                    .starts_with("HTTP/1.1 502 "));
}

TEST(egress_proxy, what_the_operator_named_is_reached_wherever_it_is_and_nothing_beside_it) {
    TestServer index(mirror);
    TestServer other(mirror);
    ProxyRules rules;  // public addresses only
    EXPECT_TRUE(rules.hosts.allow("*"));
    EXPECT_TRUE(rules.trusted.allow(authority(index)));
    RunningProxy proxy(std::move(rules));
    const auto get = [&](const std::string& host) {
        return proxy.ask("GET http://" + host + "/simple/ HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    };
    EXPECT_NE(get(authority(index)).find("GET /simple/"), std::string::npos);
    EXPECT_NE(get(authority(other)).find(" 403 "), std::string::npos);
    const std::string connect = "CONNECT " + authority(other) + " HTTP/1.1\r\nHost: x\r\n\r\n";
    EXPECT_NE(proxy.ask(connect).find(" 403 "), std::string::npos);
}

ProxyRules rules_behind(std::uint16_t upstream_port, std::string authorization = {}) {
    ProxyRules rules;
    EXPECT_TRUE(rules.hosts.allow("*"));
    rules.upstream = Upstream{
        .host = "127.0.0.1", .port = upstream_port, .authorization = std::move(authorization)};
    return rules;
}

TEST(egress_upstream, a_tunnel_goes_through_the_machines_own_proxy) {
    TestServer origin(mirror);
    RunningProxy upstream(loopback_rules());
    RunningProxy proxy(rules_behind(upstream.port()));
    RawPeer peer = proxy.connect();
    // A name: what it leads to is the upstream's to judge.
    peer.send("CONNECT no-name-of-this-machine.example:443 HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(peer.receive_response(), testing::HasSubstr(" 502 "));
    EXPECT_EQ(upstream.statistics().refused, 1u);
    EXPECT_EQ(proxy.statistics().tunnels, 0u);
}

TEST(egress_upstream, what_names_this_machine_does_not_get_as_far) {
    RunningProxy upstream(loopback_rules());
    RunningProxy proxy(rules_behind(upstream.port()));
    for (const std::string target : {"127.0.0.1:80", "localhost:80", "LOCALHOST:80", "[::1]:80",
                                     "169.254.169.254:80", "metadata.google.internal:80"}) {
        EXPECT_THAT(proxy.ask("CONNECT " + target + " HTTP/1.1\r\nHost: x\r\n\r\n"),
                    testing::HasSubstr(" 403 "))
            << target;
        EXPECT_THAT(
            proxy.ask("GET http://" + target + "/ HTTP/1.1\r\nHost: " + target + "\r\n\r\n"),
            testing::HasSubstr(" 403 "))
            << target;
    }
    EXPECT_EQ(upstream.statistics().refused + upstream.statistics().tunnels, 0u);
}

TEST(egress_upstream, tunnels_and_requests_reach_their_target_with_the_proxys_password) {
    TestServer origin(mirror);
    RunningProxy upstream(loopback_rules());
    ProxyRules rules = rules_behind(upstream.port(), "Basic dTpw");
    EXPECT_TRUE(rules.trusted.allow(authority(origin)));
    RunningProxy proxy(std::move(rules));
    RawPeer peer = proxy.connect();
    peer.send("CONNECT " + authority(origin) + " HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(peer.receive_until("\r\n\r\n"), testing::HasSubstr(" 200 "));
    peer.send("GET /in HTTP/1.1\r\nHost: origin\r\n\r\n");
    EXPECT_THAT(peer.receive_response(), testing::HasSubstr("GET /in"));
    EXPECT_EQ(upstream.statistics().tunnels, 1u);
    const std::string forwarded =
        proxy.ask("GET http://" + authority(origin) +
                  "/plain HTTP/1.1\r\nHost: " + authority(origin) + "\r\n\r\n");
    EXPECT_THAT(forwarded, testing::HasSubstr("GET /plain"));
    EXPECT_THAT(forwarded, testing::Not(testing::HasSubstr("dTpw")));  // the upstream's alone
    EXPECT_EQ(upstream.statistics().requests, 1u);
}

TEST(egress_upstream, hosts_that_are_left_out_are_reached_directly) {
    TestServer origin(mirror);
    RunningProxy upstream(loopback_rules());
    ProxyRules rules = rules_behind(upstream.port());
    EXPECT_TRUE(rules.trusted.allow(authority(origin)));
    rules.upstream->direct = {"127.0.0.1"};
    RunningProxy proxy(std::move(rules));
    EXPECT_THAT(proxy.ask("GET http://" + authority(origin) +
                          "/ HTTP/1.1\r\nHost: " + authority(origin) + "\r\n\r\n"),
                testing::HasSubstr(" 200 "));
    EXPECT_EQ(upstream.statistics().requests, 0u);
}

}  // namespace
}  // namespace ac::egress
