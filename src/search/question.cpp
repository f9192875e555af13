#include "search/question.h"

#include <map>
#include <string>
#include <utility>

namespace ac::search {

AskedWords asked_words(const Vocabulary& vocabulary, std::span<const Word> forms) {
    std::vector<TermId> known;
    std::size_t unknown = 0;
    for (const auto& form : forms) {
        const auto* term = vocabulary.find_term(term_of_form(form));
        if (term == nullptr)
            ++unknown;
        else
            known.push_back(*term);
    }
    return {.terms = QueryTerms(std::move(known)), .unknown = unknown};
}

AskedForms asked_forms(const Vocabulary& vocabulary, std::span<const Word> forms,
                       double likeness_min) {
    std::map<std::string, AskedForm> asked;
    std::vector<FormId> alike;
    for (const auto& form : forms) {
        auto& own = asked[form.text];
        if (++own.count > 1) continue;
        own.grams = grams_of(form).size();
        own.alike = vocabulary.like(form, likeness_min);
        for (const auto& one : own.alike) alike.push_back(one.form);
    }
    AskedForms out{.terms = QueryTerms(std::move(alike)), .words = {}};
    for (auto& [text, own] : asked) out.words.push_back(std::move(own));
    return out;
}

}  // namespace ac::search
