#include "search/postings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "search/index.h"

namespace ac::search {
namespace {

std::map<std::uint32_t, std::uint32_t> contents(const Postings::List& list) {
    std::map<std::uint32_t, std::uint32_t> out;
    list.for_each([&](std::uint32_t slot, std::uint32_t count) { out[slot] = count; });
    return out;
}

TEST(PackedTerms, what_is_packed_comes_out_again) {
    const std::vector<Counted> pairs = {{0, 1}, {1, 7}, {130, 1}, {20'000, 300}, {0x7FFFFFFE, 1}};
    std::uint8_t bytes[100];
    auto* end = bytes;
    std::uint32_t before = ~0U;
    for (const auto& pair : pairs) {
        end = pack(pair, before, end);
        before = pair.number;
    }
    std::vector<std::pair<std::uint32_t, std::uint32_t>> out;
    for_each_packed(bytes, end, [&](std::uint32_t number, std::uint32_t count) {
        out.emplace_back(number, count);
    });
    ASSERT_EQ(out.size(), pairs.size());
    for (std::size_t i = 0; i < out.size(); ++i)
        EXPECT_EQ(out[i], std::pair(pairs[i].number, pairs[i].count));
}

TEST(Postings, a_list_holds_what_was_added_in_every_form_it_takes) {
    std::mt19937 engine(3);
    std::map<TermId, std::map<std::uint32_t, std::uint32_t>> wanted;
    Postings postings;
    for (std::uint32_t slot = 0; slot < 20'000; ++slot) {
        std::vector<Counted> terms;
        // Term n is in about one of n + 1 documents: bitmaps, packed lists, and single postings.
        for (TermId term = 0; term < 5000; term = term * 2 + 1)
            if (engine() % (term + 1) == 0) terms.push_back({term, engine() % 10 == 9 ? 201U : 1U});
        for (const auto& [term, count] : terms) wanted[term][slot] = count;
        postings.add(slot, terms);
    }
    for (const auto& [term, list] : wanted) {
        const auto* found = postings.find(term);
        ASSERT_NE(found, nullptr);
        EXPECT_EQ(found->frequency(), list.size());
        EXPECT_EQ(contents(*found), list) << term;
    }
    EXPECT_NE(postings.find(0)->bitmap(), nullptr);
    EXPECT_EQ(postings.find(4095)->bitmap(), nullptr);
    EXPECT_EQ(postings.find(77), nullptr);
}

TEST(Bitmap, adds_to_the_scores_of_its_slots_only) {
    constexpr std::size_t kSlots = 1000;  // no multiple of a word
    Bitmap bitmap;
    std::vector<float> values(kSlots);
    std::vector<float> scores(kSlots);
    for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
        values[slot] = static_cast<float>(slot);
        if (slot % 7 == 3) bitmap.set(slot);
    }
    bitmap.add(2, values, 0, 512, scores);
    bitmap.add(2, values, 512, kSlots, scores);
    for (std::uint32_t slot = 0; slot < kSlots; ++slot)
        EXPECT_EQ(scores[slot], slot % 7 == 3 ? 2 * values[slot] : 0);
}

// Every document has the frequent words; some have rare ones.
std::string text_of(int number) {
    return "customer account number " + std::to_string(number) + " prefers " +
           (number % 3 == 0 ? "coffee" : "tea") + (number % 100 == 7 ? " with cinnamon" : "");
}

std::vector<Key> keys_of(const Index& index, const std::string& text) {
    std::vector<Key> out;
    for (const auto& hit : index.search({.text = text, .spaces = {}, .limit = 10, .accept = {}}))
        out.push_back(hit.key);
    return out;
}

TEST(BoundedSearch, finds_the_best_though_it_reads_few_postings) {
    Tuning bounded;
    bounded.postings_max = 2000;
    bounded.completed_max = 100;
    bounded.givers_max = 500;
    const auto index = make_index(nullptr, bounded);
    const auto exact = make_index(nullptr);
    for (int i = 0; i < 3000; ++i) {
        const Document document{
            .key = i, .space = "a", .text = text_of(i), .time_ms = i * std::int64_t{86'400'000}};
        index->put(document);
        exact->put(document);
    }
    EXPECT_EQ(keys_of(*index, "Which customer prefers coffee, account number 1234?").front(), 1234);
    EXPECT_THAT(keys_of(*index, "customer who prefers tea with cinnamon"),
                testing::UnorderedElementsAreArray(
                    keys_of(*exact, "customer who prefers tea with cinnamon")));
}

TEST(BoundedSearch, a_filter_that_accepts_little_still_gets_its_results) {
    Tuning bounded;
    bounded.givers_max = 100;
    const auto index = make_index(nullptr, bounded);
    for (int i = 0; i < 3000; ++i)
        index->put({.key = i, .space = "a", .text = text_of(i), .time_ms = i * 86'400'000LL});
    const auto hits =
        index->search({.text = "coffee", .spaces = {}, .limit = 5, .accept = [](Key key) {
                           return key > 2980 && key % 3 == 0;
                       }});
    EXPECT_EQ(hits.size(), 5);
}

TEST(BoundedSearch, removal_and_late_arrivals_keep_the_order) {
    const auto index = make_index(nullptr);
    const auto put = [&](int i) {
        index->put({.key = i, .space = "a", .text = text_of(i), .time_ms = i * 86'400'000LL});
    };
    for (int i = 999; i >= 0; --i) put(i);
    for (int i = 0; i < 1000; i += 2) index->remove(i);
    EXPECT_EQ(keys_of(*index, "account number 501").front(), 501);
    put(500);
    EXPECT_EQ(keys_of(*index, "account number 500").front(), 500);
    EXPECT_EQ(index->statistics().documents, 501);
}

}  // namespace
}  // namespace ac::search
