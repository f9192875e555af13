#include "runtime/command_run.h"

#include <gtest/gtest.h>

namespace ac::runtime {
namespace {

TEST(text_pieces, whole_characters_pass_and_cut_ones_wait) {
    TextPieces pieces;
    EXPECT_EQ(pieces.feed("gr\xc3"), "gr");
    EXPECT_EQ(pieces.feed("\xbcn \xf0\x9f"), "\xc3\xbcn ");
    EXPECT_EQ(pieces.feed("\x98"), "");
    EXPECT_EQ(pieces.feed("\x80!"), "\xf0\x9f\x98\x80!");
    EXPECT_EQ(pieces.rest(), "");
}

TEST(text_pieces, what_is_no_text_becomes_a_question_mark) {
    TextPieces pieces;
    EXPECT_EQ(pieces.feed("a\xff"), "a");  // it might have begun a character
    EXPECT_EQ(pieces.feed("b"), "?b");
    TextPieces cut;
    EXPECT_EQ(cut.feed("x\xe2\x82"), "x");
    EXPECT_EQ(cut.rest(), "??");
    TextPieces tails;
    EXPECT_EQ(tails.feed("\x80\x80\x80\x80"), "????");
}

TEST(command_request, bounds_are_the_models) {
    const RuntimeLimits limits;
    EXPECT_TRUE(check_command({.text = "x", .timeout = {}}, limits));
    EXPECT_TRUE(check_command({.text = "x", .timeout = Seconds{3600}}, limits));
    EXPECT_FALSE(check_command({.text = "", .timeout = {}}, limits));
    EXPECT_FALSE(check_command({.text = std::string(65'537, 'x'), .timeout = {}}, limits));
    EXPECT_FALSE(check_command({.text = std::string("a\0b", 3), .timeout = {}}, limits));
    EXPECT_FALSE(check_command({.text = "x", .timeout = Seconds{0}}, limits));
    EXPECT_FALSE(check_command({.text = "x", .timeout = Seconds{3601}}, limits));
}

}  // namespace
}  // namespace ac::runtime
