#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <thread>

#include "search/embedder.h"
#include "search/index.h"
#include "search/stemmer.h"
#include "search/tokenizer.h"
#include "search/vectors.h"

namespace ac::search {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Tokenizer, drops_stop_words_and_endings) {
    EXPECT_THAT(terms_of("When did Caroline go to the support groups?"),
                ElementsAre("carolin", "go", "support", "group"));
}

TEST(Tokenizer, knows_irregular_forms_and_possessives) {
    EXPECT_THAT(terms_of("Melanie's kids went"), ElementsAre("melani", "child", "go"));
    EXPECT_THAT(terms_of("don’t"), ElementsAre("dont"));
}

TEST(Tokenizer, splits_korean_into_pairs) {
    EXPECT_THAT(terms_of("서울에서 비"), ElementsAre("서울", "울에", "에서", "비"));
}

TEST(Tokenizer, composes_decomposed_hangul_and_accents_do_not_matter_when_combining) {
    EXPECT_EQ(terms_of("\u1112\u1161\u11AB\u1100\u1173\u11AF"), terms_of("한글"));
    EXPECT_THAT(terms_of("cafe\u0301"), ElementsAre("cafe"));
}

TEST(Tokenizer, lower_cases_beyond_ascii_and_ignores_zero_width) {
    EXPECT_EQ(terms_of("ÉCOLE МОСКВА ΑΘΗΝΑ"), terms_of("école москва αθηνα"));
    EXPECT_EQ(terms_of("zero\u200Bwidth"), terms_of("zerowidth"));
    EXPECT_EQ(terms_of("ＡＢＣ"), terms_of("abc"));
}

TEST(Tokenizer, malformed_utf8_is_skipped) {
    EXPECT_THAT(terms_of("\xff\xfe good \xc3"), ElementsAre("good"));
    EXPECT_THAT(terms_of(""), IsEmpty());
}

TEST(Stemmer, endless_words_cost_no_more_than_reading_them) {
    const std::string endless(100'000, 'y');
    EXPECT_EQ(stem(endless), endless);
    EXPECT_EQ(terms_of(endless).at(0).size(), 128);
}

TEST(Stemmer, follows_porter) {
    EXPECT_EQ(stem("caresses"), "caress");
    EXPECT_EQ(stem("ponies"), "poni");
    EXPECT_EQ(stem("hopping"), "hop");
    EXPECT_EQ(stem("filing"), "file");
    EXPECT_EQ(stem("relational"), "relat");
    EXPECT_EQ(stem("generalization"), "gener");
    EXPECT_EQ(stem("controlling"), "control");
    EXPECT_EQ(stem("adoption"), "adopt");
}

std::vector<float> random_unit(std::mt19937& engine, std::size_t dimensions) {
    std::normal_distribution<float> normal;
    std::vector<float> out(dimensions);
    float sum = 0;
    for (auto& x : out) {
        x = normal(engine);
        sum += x * x;
    }
    for (auto& x : out) x /= std::sqrt(sum);
    return out;
}

TEST(Tokenizer, forms_are_the_words_that_count) {
    const auto forms = forms_of(split_words("the cats 서울에서"));
    ASSERT_EQ(forms.size(), 4);
    EXPECT_EQ(forms[0].text, "cats");
    EXPECT_EQ(term_of_form(forms[0]), "cat");
    EXPECT_EQ(forms[3].text, "에서");
    EXPECT_EQ(grams_of({.text = "cat"}).size(), 6);  // ^ca cat at$ ^cat cat$ ^cat$
    EXPECT_EQ(grams_of(forms[3]).size(), 1);
}

float exact(const std::vector<float>& a, const std::vector<float>& b) {
    float sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
}

TEST(Vectors, nearest_agrees_with_exact_search) {
    std::mt19937 engine(7);
    std::vector<std::vector<float>> rows;
    Vectors vectors(384);
    for (int i = 0; i < 2000; ++i) {
        rows.push_back(random_unit(engine, 384));
        vectors.append(rows.back());
    }
    int found = 0;
    for (int q = 0; q < 20; ++q) {
        const auto query = random_unit(engine, 384);
        std::vector<std::uint32_t> truth(rows.size());
        for (std::size_t i = 0; i < truth.size(); ++i) truth[i] = static_cast<std::uint32_t>(i);
        std::ranges::sort(
            truth, [&](auto a, auto b) { return exact(query, rows[a]) > exact(query, rows[b]); });
        truth.resize(10);
        for (const auto& hit : vectors.nearest(query, 10))
            found += std::ranges::count(truth, hit.slot) > 0 ? 1 : 0;
    }
    EXPECT_GE(found, 199);  // of 200
}

TEST(Vectors, two_planes_hold_a_similarity_to_four_digits) {
    std::mt19937 engine(11);
    Vectors vectors(100);
    const auto row = random_unit(engine, 100);
    const auto query = random_unit(engine, 100);
    vectors.append(row);
    EXPECT_NEAR(vectors.similarity(query, 0), exact(query, row), 1e-4);
}

TEST(Vectors, every_processor_path_gives_the_same_sum) {
    std::vector<std::int8_t> a(77);
    std::vector<std::int8_t> b(77);
    std::int32_t sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        a[i] = static_cast<std::int8_t>(i * 37 % 255 - 127);
        b[i] = static_cast<std::int8_t>(i * 91 % 255 - 127);
        sum += a[i] * b[i];
    }
    EXPECT_EQ(dot_int8(a.data(), b.data(), a.size()), sum);
}

