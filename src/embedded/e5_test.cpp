#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "async/run.h"
#include "embedded/e5_encoder.h"
#include "embedded/e5_file.h"
#include "embedded/e5_tokenizer.h"
#include "embedded/embedders.h"
#include "embedded/testing/tiny_e5.h"

namespace ac::embedded {
namespace {

Bytes bytes_of(const std::string& text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

class E5Test : public ::testing::Test {
  protected:
    E5Test() : file_(embedded::testing::tiny_e5()) {
        path_ = std::filesystem::temp_directory_path() /
                ("e5-test-" + std::to_string(::getpid()) + ".bin");
        std::ofstream(path_, std::ios::binary) << file_;
    }
    ~E5Test() override { std::filesystem::remove(path_); }

    std::string pieces(std::string_view text, std::size_t most = 100) {
        const auto contents = parse_e5(bytes_of(file_));
        const E5Tokenizer tokenizer(contents->vocabulary);
        std::string out;
        for (const auto id : tokenizer.encode(text, most))
            out += "[" + std::string(contents->vocabulary.pieces[id]) + "]";
        return out;
    }
    std::unique_ptr<E5Encoder> open(Isa isa = best_isa()) { return *open_e5(path_, isa); }

    std::string file_;
    std::filesystem::path path_;
};

float dot(const std::vector<float>& a, const std::vector<float>& b) {
    float sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
}

TEST_F(E5Test, text_is_cut_into_the_pieces_of_the_best_score) {
    EXPECT_EQ(pieces("hello world"), "[▁hello][▁world]");
    EXPECT_EQ(pieces("hell"), "[▁hell]");
    EXPECT_EQ(pieces("  hello \t"), "[▁hello][▁][<unk>]") << "a tab is not in this vocabulary";
    EXPECT_EQ(pieces("한국어"), "[▁한국][어]");
    EXPECT_EQ(pieces(""), "");
}

TEST_F(E5Test, characters_are_normalised_first) {
    EXPECT_EQ(pieces("Hello"), "[▁hello]");
    EXPECT_EQ(pieces("\ahell\ao"), "[▁hello]");
    EXPECT_EQ(pieces("hello\u3000world"), "[▁hello][▁world]");
    EXPECT_EQ(pieces("한국어"), pieces("\u1112\u1161\u11AB\u1100\u116E\u11A8\u110B\u1165"))
        << "Hangul in letters is Hangul in syllables";
}

TEST_F(E5Test, a_text_cannot_name_a_special_piece) {
    EXPECT_EQ(pieces("</s>").find("[</s>]"), std::string::npos);
}

TEST_F(E5Test, bytes_that_are_no_text_are_read_all_the_same) {
    EXPECT_EQ(pieces("hello \xFF\xC0\xE0\x80"), "[▁hello][▁][<unk>][<unk>][<unk>][<unk>]");
}

TEST_F(E5Test, tokens_are_bounded) {
    EXPECT_EQ(pieces("hello hello hello hello", 2), "[▁hello][▁hello]");
}

TEST_F(E5Test, vectors_have_length_one_and_depend_on_text_and_purpose) {
    const auto encoder = open();
    const auto a = encoder->embed("hello world", E5Purpose::passage);
    const auto b = encoder->embed("한국어", E5Purpose::passage);
    EXPECT_NEAR(dot(a.vector, a.vector), 1, 1e-5);
    EXPECT_EQ(a.vector, encoder->embed("hello world", E5Purpose::passage).vector);
    EXPECT_LT(dot(a.vector, b.vector), 0.9999F);
    EXPECT_NE(a.vector, encoder->embed("hello world", E5Purpose::query).vector);
    EXPECT_EQ(a.tokens, 6U);  // <s> passage : hello world </s>
}

TEST_F(E5Test, every_instruction_set_gives_the_same_vectors) {
    const auto expected = open(Isa::generic)->embed("hello 한국어 world", E5Purpose::query);
    for (const Isa isa : {Isa::avx2, Isa::avx512}) {
        const auto actual = open(isa)->embed("hello 한국어 world", E5Purpose::query);
        EXPECT_GT(dot(expected.vector, actual.vector), 0.995F) << to_string(isa);
    }
}

TEST_F(E5Test, a_text_longer_than_the_model_is_the_mean_of_its_parts) {
    std::string text;
    for (int i = 0; i < 200; ++i) text += "hello world ";
    const auto embedding = open()->embed(text, E5Purpose::passage);
    EXPECT_EQ(embedding.tokens, 404U);
    EXPECT_NEAR(dot(embedding.vector, embedding.vector), 1, 1e-5);
}

TEST_F(E5Test, a_file_cut_off_anywhere_is_an_error) {
    for (std::size_t size = 0; size < file_.size(); size += size < 2000 ? 1 : 997)
        EXPECT_FALSE(parse_e5(bytes_of(file_).first(size))) << size;
    EXPECT_FALSE(open_e5("/nonexistent"));
}

TEST_F(E5Test, behind_the_model_port_it_counts_tokens_and_refuses_other_dimensions) {
    const E5Source source(path_);
    ThreadPool pool(1);
    const auto embedder = make_e5_embedder(source, pool);
    Loop loop;
    const models::EmbedRequest two{.texts = {"hello", "world"}};
    const auto out = run_on(loop, embedder->embed(two, SteadyTime::max()));
    ASSERT_TRUE(out);
    EXPECT_EQ(out->vectors.size(), 2U);
    EXPECT_EQ(out->vectors[0], open()->embed("hello", E5Purpose::passage).vector);
    EXPECT_EQ(out->input_tokens, 10);
    const models::EmbedRequest other{.texts = {"hello"}, .dimensions = 256};
    EXPECT_FALSE(run_on(loop, embedder->embed(other, SteadyTime::max())));
}

TEST_F(E5Test, a_file_that_is_not_there_is_the_error_of_every_call) {
    const E5Source source("/nonexistent/model");
    ThreadPool pool(1);
    const auto embedder = make_e5_embedder(source, pool);
    Loop loop;
    const models::EmbedRequest one{.texts = {"hello"}};
    for (int i = 0; i < 2; ++i) {
        const auto out = run_on(loop, embedder->embed(one, SteadyTime::max()));
        ASSERT_FALSE(out);
        EXPECT_EQ(out.error().code, ErrorCode::not_found);
    }
}

TEST_F(E5Test, the_hashed_one_is_always_there) {
    const auto embedder = make_hashed_model_embedder();
    Loop loop;
    const models::EmbedRequest one{.texts = {"hello"}};
    const auto out = run_on(loop, embedder->embed(one, SteadyTime::max()));
    ASSERT_TRUE(out);
    EXPECT_EQ(out->vectors[0].size(), embedder->dimensions());
    EXPECT_EQ(out->input_tokens, 1);
}

}  // namespace
}  // namespace ac::embedded
