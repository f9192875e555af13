#include "net/chunk_decoder.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace ac::net {
namespace {

struct Decoded {
    std::string content;
    bool done = false;
    std::size_t used = 0;
};

// Feeds `text` in pieces of `step` bytes; nullopt when the decoder refuses it.
std::optional<Decoded> decode(std::string_view text, std::size_t step) {
    ChunkDecoder decoder;
    Decoded decoded;
    std::string_view arrived;
    std::size_t end = 0;
    while (!decoder.is_done()) {
        const auto eaten = decoder.eat_framing(arrived);
        if (!eaten) return std::nullopt;
        decoded.used += *eaten;
        arrived.remove_prefix(*eaten);
        if (decoder.content() > 0 && !arrived.empty()) {
            const auto count = std::min<std::uint64_t>(decoder.content(), arrived.size());
            decoded.content += arrived.substr(0, count);
            arrived.remove_prefix(count);
            decoder.took(count);
            decoded.used += count;
            continue;
        }
        if (decoder.is_done() || end == text.size()) break;
        end = std::min(end + step, text.size());
        arrived = text.substr(decoded.used, end - decoded.used);
    }
    decoded.done = decoder.is_done();
    return decoded;
}

TEST(chunk_decoder, content_comes_out_however_it_arrives) {
    const std::string_view text =
        "5\r\nhello\r\n00a;x=\"y\";z\r\n0123456789\r\nB \t;q\r\nhello world\r\n"
        "0\r\nTrailer: v\r\nAnother: w\r\n\r\nnext";
    for (const std::size_t step : {1U, 2U, 3U, 7U, 1000U}) {
        const auto decoded = decode(text, step);
        ASSERT_TRUE(decoded) << step;
        EXPECT_TRUE(decoded->done);
        EXPECT_EQ(decoded->content, "hello0123456789hello world");
        EXPECT_EQ(text.substr(decoded->used), "next");
    }
}

TEST(chunk_decoder, broken_coding_is_refused) {
    for (const std::string_view text : {"\r\n",
                                        "x\r\n",
                                        "-1\r\n",
                                        "+1\r\n",
                                        "0x1\r\n",
                                        "1\n",
                                        "1\rx",
                                        ";a\r\n",
                                        " 1\r\n",
                                        "1 2\r\n",
                                        "1\r\nab\r\n",
                                        "1\r\na\n",
                                        "1\r\na\rb",
                                        "1;a\nb\r\n",
                                        "1;a\x01\r\n",
                                        "1000000000000000\r\n",
                                        "0\r\n\n",
                                        "0\r\nA: b\n",
                                        "0\r\n A: b\r\n",
                                        "0\r\n\rx",
                                        "0\r\nA: \x01\r\n"})
        EXPECT_FALSE(decode(text, 1)) << text;
}

TEST(chunk_decoder, lines_and_trailers_are_bounded) {
    EXPECT_FALSE(decode("1;" + std::string(ChunkDecoder::kLineBytesMax, 'a'), 64));
    std::string trailers = "0\r\n";
    for (int i = 0; i < 1000; ++i) trailers += "Field: value\r\n";
    EXPECT_FALSE(decode(trailers, 64));
    EXPECT_FALSE(decode("0000000000000000000001\r\n", 64));
}

TEST(chunk_decoder, a_body_that_breaks_off_is_not_done) {
    for (const std::string_view text : {"", "5", "5\r\n", "5\r\nhel", "5\r\nhello", "0\r\n"}) {
        const auto decoded = decode(text, 1);
        ASSERT_TRUE(decoded);
        EXPECT_FALSE(decoded->done) << text;
    }
}

}  // namespace
}  // namespace ac::net