class IndexTest : public testing::Test {
  protected:
    void put(Key key, std::string space, std::string text, std::int64_t time_ms = 0) {
        index_->put({.key = key,
                     .space = std::move(space),
                     .text = std::move(text),
                     .time_ms = time_ms != 0 ? time_ms : key * 86'400'000});
    }
    std::vector<Key> find(std::string text, SpaceFilter spaces = {}, std::size_t limit = 3) {
        const Query query{.text = std::move(text), .spaces = std::move(spaces), .limit = limit};
        std::vector<Key> out;
        for (const auto& hit : index_->search(query)) out.push_back(hit.key);
        return out;
    }

    std::unique_ptr<Embedder> embedder_ = make_hashed_embedder();
    // With every kind of evidence; the service does without vectors.
    std::unique_ptr<Index> index_ = make_index(embedder_.get());
};

TEST_F(IndexTest, the_best_match_comes_first) {
    put(1, "a", "The user likes strong coffee in the morning");
    put(2, "a", "The user lives in Busan with two cats");
    put(3, "a", "The user works as a nurse");
    EXPECT_EQ(find("Where does she live?").front(), 2);
    EXPECT_EQ(find("coffee preferences").front(), 1);
}

TEST_F(IndexTest, a_misspelt_word_still_finds_through_its_n_grams) {
    put(1, "a", "An allergy to peanuts");
    put(2, "a", "A new bicycle for the summer");
    EXPECT_EQ(find("alergies to penuts").front(), 1);
}

TEST_F(IndexTest, korean_finds_whatever_particle_follows) {
    put(1, "a", "민수는 매운 음식을 좋아한다");
    put(2, "a", "지연이는 부산에 산다");
    EXPECT_EQ(find("음식이 매운가?").front(), 1);
    EXPECT_EQ(find("부산").front(), 2);
}

TEST_F(IndexTest, spaces_are_apart) {
    put(1, "/actors/kim", "likes tea");
    put(2, "/actors/kimchi", "likes tea");
    put(3, "/actors/kim/sessions/1", "likes tea");
    EXPECT_THAT(find("tea", {SpaceFilter::Kind::exact, "/actors/kim"}), ElementsAre(1));
    EXPECT_THAT(find("tea", {SpaceFilter::Kind::path, "/actors/kim"}),
                testing::UnorderedElementsAre(1, 3));
    EXPECT_THAT(find("tea", {SpaceFilter::Kind::path, "/actors/kim/"}),
                testing::UnorderedElementsAre(1, 3));
    EXPECT_THAT(find("tea", {SpaceFilter::Kind::path, "/"}), testing::SizeIs(3));
    put(4, "actors", "likes tea");
    EXPECT_THAT(find("tea", {SpaceFilter::Kind::path, "/"}), testing::Contains(4));
}

TEST_F(IndexTest, replaced_and_removed_documents_are_gone) {
    put(1, "a", "owns a red car");
    put(1, "a", "owns a blue boat");
    EXPECT_THAT(find("red car"), IsEmpty());
    EXPECT_THAT(find("boat"), ElementsAre(1));
    index_->remove(1);
    index_->remove(1);
    EXPECT_THAT(find("boat"), IsEmpty());
    EXPECT_EQ(index_->statistics().spaces, 0);
}

TEST_F(IndexTest, stays_correct_through_compaction) {
    for (Key key = 1; key <= 1000; ++key) put(key, "a", "number " + std::to_string(key * 7919));
    for (Key key = 1; key <= 1000; ++key)
        if (key % 3 != 0) index_->remove(key);
    EXPECT_EQ(index_->statistics().documents, 333);
    for (const Key key : {3, 300, 999})
        EXPECT_EQ(find("number " + std::to_string(key * 7919), {}, 1).front(), key);
    EXPECT_NE(find("number " + std::to_string(7919), {}, 1).front(), 1);
}

