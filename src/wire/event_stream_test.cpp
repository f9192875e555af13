#include "wire/event_stream.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace ac::wire {
namespace {

TEST(event_stream, crc_is_the_ieee_one) {
    EXPECT_EQ(crc32("123456789"), 0xCBF43926U);
    EXPECT_EQ(crc32(""), 0U);
}

TEST(event_stream, a_frame_is_byte_for_byte_what_botocore_reads) {
    const std::string frame = encode_event("chunk", R"({"contentStart":{}})");
    EXPECT_EQ(to_hex(std::as_bytes(std::span(frame))),
              "0000006e0000004ba22e8e5d0d3a6d6573736167652d747970650700056576656e740b3a"
              "6576656e742d747970650700056368756e6b0d3a636f6e74656e742d7479706507001061"
              "70706c69636174696f6e2f6a736f6e7b22636f6e74656e745374617274223a7b7d7d1ff3"
              "11ca");
}

TEST(event_stream, what_is_written_is_read_back_in_any_pieces) {
    const EventMessage sent{.headers = {{"a", "1"}, {"bb", std::string(1000, 'x')}, {"c", ""}},
                            .payload = std::string("\0\xff payload", 10)};
    const std::string bytes = encode_message(sent) + encode_event("result", "{}");
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, bytes.size()}) {
        EventDecoder decoder;
        std::vector<EventMessage> got;
        for (std::size_t at = 0; at < bytes.size(); at += piece) {
            decoder.feed(std::string_view(bytes).substr(at, piece));
            for (;;) {
                auto message = decoder.next();
                ASSERT_TRUE(message) << message.error().message;
                if (!*message) break;
                got.push_back(**std::move(message));
            }
        }
        ASSERT_EQ(got.size(), 2U);
        EXPECT_EQ(got[0].payload, sent.payload);
        EXPECT_EQ(got[0].header("bb"), sent.headers[1].value);
        EXPECT_EQ(got[0].header("c"), "");
        EXPECT_EQ(got[1].header(":event-type"), "result");
        EXPECT_TRUE(decoder.is_empty());
    }
}

TEST(event_stream, every_flipped_bit_is_noticed) {
    const std::string good = encode_event("result", R"({"x":1})");
    for (std::size_t i = 0; i < good.size(); ++i) {
        std::string bad = good;
        bad[i] = static_cast<char>(bad[i] ^ 4);
        EventDecoder decoder;
        decoder.feed(bad);
        const auto message = decoder.next();
        EXPECT_TRUE(!message || !*message) << "byte " << i;
    }
}

TEST(event_stream, a_message_that_breaks_off_stays_unfinished) {
    const std::string good = encode_event("result", "{}");
    EventDecoder decoder;
    decoder.feed(std::string_view(good).substr(0, good.size() - 1));
    EXPECT_FALSE(decoder.next().value());
    EXPECT_FALSE(decoder.is_empty());
}

TEST(event_stream, errors_are_named_as_the_model_names_them) {
    const Error error{.code = ErrorCode::throttled, .message = "slower"};
    EventDecoder decoder;
    decoder.feed(encode_stream_error(error, find_operation("InvokeCodeInterpreter")));
    const auto message = decoder.next();
    ASSERT_TRUE(message && *message);
    EXPECT_EQ((*message)->header(":message-type"), "exception");
    EXPECT_EQ((*message)->header(":exception-type"), "throttlingException");
    EXPECT_EQ((*message)->payload, R"({"message":"slower"})");
}

}  // namespace
}  // namespace ac::wire
