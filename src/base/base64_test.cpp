#include "base/base64.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/random.h"

namespace ac {
namespace {

std::string bytes_of(std::size_t size, std::size_t seed) {
    std::string out(size, '\0');
    for (std::size_t i = 0; i < size; ++i)
        out[i] = static_cast<char>((i * 2'654'435'761U + seed * 40'503U) >> 13);
    return out;
}

TEST(base64, comes_back_at_every_length) {
    for (std::size_t size = 0; size < 400; ++size) {
        const std::string bytes = bytes_of(size, size);
        const std::string text = to_base64(bytes);
        EXPECT_EQ(text.size(), (size + 2) / 3 * 4);
        EXPECT_EQ(from_base64(text), bytes) << size;
        std::string appended = "before";
        append_base64(appended, bytes);
        EXPECT_EQ(appended, "before" + text);
    }
}

TEST(base64, every_other_character_is_refused_wherever_it_is) {
    const std::string good = to_base64(bytes_of(150, 1));
    for (int c = 0; c < 256; ++c) {
        const char letter = static_cast<char>(c);
        const bool is_letter = good.size() > 0 && (std::isalnum(static_cast<unsigned char>(c)) != 0
                                                       ? c < 128
                                                       : letter == '+' || letter == '/');
        for (const std::size_t at : {std::size_t{0}, std::size_t{31}, std::size_t{100}}) {
            std::string text = good;
            text[at] = letter;
            EXPECT_EQ(from_base64(text).has_value(), is_letter) << c << " at " << at;
        }
    }
}

TEST(base64, is_decoded_where_it_is) {
    for (const std::size_t size : {0U, 1U, 47U, 48U, 1000U, 100'001U}) {
        const std::string bytes = bytes_of(size, 9);
        std::string buffer = "some text before " + to_base64(bytes);
        const std::string_view text = std::string_view(buffer).substr(17);
        const auto got = decode_base64(text, buffer.data());
        ASSERT_EQ(got, size);
        EXPECT_EQ(buffer.substr(0, size), bytes);
    }
}

TEST(base64, utf8_is_checked_past_long_runs_of_ascii) {
    const std::string ascii(1000, 'a');
    EXPECT_TRUE(is_valid_utf8(ascii));
    EXPECT_TRUE(is_valid_utf8(ascii + "\xe2\x82\xac" + ascii));
    for (std::size_t at = 0; at < 100; ++at) {
        std::string text = ascii;
        text[at] = '\x80';
        EXPECT_FALSE(is_valid_utf8(text)) << at;
    }
}

}  // namespace
}  // namespace ac
