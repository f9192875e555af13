#pragma once
// The terms of one kind that a query asks for, and where one partition has them.

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <vector>

#include "search/postings.h"

namespace ac::search {

// A word that goes together with words of the question, and what it counts against one of them.
struct Associate {
    TermId term = 0;
    float share = 0;  // (0, 1)
};

class QueryTerms final {
  public:
    QueryTerms() = default;
    explicit QueryTerms(std::vector<TermId> terms) : terms_(count_terms(std::move(terms))) {
        for (const auto& term : terms_) filter_[word_of(term.number)] |= bit_of(term.number);
    }

    std::size_t size() const { return terms_.size(); }
    TermId id(std::size_t i) const { return terms_[i].number; }
    std::uint32_t count(std::size_t i) const { return terms_[i].count; }  // 0: an associate

    // With associates, none of which are in the query.
    QueryTerms with(std::span<const Associate> associates) const {
        auto out = *this;
        for (const auto& [term, share] : associates) {
            const auto at = std::ranges::lower_bound(out.terms_, term, {}, &Counted::number);
            out.terms_.insert(at, {term, 0});
            out.filter_[word_of(term)] |= bit_of(term);
        }
        out.associates_.assign(associates.begin(), associates.end());
        return out;
    }
    bool is_asked(std::size_t i) const { return terms_[i].count > 0; }
    bool asks_for(TermId term) const {
        const auto at = may_have(term) ? find(term) : std::nullopt;
        return at && is_asked(*at);
    }
    // What one occurrence counts: 1, or an associate's share.
    float share(std::size_t i) const {
        if (is_asked(i)) return 1;
        const auto at = std::ranges::find(associates_, id(i), &Associate::term);
        return at == associates_.end() ? 0 : at->share;
    }

    // Cheap; true for a few per cent of the terms that are not in the query, too.
    bool may_have(TermId term) const { return (filter_[word_of(term)] & bit_of(term)) != 0; }
    std::optional<std::size_t> find(TermId term) const {
        const auto at = std::ranges::lower_bound(terms_, term, {}, &Counted::number);
        if (at == terms_.end() || at->number != term) return std::nullopt;
        return static_cast<std::size_t>(at - terms_.begin());
    }

  private:
    static constexpr std::size_t kFilterWords = 64;
    static std::size_t word_of(TermId term) { return (term >> 6) % kFilterWords; }
    static std::uint64_t bit_of(TermId term) { return std::uint64_t{1} << (term & 63); }

    std::vector<Counted> terms_;  // ascending
    std::array<std::uint64_t, kFilterWords> filter_{};
    std::vector<Associate> associates_;
};

// Postings of the terms of a query in one partition: lists of the partition, or, where it keeps
// none, what was found by reading its documents.
class Occurrences final {
  public:
    explicit Occurrences(std::vector<const Postings::List*> lists) : lists_(std::move(lists)) {}
    struct Match {
        std::uint32_t term = 0;
        Counted posting;
    };
    // In order of slot.
    Occurrences(std::vector<Match> matches, std::size_t terms);

    std::size_t frequency(std::size_t term) const {
        if (starts_.empty()) return lists_[term] == nullptr ? 0 : lists_[term]->frequency();
        return starts_[term + 1] - starts_[term];
    }
    // nullptr: it is not in a list of its own.
    const Postings::List* list(std::size_t term) const {
        return starts_.empty() ? lists_[term] : nullptr;
    }
    template <class Visit>  // void(std::uint32_t slot, std::uint32_t count)
    void for_each(std::size_t term, Visit visit) const {
        if (starts_.empty()) {
            if (lists_[term] != nullptr) lists_[term]->for_each(visit);
            return;
        }
        for (auto i = starts_[term]; i < starts_[term + 1]; ++i)
            visit(postings_[i].number, postings_[i].count);
    }

  private:
    std::vector<const Postings::List*> lists_;
    std::vector<Counted> postings_;      // term by term
    std::vector<std::uint32_t> starts_;  // of each term, and the end; empty: lists_ it is
};

}  // namespace ac::search
