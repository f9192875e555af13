#include <gtest/gtest.h>

#include "net/event_frame.h"

namespace ac::net {
namespace {

std::uint32_t bit_by_bit(std::string_view bytes) {
    std::uint32_t crc = ~0U;
    for (const unsigned char byte : bytes) {
        crc ^= byte;
        for (int bit = 0; bit < 8; ++bit)
            crc = (crc & 1) != 0 ? 0xEDB88320U ^ (crc >> 1) : crc >> 1;
    }
    return ~crc;
}

TEST(crc32, is_the_same_at_every_length) {
    EXPECT_EQ(crc32("123456789"), 0xCBF43926U);  // the check value of the standard
    std::string bytes;
    for (int i = 0; i < 600; ++i) {
        EXPECT_EQ(crc32(bytes), bit_by_bit(bytes)) << i;
        bytes += static_cast<char>(i * 37 + (i >> 3));
    }
}

TEST(event_frame, around_a_payload_is_the_message) {
    const EventMessage message{.headers = {{":event-type", "x"}, {"other", "value"}},
                               .payload = "the payload"};
    std::string out;
    begin_message(out, message.headers);
    out += message.payload;
    end_message(out);
    EXPECT_EQ(out, encode_message(message));
    EventDecoder decoder;
    decoder.feed(out);
    const auto back = decoder.next();
    ASSERT_TRUE(back && *back);
    EXPECT_EQ((*back)->payload, message.payload);
    EXPECT_EQ((*back)->header("other"), "value");
}

}  // namespace
}  // namespace ac::net
