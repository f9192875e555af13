#include "net/sse_decoder.h"

#include <gtest/gtest.h>

#include <vector>

namespace ac::net {
namespace {

std::vector<std::string> events_of(std::string_view text, std::size_t piece) {
    SseDecoder decoder(1000);
    std::vector<std::string> out;
    for (std::size_t at = 0; at < text.size(); at += piece) {
        decoder.feed(text.substr(at, piece));
        while (true) {
            auto event = decoder.next();
            EXPECT_TRUE(event);
            if (!event || !*event) break;
            out.push_back((*event)->event + "|" + (*event)->data);
        }
    }
    return out;
}

using Texts = std::vector<std::string>;

TEST(sse_decoder, takes_events_in_any_pieces) {
    const std::string_view text =
        "\xEF\xBB\xBF: hello\nevent: a\ndata: 1\ndata:2\n\ndata\n\nid: 7\n\nevent: x\r\n"
        "data:  two blanks\r\n\r\ndata: cr\r\rdata: last\n\n";
    const Texts wanted = {"a|1\n2", "|", "x| two blanks", "|cr", "|last"};
    for (std::size_t piece = 1; piece < text.size(); ++piece)
        EXPECT_EQ(events_of(text, piece), wanted) << piece;
}

TEST(sse_decoder, an_unfinished_event_is_none_and_is_noticed) {
    SseDecoder decoder(100);
    decoder.feed("data: half");
    EXPECT_FALSE(*decoder.next());
    EXPECT_FALSE(decoder.is_between_events());
    decoder.feed("\n\n");
    EXPECT_EQ((*decoder.next())->data, "half");
    EXPECT_TRUE(decoder.is_between_events());
}

TEST(sse_decoder, bounds_a_line_and_an_event) {
    SseDecoder line(10);
    line.feed(std::string(11, 'x'));
    EXPECT_EQ(line.next().error().code, ErrorCode::too_large);
    SseDecoder event(10);
    event.feed("data: 123456\ndata: 789012\n");
    EXPECT_EQ(event.next().error().code, ErrorCode::too_large);
}

}  // namespace
}  // namespace ac::net
