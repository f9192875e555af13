// HTTP over TLS, both sides ours; what a stranger sends where TLS is expected.
#include <gtest/gtest.h>
#include <unistd.h>

#include "crypto/testing/certificate.h"
#include "net/outbound.h"
#include "net/testing/server_fixture.h"

namespace ac::net {
namespace {

using testing::RawPeer;
using testing::TestServer;

class CertificateFolder final {
  public:
    explicit CertificateFolder(const std::string& names = "DNS:localhost,IP:127.0.0.1") {
        std::string name = ::testing::TempDir() + "agentcored-tls-XXXXXX";
        EXPECT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
        files = ac::testing::make_certificate(folder_, names);
    }
    ~CertificateFolder() { std::filesystem::remove_all(folder_); }
    ac::testing::CertificateFiles files;

  private:
    std::filesystem::path folder_;
};

std::unique_ptr<TlsServer> server_of(const CertificateFolder& folder) {
    return make_tls_server(
               {.certificate_file = folder.files.certificate, .key_file = folder.files.key})
        .value();
}

Detached echo(Exchange& exchange) {
    auto body = co_await read_all(exchange.body(), 64 << 20);
    Response response;
    if (body) response.body = std::move(*body);
    (void)co_await exchange.respond(std::move(response));
}

class Caller final {
  public:
    explicit Caller(const std::string& ca_file, AddressGuard guard = AddressGuard::allow_all())
        : outbound_(
              make_outbound({.guard = std::move(guard), .ca_file = ca_file}, timer_).value()) {}
    Result<Response> ask(const std::string& url, std::string body = {}, int redirects_max = 0) {
        OutboundRequest request;
        request.method = body.empty() ? "GET" : "POST";
        request.url = parse_url(url).value();
        request.body = std::move(body);
        request.answer_bytes_max = 64 << 20;
        request.redirects_max = redirects_max;
        return run_on(loop_, outbound_->fetch(std::move(request), clock_.steady() + Seconds{20}));
    }

  private:
    const SystemClock clock_;
    AsioTimer timer_{clock_};
    Loop loop_;
    std::unique_ptr<Outbound> outbound_;
};

std::string at(const TestServer& server, const std::string& scheme, const std::string& host) {
    return scheme + "://" + host + ":" + std::to_string(server.port());
}

TEST(tls, bodies_larger_than_every_buffer_go_both_ways) {
    const CertificateFolder folder;
    const auto tls = server_of(folder);
    TestServer server(echo, {}, 2, tls.get());
    Caller caller(folder.files.certificate);
    std::string body;
    for (int i = 0; body.size() < (8 << 20); ++i) body += std::to_string(i);
    for (const char* host : {"localhost", "127.0.0.1"}) {
        const auto response = caller.ask(at(server, "https", host), body);
        ASSERT_TRUE(response) << response.error().message;
        EXPECT_EQ(response->body, body);
    }
}

TEST(tls, a_connection_is_kept_for_the_next_request) {
    const CertificateFolder folder;
    const auto tls = server_of(folder);
    TestServer server(echo, {}, 1, tls.get());
    Caller caller(folder.files.certificate);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(caller.ask(at(server, "https", "localhost"), "x"));
    EXPECT_EQ(server.server().connections(), 1U);
}

TEST(tls, a_certificate_for_another_name_is_refused) {
    const CertificateFolder folder("DNS:other.example");
    const auto tls = server_of(folder);
    TestServer server(echo, {}, 1, tls.get());
    Caller caller(folder.files.certificate);
    for (const char* host : {"localhost", "127.0.0.1"}) {
        const auto response = caller.ask(at(server, "https", host));
        ASSERT_FALSE(response);
        EXPECT_EQ(response.error().code, ErrorCode::permission_denied) << response.error().message;
    }
}

TEST(tls, a_certificate_of_an_unknown_authority_is_refused) {
    const CertificateFolder folder;
    const CertificateFolder trusted;
    const auto tls = server_of(folder);
    TestServer server(echo, {}, 1, tls.get());
    const std::string systems;
    for (const std::string& file : {trusted.files.certificate.string(), systems}) {
        Caller caller(file);
        const auto response = caller.ask(at(server, "https", "localhost"));
        ASSERT_FALSE(response);
        EXPECT_EQ(response.error().code, ErrorCode::permission_denied) << response.error().message;
    }
}

TEST(tls, a_server_without_tls_is_an_error_not_a_wait) {
    const CertificateFolder folder;
    TestServer server(echo);
    Caller caller(folder.files.certificate);
    EXPECT_FALSE(caller.ask(at(server, "https", "localhost")));
}

TEST(tls, plain_http_and_noise_at_a_tls_port_end_the_connection_only) {
    const CertificateFolder folder;
    const auto tls = server_of(folder);
    TestServer server(echo, {}, 1, tls.get());
    for (const std::string_view text : {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x16\x03\x01\xff\xff",
                                        "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"}) {
        RawPeer peer = server.connect();
        peer.send(text);
        peer.end_sending();
        (void)peer.receive_all();
    }
    Caller caller(folder.files.certificate);
    EXPECT_TRUE(caller.ask(at(server, "https", "localhost")));
}

TEST(outbound, redirects_are_followed_as_often_as_asked) {
    TestServer server([](Exchange& exchange) -> Detached {
        Response response;
        const std::string path(exchange.request().path());
        if (path != "/end") {
            response.status = 302;
            response.headers.add("Location", path == "/a" ? "b" : "/end?x");
        }
        response.body = path;
        (void)co_await exchange.respond(std::move(response));
    });
    Caller caller("");
    const std::string url = at(server, "http", "localhost") + "/a";
    EXPECT_EQ(caller.ask(url, "", 5)->body, "/end");
    EXPECT_EQ(caller.ask(url, "", 1)->status, 302);
    EXPECT_EQ(caller.ask(url)->status, 302);
}

TEST(outbound, the_guard_judges_what_a_name_resolves_to) {
    TestServer server(echo);
    Caller strict("", AddressGuard());
    for (const char* host : {"localhost", "127.0.0.1", "[::ffff:127.0.0.1]"}) {
        const auto response = strict.ask(at(server, "http", host));
        ASSERT_FALSE(response) << host;
        EXPECT_EQ(response.error().code, ErrorCode::permission_denied) << response.error().message;
    }
    AddressGuard guard;
    ASSERT_TRUE(guard.allow("127.0.0.0/8"));
    Caller allowed("", std::move(guard));
    EXPECT_TRUE(allowed.ask(at(server, "http", "127.0.0.1")));
}

}  // namespace
}  // namespace ac::net
