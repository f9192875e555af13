#include "runtime/frame_meter.h"

#include <gtest/gtest.h>

namespace ac::runtime {
namespace {

using Sender = FrameMeter::Sender;
using namespace std::string_literals;

constexpr std::uint64_t kMax = 64 * 1024;

ErrorCode refused(Sender sender, std::string_view bytes) {
    FrameMeter meter(sender, kMax);
    const auto taken = meter.take(bytes);
    EXPECT_FALSE(taken);
    return taken ? ErrorCode::internal : taken.error().code;
}

std::string frame(unsigned char first, std::size_t size) {
    std::string text(1, static_cast<char>(first));
    if (size < 126) {
        text += static_cast<char>(size);
    } else if (size < 65536) {
        text += static_cast<char>(126);
        text += static_cast<char>(size >> 8);
        text += static_cast<char>(size & 0xff);
    } else {
        text += static_cast<char>(127);
        for (int shift = 56; shift >= 0; shift -= 8)
            text += static_cast<char>(size >> shift & 0xff);
    }
    return text + std::string(size, 'x');
}

TEST(frame_meter, frames_pass_however_they_are_cut) {
    const std::string text = frame(0x81, 5) + frame(0x01, 200) + frame(0x89, 0) + frame(0x00, 3) +
                             frame(0x80, kMax) + frame(0xc2, 0) + std::string("\x88\x02\x03\xe8");
    for (std::size_t piece : {1UL, 2UL, 3UL, 7UL, 1000UL, text.size()}) {
        FrameMeter meter(Sender::server, kMax);
        for (std::size_t at = 0; at < text.size(); at += piece)
            ASSERT_TRUE(meter.take(std::string_view(text).substr(at, piece)));
        EXPECT_TRUE(meter.is_between_frames());
    }
}

TEST(frame_meter, a_frame_over_the_bound_is_refused_by_its_head) {
    EXPECT_EQ(refused(Sender::server, frame(0x82, kMax + 1).substr(0, 10)), ErrorCode::too_large);
    EXPECT_EQ(refused(Sender::client, "\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\2\3\4"s),
              ErrorCode::too_large);
}

TEST(frame_meter, what_is_no_frame_is_refused) {
    for (const std::string& text :
         {"\x83\x00"s, "\x8b\x00"s, "\xb1\x00"s, "\x09\x00"s, "\x88\x7e\x00\x7e"s, "\x80\x00"s,
          "\x01\x00\x81\x00"s, "\x81\x80\0\0\0\0"s, "GET / HTTP/1.1\r\n"s})
        EXPECT_EQ(refused(Sender::server, text), ErrorCode::invalid_argument) << text;
    EXPECT_EQ(refused(Sender::client, "\x81\x01x"), ErrorCode::invalid_argument);
}

TEST(frame_meter, inside_a_frame_is_not_between_frames) {
    FrameMeter meter(Sender::server, kMax);
    ASSERT_TRUE(meter.take("\x81"));
    EXPECT_FALSE(meter.is_between_frames());
    ASSERT_TRUE(meter.take("\x02x"));
    EXPECT_FALSE(meter.is_between_frames());
    ASSERT_TRUE(meter.take("y"));
    EXPECT_TRUE(meter.is_between_frames());
}

}  // namespace
}  // namespace ac::runtime
