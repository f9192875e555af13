#include "net/web_socket.h"

#include <gtest/gtest.h>

namespace ac::net {
namespace {

using Kind = WebSocketMessage::Kind;
using Sender = WebSocketDecoder::Sender;

constexpr std::string_view kMask = "\x37\xfa\x21\x3d";

std::vector<WebSocketMessage> all_of(WebSocketDecoder& decoder) {
    std::vector<WebSocketMessage> messages;
    while (auto message = decoder.next()) messages.push_back(*std::move(message));
    return messages;
}

TEST(web_socket, messages_survive_the_way_in_both_directions_and_however_they_are_cut) {
    for (const std::size_t size : {0U, 1U, 125U, 126U, 65'535U, 65'536U}) {
        const std::string payload(size, 'x');
        for (const std::string_view mask : {std::string_view(), kMask}) {
            const std::string frame = encode_web_socket(Kind::binary, payload, mask);
            for (const std::size_t piece : {1U, 7U, 100'000U}) {
                WebSocketDecoder decoder(mask.empty() ? Sender::server : Sender::client, 65'536);
                for (std::size_t at = 0; at < frame.size(); at += piece)
                    ASSERT_TRUE(decoder.feed(std::string_view(frame).substr(at, piece)));
                const WebSocketMessage expected{.kind = Kind::binary, .payload = payload};
                EXPECT_EQ(all_of(decoder), std::vector{expected});
            }
        }
    }
}

TEST(web_socket, the_rfcs_own_examples) {
    WebSocketDecoder decoder(Sender::client, 100);
    ASSERT_TRUE(decoder.feed("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"));  // 5.7
    EXPECT_EQ(decoder.next()->payload, "Hello");
    EXPECT_EQ(web_socket_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(web_socket, control_frames_come_between_fragments) {
    WebSocketDecoder decoder(Sender::server, 100);
    ASSERT_TRUE(decoder.feed(std::string_view("\x01\x02he\x89\x01!\x80\x03llo", 13)));
    const auto messages = all_of(decoder);
    ASSERT_EQ(messages.size(), 2U);
    EXPECT_EQ(messages[0].kind, Kind::ping);
    EXPECT_EQ(messages[1], (WebSocketMessage{.kind = Kind::text, .payload = "hello"}));
}

TEST(web_socket, a_message_over_the_bound_is_refused_whole_and_in_fragments) {
    WebSocketDecoder whole(Sender::server, 10);
    EXPECT_EQ(whole.feed(encode_web_socket(Kind::binary, "12345678901")).error().code,
              ErrorCode::too_large);
    WebSocketDecoder huge(Sender::server, 10);
    EXPECT_EQ(huge.feed("\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff").error().code,
              ErrorCode::too_large);
    WebSocketDecoder pieces(Sender::server, 10);
    ASSERT_TRUE(
        pieces.feed(std::string_view("\x02\x06"
                                     "123456",
                                     8)));
    EXPECT_EQ(pieces
                  .feed(std::string_view("\x80\x05"
                                         "12345",
                                         7))
                  .error()
                  .code,
              ErrorCode::too_large);
    EXPECT_FALSE(pieces.feed("x"));
}

TEST(web_socket, what_is_no_frame_is_refused) {
    using std::string_view;
    for (const string_view bad : {string_view("\xc2\x80", 2), string_view("\x83\x80", 2),
                                  string_view("\x82\x01x", 3), string_view("\x09\x80", 2),
                                  string_view("\x80\x80", 2), string_view("\x89\xfe\x00\x80", 4)}) {
        WebSocketDecoder decoder(Sender::client, 100);
        const std::string fed = std::string(bad) + std::string(16, '\0');
        const auto taken = decoder.feed(fed);
        ASSERT_FALSE(taken);
        EXPECT_EQ(taken.error().code, ErrorCode::invalid_argument);
    }
}

TEST(web_socket, close_codes) {
    EXPECT_EQ(web_socket_close_code(web_socket_close(4000, "why")), 4000);
    EXPECT_EQ(web_socket_close(1000, std::string(200, 'x')).size(), 125U);
    EXPECT_FALSE(web_socket_close_code("x"));
}

}  // namespace
}  // namespace ac::net
