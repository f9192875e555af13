#include "search/association.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ac::search {
namespace {

using testing::Contains;
using testing::Each;
using testing::Field;
using testing::IsEmpty;
using testing::Le;
using testing::Not;
using testing::SizeIs;

constexpr TermId kTrail = 1;
constexpr TermId kHiking = 2;
constexpr TermId kEverywhere = 3;
constexpr TermId kAnna = 4;
constexpr TermId kTerms = 1000;

// Talks of ten documents: in every fourth a trail, and just after it hiking; "everywhere" in all.
class AssociationTest : public testing::Test {
  protected:
    AssociationTest() {
        std::int64_t time = 0;
        for (Key key = 0; key < 400; ++key) {
            time += key % 10 == 0 ? 3'600'000 : 1000;
            std::vector<Counted> words{{kEverywhere, 1}};
            const bool is_special = key / 10 % 4 == 0;
            if (is_special && key % 10 == 3) words = {{kTrail, 1}, {kEverywhere, 1}};
            if (is_special && key % 10 == 4) words = {{kHiking, 1}, {kEverywhere, 1}};
            if (key % 2 == 0) words.push_back({kAnna, 1});
            words.push_back({static_cast<TermId>(100 + key), 1});
            partition_.add({.key = key,
                            .time_ms = time,
                            .words = std::move(words),
                            .forms = {},
                            .speaker = key % 2 == 0 ? kAnna : Partition::kNobody});
        }
        partition_.order(tuning_);
    }
    std::vector<Associate> of(std::vector<TermId> words) const {
        const Partition* all[] = {&partition_};
        return associates_of(QueryTerms(std::move(words)), all, kTerms, tuning_);
    }

    Tuning tuning_;
    Partition partition_;
};

TEST_F(AssociationTest, words_that_come_near_each_other_again_and_again_go_together) {
    const auto found = of({kTrail});
    ASSERT_THAT(found, Not(IsEmpty()));
    EXPECT_EQ(found[0].term, kHiking);
    EXPECT_GT(found[0].share, 0.2);
    EXPECT_THAT(found, Each(Field(&Associate::share, Le(tuning_.associate_weight))));
}

TEST_F(AssociationTest, what_is_everywhere_goes_with_nothing) {
    EXPECT_THAT(of({kTrail}), Not(Contains(Field(&Associate::term, kEverywhere))));
}

TEST_F(AssociationTest, of_who_speaks_and_of_what_was_said_once_there_are_none) {
    EXPECT_THAT(of({kAnna}), IsEmpty());
    EXPECT_THAT(of({100}), IsEmpty());
    EXPECT_THAT(of({}), IsEmpty());
}

TEST_F(AssociationTest, there_are_none_where_it_would_cost_too_much) {
    tuning_.associated_documents_max = 399;
    EXPECT_THAT(of({kTrail}), IsEmpty());
    tuning_.associated_documents_max = 400;
    EXPECT_THAT(of({kTrail}), Not(IsEmpty()));
    tuning_.associated_places_max = 5;
    EXPECT_THAT(of({kTrail}), IsEmpty());
}

TEST_F(AssociationTest, an_associate_is_not_asked_for) {
    const Associate associates[] = {{kHiking, 0.25F}};
    const auto terms = QueryTerms({kTrail}).with(associates);
    ASSERT_EQ(terms.size(), 2U);
    EXPECT_TRUE(terms.asks_for(kTrail));
    EXPECT_FALSE(terms.asks_for(kHiking));
    EXPECT_EQ(terms.share(*terms.find(kHiking)), 0.25F);
    EXPECT_EQ(terms.share(*terms.find(kTrail)), 1);
}

TEST(Associates, find_what_the_question_has_no_word_for) {
    const auto index = make_index(nullptr);
    std::int64_t time = 0;
    Key key = 0;
    const auto say = [&](const std::string& text, std::int64_t pause = 1000) {
        time += pause;
        index->put({.key = ++key, .space = "/a", .text = text, .time_ms = time});
    };
    for (const char* of_day : {"sunny", "rainy", "windy", "foggy", "muddy"}) {
        say(std::string("The trail was ") + of_day + ".", 3'600'000);
        say(std::string("Hiking is ") + of_day + "er.");
    }
    say("New boots for hiking arrived.", 7'200'000);
    for (int i = 0; i < 60; ++i)
        say("Printer " + std::to_string(i) + " is broken again.", 7'200'000);
    const auto hits = index->search({.text = "trail", .limit = 100});
    ASSERT_GT(hits.size(), 10U);
    EXPECT_EQ(hits[10].key, 11) << "after the talks of trails, before any printer";
}

TEST(LongAnswers, end_with_episodes_that_they_did_not_name) {
    Tuning tuning;
    tuning.broad_from = 2;
    const auto index = make_index(nullptr, tuning);
    Key key = 0;
    for (int i = 0; i < 6; ++i)
        index->put({.key = ++key, .space = "/a", .text = "green tea", .time_ms = 1000 * i});
    index->put({.key = ++key,
                .space = "/a",
                .text = "of all that was drunk on that evening there was tea as well",
                .time_ms = 10'000'000});
    const Query query{.text = "green tea", .limit = 3};
    const auto hits = index->search(query);
    ASSERT_THAT(hits, SizeIs(3));
    EXPECT_EQ(hits[2].key, 7);
    EXPECT_GE(hits[1].score, hits[2].score);
    const Query all{.text = "green tea", .limit = 10};
    EXPECT_THAT(index->search(all), SizeIs(7));
}

}  // namespace
}  // namespace ac::search
