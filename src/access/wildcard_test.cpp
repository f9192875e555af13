#include "access/wildcard.h"

#include <gtest/gtest.h>

#include <random>

namespace ac::access {
namespace {

// The definition, exponential.
bool by_definition(std::string_view pattern, std::string_view text) {
    if (pattern.empty()) return text.empty();
    if (pattern.front() == '*')
        return by_definition(pattern.substr(1), text) ||
               (!text.empty() && by_definition(pattern, text.substr(1)));
    return !text.empty() && (pattern.front() == '?' || pattern.front() == text.front()) &&
           by_definition(pattern.substr(1), text.substr(1));
}

TEST(wildcard, matches_as_defined) {
    std::mt19937 random(7);
    const auto make = [&](std::string_view alphabet, std::size_t length_max) {
        std::string out;
        for (std::size_t n = random() % (length_max + 1); n > 0; --n)
            out += alphabet[random() % alphabet.size()];
        return out;
    };
    for (int round = 0; round < 20'000; ++round) {
        const std::string pattern = make("ab*?", 7);
        const std::string text = make("ab", 9);
        EXPECT_EQ(Wildcard(pattern).matches(text), by_definition(pattern, text))
            << pattern << " on " << text;
    }
}

TEST(wildcard, a_question_mark_is_one_character_whatever_its_bytes) {
    EXPECT_TRUE(Wildcard("?").matches("\u00e9"));
    EXPECT_TRUE(Wildcard("a?b").matches("a\u20acb"));
    EXPECT_FALSE(Wildcard("a??b").matches("a\u20acb"));
    EXPECT_TRUE(Wildcard("*?b").matches("x\u20acb"));
    EXPECT_FALSE(Wildcard("??*").matches("\u20ac"));
    EXPECT_TRUE(Wildcard("*a?c*").matches("zz a\u20acc zz"));
    EXPECT_FALSE(Wildcard("*a??c*").matches("zz a\u20acc zz"));
}

TEST(wildcard, long_segments_with_question_marks_are_found) {
    const std::string segment = "a" + std::string(100, '?') + "z";
    const std::string text = "aaaa" + std::string(99, 'x') + "z";
    EXPECT_TRUE(Wildcard("*" + segment + "*").matches("yy" + text));
    EXPECT_FALSE(Wildcard("*" + segment + "*").matches("yy" + text.substr(4)));
}

TEST(wildcard, literals_are_not_wild) {
    Wildcard text("home/");
    text.add_literal("*?");
    text.add_pattern("/*");
    EXPECT_TRUE(text.matches("home/*?/a"));
    EXPECT_FALSE(text.matches("home/xx/a"));
}

// Backtracking would need 10^50 steps.
TEST(wildcard, hostile_patterns_take_no_time) {
    std::string stars;
    std::string marks;
    for (int i = 0; i < 1000; ++i) {
        stars += "*a";
        marks += "*?a";
    }
    const std::string text(60'000, 'a');
    EXPECT_FALSE(Wildcard(stars + "*b").matches(text));
    EXPECT_FALSE(Wildcard(marks + "*b").matches(text));
    EXPECT_FALSE(Wildcard("*" + std::string(2000, '?') + "b*").matches(text));
}

}  // namespace
}  // namespace ac::access
