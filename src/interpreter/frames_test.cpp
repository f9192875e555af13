#include "interpreter/frames.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "interpreter/limits.h"

namespace ac::interpreter {
namespace {

std::string frame(const boost::json::object& header, const std::string& body) {
    return encode_head(header, body.size()) + body;
}

TEST(Frames, come_out_as_they_went_in_whatever_the_pieces) {
    boost::json::object header;
    header["call"] = 7;
    header["event"] = "output";
    const std::string body("a\0b\xff", 4);
    const std::string bytes = frame(header, body) + frame(header, "") + frame({}, "x");
    for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
        FrameDecoder decoder;
        std::vector<Frame> found;
        for (std::size_t at = 0; at < bytes.size(); at += piece) {
            decoder.feed(std::string_view(bytes).substr(at, piece));
            while (true) {
                auto next = decoder.next();
                ASSERT_TRUE(next.has_value());
                if (!*next) break;
                found.push_back(**std::move(next));
            }
        }
        ASSERT_EQ(found.size(), 3U);
        EXPECT_EQ(found[0].header, header);
        EXPECT_EQ(found[0].body, body);
        EXPECT_EQ(found[1].body, "");
        EXPECT_EQ(found[2].body, "x");
    }
}

TEST(Frames, a_body_is_read_straight_to_where_it_stays) {
    boost::json::object header;
    header["call"] = 1;
    const std::string body(100'000, 'b');
    const std::string bytes = frame(header, body) + frame(header, "next");
    FrameDecoder decoder;
    EXPECT_TRUE(decoder.room().empty());
    const std::size_t first = encode_head(header, body.size()).size() + 10;
    decoder.feed(std::string_view(bytes).substr(0, first));
    ASSERT_EQ(*decoder.next(), std::nullopt);
    std::string_view rest = std::string_view(bytes).substr(first, body.size() - 10);
    while (!rest.empty()) {
        const std::span<char> room = decoder.room();
        const std::size_t size = std::min<std::size_t>({room.size(), rest.size(), 7'777});
        ASSERT_GT(size, 0U);
        rest.copy(room.data(), size);
        decoder.commit(size);
        rest.remove_prefix(size);
    }
    const auto whole = decoder.next();
    ASSERT_TRUE(whole && *whole);
    EXPECT_EQ((*whole)->body, body);
    EXPECT_TRUE(decoder.room().empty());
    decoder.feed(std::string_view(bytes).substr(first + body.size() - 10));
    const auto second = decoder.next();
    ASSERT_TRUE(second && *second);
    EXPECT_EQ((*second)->body, "next");
}

TEST(Frames, bodies_of_every_small_size_keep_it) {
    for (std::size_t size = 0; size < 100; ++size) {
        FrameDecoder decoder;
        decoder.feed(frame({}, std::string(size, 'b')) + frame({}, "next"));
        auto first = decoder.next();
        ASSERT_TRUE(first.has_value() && *first) << size;
        EXPECT_EQ((*first)->body, std::string(size, 'b'));
        auto second = decoder.next();
        ASSERT_TRUE(second.has_value() && *second) << size;
        EXPECT_EQ((*second)->body, "next");
    }
}

TEST(Frames, over_a_bound_are_refused_before_they_have_come) {
    FrameDecoder header_too_long;
    header_too_long.feed(std::string("\xff\xff\xff\xff\0\0\0\0", 8));
    EXPECT_FALSE(header_too_long.next().has_value());
    FrameDecoder body_too_long;
    body_too_long.feed(std::string("\2\0\0\0\xff\xff\xff\xff{}", 10));
    EXPECT_FALSE(body_too_long.next().has_value());
}

TEST(Frames, whose_header_is_no_object_are_refused) {
    for (const std::string text : {"[]", "x", "", "{", "nul", "{}{}"}) {
        FrameDecoder decoder;
        std::string bytes(8, '\0');
        bytes[0] = static_cast<char>(text.size());
        decoder.feed(bytes + text);
        const auto next = decoder.next();
        ASSERT_FALSE(next.has_value()) << text;
        EXPECT_EQ(next.error().code, ErrorCode::guest_failed);
    }
}

}  // namespace
}  // namespace ac::interpreter
