#pragma once
// Text to search terms, without a locale or a dictionary. Letters are lower-cased over Latin,
// Greek, Cyrillic and Armenian; combining marks and zero-width characters are dropped; decomposed
// Hangul is composed. English words lose stop words and endings (search/stemmer.h). Korean, Chinese
// and Japanese runs become overlapping character pairs, which finds a word whatever particle
// follows. Malformed UTF-8 is skipped, never an error.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ac::search {

// A word as it stands in the text, lower-cased: the unit of n-grams. `is_wide` words are runs of
// Hangul, kana or ideographs.
struct Word {
    std::string text;
    bool is_wide = false;
};

std::vector<Word> split_words(std::string_view text);

// The terms that an index stores and a query looks up.
std::vector<std::string> terms_of(const std::vector<Word>& words);
inline std::vector<std::string> terms_of(std::string_view text) {
    return terms_of(split_words(text));
}

// The words that count, as they are written: without stop words, wide runs as pairs.
std::vector<Word> forms_of(std::vector<Word> words);
std::string term_of_form(const Word& form);
// Hashes of a form's character n-grams (3 to 5): what is left of a word however it is bent.
// Of a wide pair itself.
std::vector<std::uint32_t> grams_of(const Word& form);

bool is_stop_word(std::string_view word);

// The next code point of `text` from `at`, which moves past it; U+FFFD for a malformed byte.
char32_t next_code_point(std::string_view text, std::size_t& at);
void append_utf8(std::string& out, char32_t code);

}  // namespace ac::search
