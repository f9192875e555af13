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

TEST(PackedTerms, a_cursor_reads_the_same_pairs_in_stretches) {
    std::mt19937 random(9);
    const auto engine = [&] { return static_cast<std::uint32_t>(random()); };
    std::vector<std::uint8_t> bytes(5000 * kPackedBytesMax);
    std::vector<std::pair<std::uint32_t, std::uint32_t>> wanted;
    auto* end = bytes.data();
    std::uint32_t before = ~0U;
    for (std::uint32_t number = engine() % 3; wanted.size() < 5000; number += 1 + engine() % 300) {
        const Counted pair{number, engine() % 5 == 0 ? 1 + engine() % 1000 : 1};
        const auto size = packed_size(pair, before);
        auto* after = pack(pair, before, end);
        ASSERT_EQ(static_cast<std::uint32_t>(after - end), size);
        end = after;
        before = number;
        wanted.emplace_back(pair.number, pair.count);
    }
    PackedCursor cursor(bytes.data(), end);
    std::vector<std::pair<std::uint32_t, std::uint32_t>> out;
    for (std::uint32_t stretch = 0; stretch <= before; stretch += 777)
        cursor.until(stretch + 777, [&](std::uint32_t number, std::uint32_t count) {
            EXPECT_LT(number, stretch + 777);
            out.emplace_back(number, count);
        });
    EXPECT_EQ(out, wanted);
    PackedCursor(end, end).until(~0U, [](auto, auto) { FAIL() << "nothing was packed"; });
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
    const auto add = [&](std::size_t first, std::size_t count) {
        bitmap.add(2, std::span(values).subspan(first, count), first,
                   std::span(scores).subspan(first, count));
    };
    add(0, 512);
    add(512, kSlots - 512);
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

TEST(BoundedSearch, many_small_spaces_are_ranked_like_one) {
    const auto one = make_index(nullptr);
    const auto many = make_index(nullptr);
    for (int i = 0; i < 2000; ++i) {
        Document document{
            .key = i, .space = "/a", .text = text_of(i), .time_ms = i * std::int64_t{86'400'000}};
        one->put(document);
        document.space = "/a/" + std::to_string(i % 700);
        many->put(document);
    }
    for (const auto* text : {"account number 1234", "account number 1407 with cinnamon"})
        EXPECT_EQ(keys_of(*many, text).front(), keys_of(*one, text).front()) << text;
}

TEST(BoundedSearch, a_filter_that_accepts_little_still_gets_its_results) {
    const auto index = make_index(nullptr);
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
