#include "search/vocabulary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

namespace ac::search {
namespace {

std::map<FormId, float> alike(const Vocabulary& vocabulary, const char* word, double share_min) {
    std::map<FormId, float> out;
    for (const auto& [form, share] : vocabulary.like({.text = word}, share_min)) out[form] = share;
    return out;
}

TEST(Vocabulary, forms_of_one_word_are_one_term) {
    Vocabulary vocabulary;
    const auto walks = vocabulary.add_form({.text = "walks"});
    const auto walked = vocabulary.add_form({.text = "walked"});
    EXPECT_NE(walks, walked);
    EXPECT_EQ(vocabulary.add_form({.text = "walks"}), walks);
    EXPECT_EQ(vocabulary.term_of(walks), vocabulary.term_of(walked));
    ASSERT_NE(vocabulary.find_term("walk"), nullptr);
    EXPECT_EQ(*vocabulary.find_term("walk"), vocabulary.term_of(walks));
    EXPECT_EQ(vocabulary.find_term("walks"), nullptr);
}

TEST(Vocabulary, a_word_is_like_itself_most_and_like_what_is_spelt_alike) {
    Vocabulary vocabulary;
    const auto peanuts = vocabulary.add_form({.text = "peanuts"});
    const auto bicycle = vocabulary.add_form({.text = "bicycle"});
    EXPECT_EQ(alike(vocabulary, "peanuts", 0.3), (std::map<FormId, float>{{peanuts, 1}}));
    const auto found = alike(vocabulary, "penuts", 0.3);
    ASSERT_TRUE(found.contains(peanuts));
    EXPECT_LT(found.at(peanuts), 1);
    EXPECT_FALSE(found.contains(bicycle));
    EXPECT_TRUE(alike(vocabulary, "bicycles", 0.9).empty());
}

TEST(Vocabulary, what_has_too_little_in_common_is_left_out_and_nothing_else) {
    std::mt19937 engine(5);
    const auto word = [&] {
        static constexpr const char* kParts[] = {"an", "der", "ing", "s", "ti", "on", "wal", "k"};
        std::string out;
        for (auto left = 1 + engine() % 5; left > 0; --left)
            out += kParts[engine() % std::size(kParts)];
        return out;
    };
    Vocabulary vocabulary;
    for (int i = 0; i < 300; ++i) vocabulary.add_form({.text = word()});
    for (int i = 0; i < 40; ++i) {
        const auto asked = word();
        const auto all = alike(vocabulary, asked.c_str(), 0.0001);
        for (const auto share_min : {0.1, 0.3, 0.5, 1.0}) {
            auto wanted = all;
            std::erase_if(wanted, [&](const auto& one) {
                return one.second < static_cast<float>(share_min);
            });
            EXPECT_EQ(alike(vocabulary, asked.c_str(), share_min), wanted) << asked;
        }
    }
}

TEST(Vocabulary, wide_pairs_are_like_themselves_only) {
    Vocabulary vocabulary;
    const auto seoul = vocabulary.add_form({.text = "서울", .is_wide = true});
    vocabulary.add_form({.text = "서운", .is_wide = true});
    const auto found = vocabulary.like({.text = "서울", .is_wide = true}, 0.1);
    ASSERT_EQ(found.size(), 1);
    EXPECT_EQ(found[0].form, seoul);
    EXPECT_EQ(found[0].share, 1);
}

TEST(Vocabulary, the_longest_words_are_compared_without_overflow) {
    Vocabulary vocabulary;
    std::string longest;
    for (int i = 0; i < 128; ++i) longest.push_back(static_cast<char>('a' + i * i % 26));
    const auto form = vocabulary.add_form({.text = longest});
    const auto found = vocabulary.like({.text = longest}, 0.3);
    ASSERT_EQ(found.size(), 1);
    EXPECT_EQ(found[0].form, form);
    EXPECT_LE(found[0].share, 1);
}

}  // namespace
}  // namespace ac::search
