#include "crypto/local_authority.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"

namespace ac {
namespace {

const AuthorityTerms kTerms{.name = "a test's authority", .domains = {"amazonaws.com", "api.aws"}};

// Moves bytes between the two sides until both are done or one fails; the client's verdict.
Result<> shake_hands(TlsSession& client, TlsSession& server) {
    const auto move = [](TlsSession& from, TlsSession& to) {
        const std::string bytes(from.output());
        from.consume_output(bytes.size());
        if (!bytes.empty()) to.feed(bytes);
    };
    for (int round = 0; round < 10; ++round) {
        const auto client_done = client.handshake();
        move(client, server);
        const auto server_done = server.handshake();
        move(server, client);
        if (!client_done) return std::unexpected(client_done.error());
        if (server_done && *client_done && *server_done) return {};
    }
    return fail(ErrorCode::cancelled, "the handshake did not end");
}

class local_authority : public testing::Test {
  protected:
    local_authority() {
        std::string name = testing::TempDir() + "agentcored-authority-XXXXXX";
        EXPECT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
        EXPECT_TRUE(write_file(folder_ / "ca.pem", authority_.certificate));
        client_ = make_tls_client({.ca_file = (folder_ / "ca.pem").string()}).value();
    }
    ~local_authority() override { std::filesystem::remove_all(folder_); }

    // Handshakes as a client that trusts the authority and wants `host`.
    Result<> call(const std::string& host, const TlsServer& server) const {
        auto client_side = client_->connect(host).value();
        auto server_side = server.accept().value();
        return shake_hands(*client_side, *server_side);
    }

    const SystemClock clock_;
    std::filesystem::path folder_;
    const AuthorityPem authority_ = make_authority(kTerms, clock_).value();
    std::unique_ptr<TlsClient> client_;
};

TEST_F(local_authority, every_name_below_its_domains_is_served) {
    const auto server = make_tls_server(authority_, kTerms, clock_).value();
    for (const char* host :
         {"amazonaws.com", "bedrock-agentcore.us-west-2.amazonaws.com", "API.AWS",
          "a.b.c.d.s3.us-west-2.amazonaws.com", "localhost", "127.0.0.1"}) {
        const auto done = call(host, *server);
        EXPECT_TRUE(done) << host << ": " << (done ? "" : done.error().message);
    }
    EXPECT_TRUE(call("api.aws", *server)) << "again, from memory";
}

TEST_F(local_authority, other_names_are_refused) {
    const auto server = make_tls_server(authority_, kTerms, clock_).value();
    for (const char* host : {"example.com", "notamazonaws.com", "amazonaws.com.example.com",
                             "-x.amazonaws.com.evil", "a_b.amazonaws.com"})
        EXPECT_FALSE(call(host, *server)) << host;
}

// What a thief of the key would try.
TEST_F(local_authority, a_certificate_for_another_site_is_worth_nothing) {
    AuthorityTerms greedy = kTerms;
    greedy.domains = {"example.com"};
    const auto server = make_tls_server(authority_, greedy, clock_).value();
    const auto done = call("www.example.com", *server);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, ErrorCode::permission_denied);
    EXPECT_NE(done.error().message.find("permitted subtree"), std::string::npos)
        << done.error().message;
}

TEST_F(local_authority, another_authoritys_servers_are_not_trusted) {
    const auto other = make_authority(kTerms, clock_).value();
    const auto server = make_tls_server(other, kTerms, clock_).value();
    EXPECT_EQ(call("x.amazonaws.com", *server).error().code, ErrorCode::permission_denied);
}

TEST_F(local_authority, an_expired_authority_is_refused) {
    ManualClock clock;
    const auto authority = make_authority(kTerms, clock).value();
    const auto server = make_tls_server(authority, kTerms, clock).value();
    EXPECT_TRUE(server->accept());
    clock.advance(std::chrono::hours(24 * 3651));
    EXPECT_EQ(make_tls_server(authority, kTerms, clock).error().code, ErrorCode::invalid_argument);
}

TEST_F(local_authority, garbage_is_no_authority) {
    const auto other = make_authority(kTerms, clock_).value();
    for (const AuthorityPem& wrong :
         {AuthorityPem{}, AuthorityPem{"x", "y"}, AuthorityPem{authority_.certificate, "y"},
          AuthorityPem{authority_.certificate, other.key}})
        EXPECT_EQ(make_tls_server(wrong, kTerms, clock_).error().code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace ac
