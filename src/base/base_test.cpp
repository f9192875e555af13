#include <gtest/gtest.h>

#include <set>

#include "base/encoding.h"
#include "base/random.h"
#include "base/storable_text.h"
#include "base/time_text.h"

namespace ac {
namespace {

TEST(encoding, base64_round_trips_every_byte) {
    std::string all;
    for (int i = 0; i < 256; ++i) {
        all += static_cast<char>(i);
        EXPECT_EQ(from_base64(to_base64(all)), all);
        EXPECT_EQ(from_base64url(to_base64url(all)), all);
    }
    EXPECT_EQ(to_base64("any carnal pleas"), "YW55IGNhcm5hbCBwbGVhcw==");
    EXPECT_FALSE(from_base64("a"));
    EXPECT_FALSE(from_base64("ab=c"));
    EXPECT_FALSE(from_base64("a b c d "));
}

TEST(encoding, percent_encoding_is_sigv4s) {
    EXPECT_EQ(percent_encode("a b/c~d+é"), "a%20b%2Fc~d%2B%C3%A9");
    EXPECT_EQ(percent_encode("a/b", "/"), "a/b");
    EXPECT_EQ(percent_decode("a%20b%2fc+"), "a b/c+");
    EXPECT_EQ(percent_decode("a+b", true), "a b");
    EXPECT_FALSE(percent_decode("%2"));
    EXPECT_FALSE(percent_decode("%zz"));
}

TEST(encoding, utf8_refuses_overlong_surrogates_and_truncation) {
    EXPECT_TRUE(is_valid_utf8("한국어 😀 \xef\xbf\xbf"));
    EXPECT_FALSE(is_valid_utf8("\xc0\xaf"));
    EXPECT_FALSE(is_valid_utf8("\xed\xa0\x80"));
    EXPECT_FALSE(is_valid_utf8("\xf4\x90\x80\x80"));
    EXPECT_FALSE(is_valid_utf8("\xe2\x82"));
}

TEST(encoding, what_is_no_text_becomes_question_marks) {
    using namespace std::string_view_literals;
    EXPECT_EQ(to_storable_text("한 😀"), "한 😀");
    EXPECT_EQ(to_storable_text("a\0b"sv), "a?b");
    EXPECT_EQ(to_storable_text("\x82\xac cut \xe2\x82"), "?? cut ??");
    EXPECT_EQ(to_storable_text("\xff\xe2\x82\xac"), "?\u20ac");
    EXPECT_EQ(to_storable_text(""), "");
}

TEST(time_text, every_form_round_trips) {
    const WallTime time = from_epoch_ms(1'767'323'045'678);
    EXPECT_EQ(to_rfc3339(time), "2026-01-02T03:04:05.678Z");
    EXPECT_EQ(from_rfc3339(to_rfc3339(time)), time);
    EXPECT_EQ(from_rfc3339("2026-01-02T12:04:05.6780+09:00"), time);
    EXPECT_EQ(to_amz_date(time), "20260102T030405Z");
    EXPECT_EQ(from_amz_date("20260102T030405Z"), from_epoch_ms(1'767'323'045'000));
    EXPECT_EQ(to_http_date(time), "Fri, 02 Jan 2026 03:04:05 GMT");
    EXPECT_EQ(from_http_date(to_http_date(time)), from_epoch_ms(1'767'323'045'000));
    for (const char* bad :
         {"", "2026-02-30T00:00:00Z", "2026-01-02T03:04:05", "2026-01-02T03:04:05.Z"})
        EXPECT_FALSE(from_rfc3339(bad)) << bad;
}

TEST(random, the_system_never_gives_the_same_bytes_twice) {
    SystemRandom random;
    std::set<std::string> seen;
    for (int i = 0; i < 1000; ++i) seen.insert(random_uuid(random));
    EXPECT_EQ(seen.size(), 1000U);
}

TEST(random, ids_have_the_length_and_alphabet_asked_for) {
    SeededRandom random(7);
    const std::string id = random_alphanumeric(random, 10);
    EXPECT_EQ(id.size(), 10U);
    EXPECT_EQ(random_uuid(random).size(), 36U);
    EXPECT_NE(random_alphanumeric(random, 10), id);
}

}  // namespace
}  // namespace ac
