#pragma once
// The words of an index's documents as they are written (forms), each with the term that it counts
// as: "walks" and "walked" are two forms of the term "walk". A word of a question is compared with
// the forms by their n-grams, so that misspelt, bent and compound words are found at the price of
// the vocabulary, which grows slowly, and not of every document. Not synchronized.

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "search/postings.h"
#include "search/tokenizer.h"

namespace ac::search {

using FormId = std::uint32_t;

class Vocabulary final {
  public:
    FormId add_form(const Word& form);
    TermId add_term(std::string_view term);
    std::size_t terms() const { return terms_.size(); }
    TermId term_of(FormId form) const { return term_of_[form]; }
    // nullptr: no document has it.
    const TermId* find_term(std::string_view term) const;

    struct Likeness {
        FormId form = 0;
        float share = 0;  // of the n-grams of either that both have, (0, 1]
    };
    // Forms that have at least `share_min` in common with the word, in no order.
    std::vector<Likeness> like(const Word& form, double share_min) const;

    std::size_t bytes() const { return grams_.bytes() + term_of_.capacity() * kBytesAForm; }

  private:
    // Node, text, term and the number of n-grams: about.
    static constexpr std::size_t kBytesAForm = 80;

    struct Hash {
        using is_transparent = void;
        using is_avalanching = void;  // its bits need no mixing
        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>{}(text);
        }
    };
    using Ids = boost::unordered_flat_map<std::string, std::uint32_t, Hash, std::equal_to<>>;

    Ids terms_;
    Ids forms_;
    std::vector<TermId> term_of_;
    std::vector<std::uint8_t> gram_counts_;  // distinct n-grams of each form, at most 255
    Postings grams_;                         // which forms have an n-gram
};

}  // namespace ac::search
