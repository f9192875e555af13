#pragma once
// A query's text in the terms of an index.

#include <span>
#include <vector>

#include "search/query_terms.h"
#include "search/tokenizer.h"
#include "search/vocabulary.h"

namespace ac::search {

struct AskedWords {
    QueryTerms terms;
    std::size_t unknown = 0;  // words that no document has
};
// `forms` are those of the question's words, with repetitions.
AskedWords asked_words(const Vocabulary& vocabulary, std::span<const Word> forms);

// A word of the question, and the forms that are like it.
struct AskedForm {
    std::uint32_t count = 0;  // in the question
    std::size_t grams = 0;    // that it has: a long word tells more
    std::vector<Vocabulary::Likeness> alike;
};
struct AskedForms {
    QueryTerms terms;  // all that are like a word of the question
    std::vector<AskedForm> words;
};
// Takes as long as the vocabulary is large.
AskedForms asked_forms(const Vocabulary& vocabulary, std::span<const Word> forms,
                       double likeness_min);

}  // namespace ac::search
