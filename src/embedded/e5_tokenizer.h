#pragma once
// SentencePiece's unigram model as XLM-RoBERTa uses it: characters are normalised, spaces become
// U+2581, and of all ways to cut the text into pieces the one with the best score is taken.

#include <cstdint>
#include <string_view>
#include <vector>

#include "embedded/e5_file.h"

namespace ac::embedded {

class E5Tokenizer final {
  public:
    // Keeps views of the vocabulary's pieces.
    explicit E5Tokenizer(E5Vocabulary vocabulary);

    // Without <s> and </s>; at most `tokens_max`. Any bytes are a text: what is no UTF-8 is read
    // as U+FFFD.
    std::vector<std::uint32_t> encode(std::string_view text, std::size_t tokens_max) const;

    std::uint32_t begin() const { return vocabulary_.begin; }
    std::uint32_t end() const { return vocabulary_.end; }

  private:
    struct Step {
        float score;
        std::uint32_t piece;
        std::uint32_t from;
    };
    // A text cut into characters: chars[i] is where the i-th begins.
    struct Characters {
        std::string text;
        std::vector<std::uint32_t> starts;
    };
    Characters normalise(std::string_view text) const;
    void extend(const Characters& characters, std::size_t from, std::vector<Step>& best) const;
    void insert(std::uint32_t piece);

    E5Vocabulary vocabulary_;
    std::vector<std::uint32_t> table_;  // open addressing: piece + 1, 0 is free
    std::size_t piece_bytes_max_ = 1;
    float unknown_score_ = 0;
};

}  // namespace ac::embedded
