// Issuers that misbehave, on real sockets behind the real outbound client.
#include <gmock/gmock.h>

#include "bearer/key_cache.h"
#include "net/testing/server_fixture.h"

namespace ac::bearer {
namespace {

using net::testing::TestServer;
using ::testing::HasSubstr;

// What the issuer at `/` does when its keys are asked for; its discovery document is in order.
class HostileIssuer {
  public:
    explicit HostileIssuer(std::function<Detached(net::Exchange&)> keys)
        : server_([this, keys = std::move(keys)](net::Exchange& exchange) {
              return serve(exchange, keys);
          }) {}

    std::string url() const { return "http://127.0.0.1:" + std::to_string(server_.port()); }
    // The reason why its keys cannot be had.
    Error refusal(const std::string& allowed = "127.0.0.1",
                  Milliseconds patience = kDocumentPatience) {
        net::OutboundOptions options;
        EXPECT_TRUE(options.guard.allow(allowed));
        const auto outbound = std::move(net::make_outbound(std::move(options), timer_)).value();
        const auto documents = make_document_source(*outbound, clock_, nullptr, patience);
        auto read = server_.run(documents->get(url() + "/keys"));
        EXPECT_FALSE(read);
        KeyCache cache(*documents, clock_);
        const auto keys = server_.run(cache.find(url() + "/.well-known/openid-configuration"));
        EXPECT_FALSE(keys);
        if (!keys) {
            EXPECT_EQ(keys.error().code, ErrorCode::unavailable);
        }
        return read ? Error{} : read.error();
    }

  private:
    Detached serve(net::Exchange& exchange, std::function<Detached(net::Exchange&)> keys) {
        if (exchange.request().path() == "/keys") {
            co_await keys(exchange);
            co_return;
        }
        net::Response response;
        response.body = R"({"issuer":")" + url() + R"(","jwks_uri":")" + url() + "/keys\"}";
        (void)co_await exchange.respond(std::move(response));
    }

    const SystemClock clock_;
    AsioTimer timer_{clock_};
    TestServer server_;
};

Detached send_endlessly(net::Exchange& exchange) {
    net::ResponseHead head;
    if (!co_await exchange.start(std::move(head))) co_return;
    const std::string piece(64 * 1024, ' ');
    while (co_await exchange.write(piece)) {
    }
}

Detached claim_gigabytes(net::Exchange& exchange) {
    net::ResponseHead head;
    head.headers.add("Content-Length", "8589934592");
    if (!co_await exchange.start(std::move(head))) co_return;
    const std::string piece = "{\"keys\":[";
    (void)co_await exchange.write(piece);
    (void)co_await exchange.wait_closed();
    exchange.abort();
}

Detached redirect_to(net::Exchange& exchange, std::string where) {
    net::Response response{.status = 302, .headers = {}, .body = {}};
    response.headers.add("Location", std::move(where));
    (void)co_await exchange.respond(std::move(response));
}

TEST(hostile_issuer, endless_keys_are_cut_off) {
    HostileIssuer issuer(send_endlessly);
    EXPECT_EQ(issuer.refusal().code, ErrorCode::too_large);
}

TEST(hostile_issuer, keys_of_gigabytes_are_not_read) {
    HostileIssuer issuer(claim_gigabytes);
    EXPECT_EQ(issuer.refusal().code, ErrorCode::too_large);
}

// A byte now and then keeps no one waiting.
Detached drip(net::Exchange& exchange) {
    net::ResponseHead head;
    if (!co_await exchange.start(std::move(head))) co_return;
    const SystemClock clock;
    AsioTimer timer(clock);
    const std::string piece = " ";
    while (co_await exchange.write(piece)) {
        if (!co_await sleep_for(timer, Milliseconds{5})) break;
    }
}

TEST(hostile_issuer, slow_keys_are_given_up) {
    HostileIssuer issuer(drip);
    EXPECT_EQ(issuer.refusal("127.0.0.1", Milliseconds{80}).code, ErrorCode::deadline_exceeded);
}

TEST(hostile_issuer, redirects_to_the_metadata_address_are_not_followed) {
    for (const char* where : {"http://169.254.169.254/latest/meta-data/", "http://[fe80::1]/",
                              "http://10.0.0.1/", "http://[::ffff:169.254.169.254]/"}) {
        HostileIssuer issuer(
            [where](net::Exchange& exchange) { return redirect_to(exchange, where); });
        EXPECT_EQ(issuer.refusal().code, ErrorCode::permission_denied) << where;
    }
}

TEST(hostile_issuer, redirects_in_a_circle_end) {
    HostileIssuer issuer([](net::Exchange& exchange) { return redirect_to(exchange, "/keys"); });
    EXPECT_THAT(issuer.refusal().message, HasSubstr("302"));
}

TEST(hostile_issuer, loopback_is_not_called_unless_allowed) {
    HostileIssuer issuer(send_endlessly);
    EXPECT_EQ(issuer.refusal("10.0.0.0/8").code, ErrorCode::permission_denied);
}

}  // namespace
}  // namespace ac::bearer
