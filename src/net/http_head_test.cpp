#include "net/http_head.h"

#include <gtest/gtest.h>

#include "net/http_text.h"

namespace ac::net {
namespace {

struct Parsed {
    RequestHead head;
    std::expected<Framing, Rejection> framing;
};

Parsed parse(std::string_view text) {
    Parsed parsed;
    HeadScanner scanner;
    EXPECT_EQ(scanner.scan(text), HeadScanner::State::complete) << text;
    EXPECT_EQ(scanner.size(), text.size());
    parsed.framing = parse_request_head(text, 10, parsed.head);
    return parsed;
}

int status_of(std::string_view text) {
    const auto parsed = parse(text);
    return parsed.framing ? 200 : parsed.framing.error().status;
}

// A request with these field lines beside Host.
int status_with(std::string_view fields) {
    return status_of("POST / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n");
}

TEST(request_head, parts_are_taken_as_sent) {
    const auto parsed = parse(
        "\r\n\r\nPOST /a%2Fb?c=d&e HTTP/1.1\r\nHOST: example:80\r\nX-Two:\t  a b \t\r\n"
        "X-Empty:\r\nX-Utf: \xc3\xa4\r\nContent-Length: 12\r\n\r\n");
    ASSERT_TRUE(parsed.framing);
    EXPECT_EQ(parsed.head.method, "POST");
    EXPECT_EQ(parsed.head.path(), "/a%2Fb");
    EXPECT_EQ(parsed.head.query(), "c=d&e");
    EXPECT_EQ(parsed.head.headers.get("host"), "example:80");
    EXPECT_EQ(parsed.head.headers.get("x-two"), "a b");
    EXPECT_EQ(parsed.head.headers.find("x-empty"), "");
    EXPECT_EQ(parsed.head.headers.get("x-utf"), "\xc3\xa4");
    EXPECT_EQ(parsed.framing->coding, Coding::length);
    EXPECT_EQ(parsed.framing->length, 12U);
    EXPECT_TRUE(parsed.framing->keep_alive);
}

TEST(request_head, keep_alive_follows_version_and_connection) {
    const auto keeps = [](std::string_view text) { return parse(text).framing->keep_alive; };
    EXPECT_TRUE(keeps("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n"));
    EXPECT_FALSE(keeps("GET / HTTP/1.0\r\n\r\n"));
    EXPECT_TRUE(keeps("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"));
    EXPECT_FALSE(keeps("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n"));
}

TEST(request_head, absolute_form_becomes_origin_form) {
    const auto parsed = parse("GET http://real:81?x HTTP/1.1\r\nHost: other\r\n\r\n");
    ASSERT_TRUE(parsed.framing);
    EXPECT_EQ(parsed.head.target, "/?x");
    EXPECT_EQ(parsed.head.headers.get("host"), "real:81");
    EXPECT_EQ(parse("GET http://a/b/c HTTP/1.1\r\nHost: a\r\n\r\n").head.target, "/b/c");
    EXPECT_EQ(status_of("GET http:///b HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
    EXPECT_EQ(status_of("GET ftp://a/b HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
    EXPECT_EQ(status_of("GET http://u@a/b HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
}

TEST(request_head, other_target_forms) {
    EXPECT_EQ(status_of("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
    EXPECT_EQ(status_of("GET * HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
    EXPECT_EQ(status_of("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
    EXPECT_EQ(status_of("CONNECT a/b HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
}

TEST(request_head, malformed_request_lines_are_refused) {
    for (const std::string_view line :
         {"GET / HTTP/1.1 ", "GET /", "GET", "GET  / HTTP/1.1", "GET /a b HTTP/1.1",
          "G(T / HTTP/1.1", "GET a HTTP/1.1", "GET /# HTTP/1.1", "GET /\x7f HTTP/1.1",
          "GET /\xc3\xa4 HTTP/1.1", "GET /\rx HTTP/1.1", "GET / HTTP/1.1x", "GET / http/1.1",
          "GET / HTTP/11", "GET /\tHTTP/1.1", "GET / HTTP/1,1"})
        EXPECT_EQ(status_of(std::string(line) + "\r\nHost: a\r\n\r\n"), 400) << line;
    EXPECT_EQ(status_of(std::string("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 28)), 400);
    EXPECT_EQ(status_of("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), 505);
    EXPECT_EQ(status_of("GET / HTTP/0.9\r\nHost: a\r\n\r\n"), 505);
    EXPECT_EQ(status_of("GET / HTTP/1.7\r\nHost: a\r\n\r\n"), 200);
}

TEST(request_head, malformed_fields_are_refused) {
    for (const std::string_view fields :
         {"X : a\r\n", " X: a\r\n", "X\t: a\r\n", "X: a\r\n folded\r\n", "X: a\r\n\tfolded\r\n",
          ": a\r\n", "no colon\r\n", "X@: a\r\n", "X: a\rb\r\n", "X: a\x01\r\n", "X: a\x7f\r\n",
          "X\xc3: a\r\n"})
        EXPECT_EQ(status_with(fields), 400) << fields;
    EXPECT_EQ(status_with(std::string_view("X: a\0b\r\n", 8)), 400);
    EXPECT_EQ(status_with("A: 1\r\nA: 2\r\n"), 200);
}

TEST(request_head, too_many_fields_are_431) {
    std::string fields;
    for (int i = 0; i < 9; ++i) fields += "X: a\r\n";
    EXPECT_EQ(status_with(fields), 200);
    EXPECT_EQ(status_with(fields + "X: a\r\n"), 431);
}

TEST(request_head, host_is_required_once) {
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\n\r\n"), 400);
    EXPECT_EQ(status_of("GET / HTTP/1.0\r\n\r\n"), 200);
    EXPECT_EQ(status_with("Host: b\r\n"), 400);
    EXPECT_EQ(status_with("Host: a\r\nHost: b\r\n"), 400);
    EXPECT_EQ(status_with("Host: \r\n"), 400);
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), 400);
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), 400);
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"), 200);
}

TEST(request_head, the_same_host_twice_is_one) {
    const auto parsed = parse("GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nHOST:  a\r\n\r\n");
    EXPECT_EQ(parsed.head.headers.size(), 2U);
    EXPECT_EQ(parsed.head.headers.get("host"), "a");
}

// RFC 9112 6.1, 6.3: what two parsers could read differently.
TEST(request_head, doubtful_framing_is_refused) {
    for (const std::string_view fields :
         {"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
          "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n",
          "Content-Length: 1\r\nContent-Length: 1\r\n", "Content-Length: 1, 1\r\n",
          "Content-Length: +1\r\n", "Content-Length: -1\r\n", "Content-Length: 0x1\r\n",
          "Content-Length: 1 2\r\n", "Content-Length:\r\n",
          "Content-Length: 99999999999999999999\r\n", "Transfer-Encoding:\r\n",
          "Transfer-Encoding: ,\r\n", "Transfer-Encoding: chunked, chunked\r\n",
          "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
          "Transfer-Encoding: chunked, identity\r\n"})
        EXPECT_EQ(status_with(fields), 400) << fields;
    EXPECT_EQ(status_with("Transfer-Encoding: gzip, chunked\r\n"), 501);
    EXPECT_EQ(status_with("Transfer-Encoding: xchunked\r\n"), 501);
    EXPECT_EQ(status_with("Transfer-Encoding: Chunked\r\n"), 200);
    EXPECT_EQ(status_of("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
}

TEST(request_head, only_the_known_expectation_is_met) {
    EXPECT_EQ(status_with("Expect: 100-Continue\r\n"), 200);
    EXPECT_EQ(status_with("Expect: tea\r\n"), 417);
}

TEST(head_scanner, finds_the_end_however_the_text_arrives) {
    const std::string text = "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
    HeadScanner scanner;
    for (std::size_t i = 1; i < text.size(); ++i)
        ASSERT_EQ(scanner.scan(std::string_view(text).substr(0, i)),
                  HeadScanner::State::incomplete);
    EXPECT_EQ(scanner.scan(text + "more"), HeadScanner::State::complete);
    EXPECT_EQ(scanner.size(), text.size());
}

TEST(head_scanner, a_bare_line_feed_is_malformed) {
    for (const std::string_view text :
         {"GET / HTTP/1.1\n", "GET / HTTP/1.1\r\nHost: a\n", "\n", "GET / HTTP/1.1\r\n\n"}) {
        HeadScanner scanner;
        EXPECT_EQ(scanner.scan(text), HeadScanner::State::malformed) << text;
    }
}

TEST(head_scanner, what_cannot_become_http_is_malformed_at_once) {
    HeadScanner scanner;
    EXPECT_EQ(scanner.scan("\x16\x03\x01"), HeadScanner::State::malformed);
}

std::expected<Framing, Rejection> response(std::string_view text, ResponseHead& head,
                                           ResponseTo to = ResponseTo::other) {
    return parse_response_head(text, 10, to, head);
}

Coding coding_of(std::string_view text, ResponseTo to = ResponseTo::other) {
    ResponseHead head;
    const auto framing = response(text, head, to);
    EXPECT_TRUE(framing) << text;
    return framing->coding;
}

TEST(response_head, parts_are_taken_as_sent) {
    ResponseHead head;
    const auto framing =
        response("HTTP/1.1 404 Not \xc3\xa4\r\nA: b\r\nConnection: close\r\n\r\n", head);
    ASSERT_TRUE(framing);
    EXPECT_EQ(head.status, 404);
    EXPECT_EQ(head.headers.get("a"), "b");
    EXPECT_FALSE(framing->keep_alive);
    EXPECT_EQ(coding_of("HTTP/1.1 200\r\n\r\n"), Coding::until_close);
}

TEST(response_head, the_content_ends_where_rfc_9112_says) {
    constexpr std::string_view kLength = "Content-Length: 5\r\n\r\n";
    EXPECT_EQ(coding_of("HTTP/1.1 200 OK\r\n" + std::string(kLength)), Coding::length);
    EXPECT_EQ(coding_of("HTTP/1.1 204 x\r\n" + std::string(kLength)), Coding::none);
    EXPECT_EQ(coding_of("HTTP/1.1 304 x\r\n" + std::string(kLength)), Coding::none);
    EXPECT_EQ(coding_of("HTTP/1.1 100 x\r\n" + std::string(kLength)), Coding::none);
    EXPECT_EQ(coding_of("HTTP/1.1 200 OK\r\n" + std::string(kLength), ResponseTo::head),
              Coding::none);
    EXPECT_EQ(coding_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), Coding::chunked);
}

TEST(response_head, broken_ones_are_refused) {
    for (const std::string_view text :
         {"HTTP/2 200 OK\r\n\r\n", "HTTP/1.1  200\r\n\r\n", "HTTP/1.1 20\r\n\r\n",
          "HTTP/1.1 2000\r\n\r\n", "HTTP/1.1 099 x\r\n\r\n", "ICY 200 OK\r\n\r\n",
          "HTTP/1.1 200 O\x01K\r\n\r\n", "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"}) {
        ResponseHead head;
        EXPECT_FALSE(response(text, head)) << text;
    }
}

TEST(http_text, a_value_cannot_forge_a_field) {
    std::string out;
    append_field(out, "A", "b\r\nInjected: c");
    append_field(out, "B\r\nInjected", "c");
    EXPECT_EQ(out, "A: b  Injected: c\r\n");
}

}  // namespace
}  // namespace ac::net
