#include "search/vocabulary.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace ac::search {

namespace {

// N-grams with one hash cost a little precision.
constexpr std::uint32_t kGramMask = (1 << 22) - 1;

std::vector<Counted> distinct_grams(const Word& form) {
    auto grams = grams_of(form);
    for (auto& gram : grams) gram &= kGramMask;
    auto out = count_terms(std::move(grams));
    for (auto& gram : out) gram.count = 1;
    return out;
}

}  // namespace

TermId Vocabulary::add_term(std::string_view term) {
    if (const auto found = terms_.find(term); found != terms_.end()) return found->second;
    const auto id = static_cast<TermId>(terms_.size());
    terms_.emplace(term, id);
    return id;
}

const TermId* Vocabulary::find_term(std::string_view term) const {
    const auto found = terms_.find(term);
    return found == terms_.end() ? nullptr : &found->second;
}

FormId Vocabulary::add_form(const Word& form) {
    if (const auto found = forms_.find(std::string_view(form.text)); found != forms_.end())
        return found->second;
    const auto id = static_cast<FormId>(forms_.size());
    forms_.emplace(form.text, id);
    term_of_.push_back(add_term(term_of_form(form)));
    const auto grams = distinct_grams(form);
    gram_counts_.push_back(static_cast<std::uint8_t>(std::min<std::size_t>(grams.size(), 255)));
    grams_.add(id, grams);
    return id;
}

std::vector<Vocabulary::Likeness> Vocabulary::like(const Word& form, double share_min) const {
    std::vector<Likeness> out;
    if (form.is_wide) {
        if (const auto found = forms_.find(std::string_view(form.text)); found != forms_.end())
            out.push_back({found->second, 1});
        return out;
    }
    const auto grams = distinct_grams(form);
    std::vector<const Postings::List*> lists;
    for (const auto& gram : grams)
        if (const auto* list = grams_.find(gram.number)) lists.push_back(list);
    std::ranges::sort(lists, {}, &Postings::List::frequency);
    // Who has this many n-grams of the word has one that is not among the most frequent.
    constexpr double kRounding = 1e-9;
    const auto least = std::ceil(share_min * static_cast<double>(grams.size() + 1) / 2 - kRounding);
    const auto frequent_from = static_cast<double>(lists.size()) - least + 1;
    std::vector<std::uint16_t> shared(term_of_.size());
    std::vector<FormId> touched;
    for (std::size_t i = 0; i < lists.size(); ++i)
        lists[i]->for_each([&, is_frequent = static_cast<double>(i) >= frequent_from](
                               FormId other, std::uint32_t) {
            if (shared[other] == 0) {
                if (is_frequent) return;
                touched.push_back(other);
            }
            ++shared[other];
        });
    for (const auto other : touched) {
        const double both = shared[other];
        const auto share = 2 * both / static_cast<double>(grams.size() + gram_counts_[other]);
        if (share >= share_min) out.push_back({other, static_cast<float>(std::min(1.0, share))});
    }
    return out;
}

}  // namespace ac::search
