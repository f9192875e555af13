#include "crypto/seal.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "crypto/wipe.h"

namespace ac {
namespace {

const std::string kKey(kSealKeyBytes, 'k');
const std::string kOther(kSealKeyBytes, 'o');

TEST(Seal, opens_what_it_sealed) {
    SeededRandom random(1);
    for (const std::string text : {"", "x", "a secret of some length"}) {
        const std::string sealed = seal(kKey, "place", text, random);
        EXPECT_EQ(sealed.size(), text.size() + kSealOverheadBytes);
        const auto opened = unseal(kKey, "place", sealed);
        ASSERT_TRUE(opened);
        EXPECT_EQ(opened->view(), text);
    }
}

// Test case 16 of the GCM specification (McGrew and Viega), AES-256.
TEST(Seal, opens_the_published_vector) {
    const auto bytes = [](std::string_view hex) { return *from_hex(hex); };
    const auto opened =
        unseal(bytes("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"),
               bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
               bytes("cafebabefacedbaddecaf888"
                     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
                     "76fc6ece0f4e1768cddf8853bb2d551b"));
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->view(),
              bytes("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"));
}

// RFC 5869, test case 1, the first 32 bytes.
TEST(Seal, derives_the_published_key) {
    const SecretBytes key =
        derive_key(std::string(22, '\x0b'), *from_hex("000102030405060708090a0b0c"),
                   *from_hex("f0f1f2f3f4f5f6f7f8f9"));
    EXPECT_EQ(to_hex(std::as_bytes(std::span(key.view()))),
              "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
}

TEST(Seal, refuses_another_key_place_or_any_changed_bit) {
    SeededRandom random(2);
    const std::string sealed = seal(kKey, "place", "secret", random);
    EXPECT_FALSE(unseal(kOther, "place", sealed));
    EXPECT_FALSE(unseal(kKey, "elsewhere", sealed));
    for (std::size_t i = 0; i < sealed.size() * 8; ++i) {
        std::string changed = sealed;
        changed[i / 8] = static_cast<char>(changed[i / 8] ^ (1 << (i % 8)));
        EXPECT_FALSE(unseal(kKey, "place", changed));
    }
    for (std::size_t n = 0; n < sealed.size(); ++n)
        EXPECT_FALSE(unseal(kKey, "place", std::string_view(sealed).substr(0, n)));
}

TEST(Envelope, opens_names_its_key_and_hides_the_text) {
    SeededRandom random(3);
    const std::string envelope = seal_envelope({"key-1", kKey}, "place", "the-secret", random);
    EXPECT_EQ(envelope_key_id(envelope), "key-1");
    EXPECT_EQ(envelope.find("the-secret"), std::string::npos);
    EXPECT_EQ(open_envelope(kKey, "place", envelope)->view(), "the-secret");
    EXPECT_FALSE(open_envelope(kKey, "elsewhere", envelope));
    EXPECT_FALSE(open_envelope(kOther, "place", envelope));
}

TEST(Envelope, changes_its_key_without_touching_the_record) {
    SeededRandom random(4);
    const std::string before = seal_envelope({"key-1", kKey}, "place", "the-secret", random);
    const auto after = rewrap_envelope(kKey, {"key-2", kOther}, "place", before, random);
    ASSERT_TRUE(after);
    EXPECT_EQ(envelope_key_id(*after), "key-2");
    EXPECT_EQ(after->substr(after->size() - 20), before.substr(before.size() - 20));
    EXPECT_EQ(open_envelope(kOther, "place", *after)->view(), "the-secret");
    EXPECT_FALSE(open_envelope(kKey, "place", *after));
}

TEST(Envelope, refuses_bytes_that_are_none) {
    SeededRandom random(5);
    const std::string envelope = seal_envelope({"key-1", kKey}, "place", "", random);
    for (std::size_t n = 0; n < envelope.size(); ++n)
        EXPECT_FALSE(open_envelope(kKey, "place", std::string_view(envelope).substr(0, n)));
    std::string renamed = envelope;
    renamed[2] = 'K';
    EXPECT_FALSE(open_envelope(kKey, "place", renamed));
}

TEST(SecretBytes, moves_copies_and_shrinks) {
    SecretBytes a("0123456789");
    SecretBytes b = a.copy();
    SecretBytes c = std::move(a);
    EXPECT_EQ(b.view(), c.view());
    c.shrink(4);
    EXPECT_EQ(c.view(), "0123");
    c = std::move(b);
    EXPECT_EQ(c.view(), "0123456789");
    EXPECT_TRUE(SecretBytes("").empty());
}

TEST(SecretBytes, gives_memory_back_wiped) {
    const char* where = nullptr;
    {
        const SecretBytes secret("wipe me, please, every byte of it");
        where = secret.view().data();
    }
    const SecretBytes next = SecretBytes::of_size(33);
    ASSERT_EQ(next.view().data(), where);
    EXPECT_EQ(next.view(), std::string(33, '\0'));
}

TEST(Wipe, empties_a_string_with_its_capacity) {
    std::string text(100, 'x');
    text.resize(50);
    wipe(text);
    EXPECT_TRUE(text.empty());
    text.resize(100);
    EXPECT_EQ(text, std::string(100, '\0'));
}

}  // namespace
}  // namespace ac
