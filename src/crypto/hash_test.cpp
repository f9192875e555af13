#include "crypto/hash.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace ac {
namespace {

TEST(hash, known_answers) {
    EXPECT_EQ(sha256_hex("abc"),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(md5_hex(""), "d41d8cd98f00b204e9800998ecf8427e");
    // RFC 4231, test case 2.
    EXPECT_EQ(to_hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(hash, a_stream_hashes_like_the_whole) {
    Hasher hasher;
    hasher.update("a");
    hasher.update("bc");
    EXPECT_EQ(hasher.finish_hex(), sha256_hex("abc"));
}

TEST(hash, comparison_sees_length_and_content) {
    EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
    EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
    EXPECT_FALSE(equal_in_constant_time("abc", "ab"));
}

}  // namespace
}  // namespace ac