TEST_F(IndexTest, refused_candidates_do_not_use_up_the_limit) {
    for (Key key = 1; key <= 50; ++key) put(key, "a", "tea");
    const Query query{.text = "tea", .limit = 5, .accept = [](Key key) { return key % 10 == 0; }};
    EXPECT_EQ(index_->search(query).size(), 5);
}

TEST_F(IndexTest, an_answer_right_after_the_matching_question_is_found) {
    const std::int64_t start = 1'700'000'000'000;
    put(1, "a", "Melanie: which instruments do you play?", start);
    put(2, "a", "Anna: The clarinet, and a little violin.", start + 1000);
    put(3, "a", "Anna: We talked about the weather.", start + 86'400'000);
    EXPECT_THAT(find("What instruments?", {}, 2), testing::UnorderedElementsAre(1, 2));
}

TEST_F(IndexTest, what_the_person_said_whom_a_question_names_counts_more) {
    put(1, "a", "Anna: I adopted a grey cat");
    put(2, "a", "Tim: I adopted a grey cat");
    put(3, "a", "Anna: Tim, I adopted a grey cat");
    EXPECT_EQ(find("Which cat did Tim adopt?").front(), 2);
    EXPECT_EQ(find("Which cat did Anna adopt?").front(), 1);
}

TEST_F(IndexTest, documents_of_one_moment_are_no_neighbours) {
    put(1, "a", "plays the violin", 1000);
    put(2, "a", "lives in Busan", 1000);
    const auto hits = index_->search({.text = "violin", .limit = 2});
    EXPECT_EQ(hits.front().key, 1);
    EXPECT_TRUE(hits.size() == 1 || hits[1].score < hits[0].score / 2);
}

TEST_F(IndexTest, scores_are_shares_and_fall) {
    put(1, "a", "green tea with lemon");
    put(2, "a", "black tea");
    const auto hits = index_->search({.text = "green tea with lemon", .limit = 2});
    ASSERT_EQ(hits.size(), 2);
    EXPECT_LE(hits[0].score, 1);
    EXPECT_GT(hits[0].score, hits[1].score);
    EXPECT_GT(hits[1].score, 0);
}

TEST_F(IndexTest, documents_out_of_order_in_time_are_sorted_before_a_search) {
    const std::int64_t start = 1'700'000'000'000;
    put(2, "a", "Anna: The clarinet", start + 1000);
    put(1, "a", "Which instruments do you play?", start);
    EXPECT_THAT(find("instruments", {}, 2), ElementsAre(1, 2));
}

TEST(HybridSearch, answers_while_documents_come_and_go) {
    const auto index = make_index(nullptr);
    constexpr Key kDocuments = 600;
    index->put({.key = -1, .space = "/a", .text = "bees near the sea", .time_ms = 1});
    std::jthread writer([&] {
        for (Key key = 0; key < kDocuments; ++key) {
            index->put({.key = key, .space = "/a", .text = "maps and boats", .time_ms = key});
            if (key % 3 == 0) index->remove(key);
        }
    });
    for (int i = 0; i < 600; ++i) {
        const auto hits = index->search({.text = "bees"});
        ASSERT_FALSE(hits.empty());
        EXPECT_EQ(hits.front().key, -1);
    }
}

TEST(HybridSearch, vectors_that_are_linked_later_are_found_all_the_same) {
    const auto embedder = make_hashed_embedder();
    Tuning tuning;
    tuning.graph_from = 50;
    const auto at_once = make_index(embedder.get(), tuning);
    const auto later = make_index(embedder.get(), tuning);
    for (int i = 0; i < 300; ++i) {
        const Document document{.key = i,
                                .space = "a",
                                .text = "crate " + std::to_string(i * 7919) + " holds apples",
                                .time_ms = i * std::int64_t{86'400'000}};
        at_once->put(document);
        auto analysis = analyse(document);
        analysis.document.vector = embedder->embed(document.text);
        later->put(std::move(analysis), Linking::later);
    }
    const auto keys_of = [](const Index& index) {
        std::vector<Key> out;
        for (const auto& hit : index.search({.text = "What is in crate 1583800?", .limit = 3}))
            out.push_back(hit.key);
        return out;
    };
    const auto wanted = keys_of(*at_once);
    EXPECT_EQ(wanted.front(), 200);
    EXPECT_EQ(keys_of(*later), wanted);
    while (later->link(16)) {
    }
    EXPECT_EQ(keys_of(*later), wanted);
}

}  // namespace
}  // namespace ac::search
