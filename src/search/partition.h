#pragma once
// One space of an Index: the packed terms of its documents, postings once it is large, vectors, and
// the order in time. A removed document leaves a dead slot and its postings behind until a quarter
// of the slots is dead; until then it is skipped, though postings still count it in document
// frequencies. Not synchronized.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <unordered_set>
#include <vector>

#include "search/index.h"
#include "search/postings.h"
#include "search/query_terms.h"
#include "search/vector_rows.h"

namespace ac::search {

// The words of the documents without their endings, and as they are written.
enum class Kind { word, form };

class Partition final {
  public:
    // Below this many slots a query reads the documents' own terms; postings would take more
    // memory than they save time.
    static constexpr std::uint32_t kPostingsFrom = 512;

    static constexpr TermId kNobody = ~0U;

    struct Added {
        Key key = 0;
        std::int64_t time_ms = 0;
        std::vector<Counted> words;
        std::vector<Counted> forms;
        TermId speaker = kNobody;  // the word that names who says it
    };
    std::uint32_t add(const Added& document);
    // The document's vector; once, and of the same dimension as those before.
    void attach(std::uint32_t slot, std::span<const float> vector);
    // Gives up to `most` vectors their place in the graph, if there is one or are `graph_from` at
    // least. False: none waits for one.
    bool link(std::size_t most, std::size_t graph_from);
    void remove(std::uint32_t slot);
    // Renumbers the slots when too many are dead: true when it did; `moved` is then called with
    // every living key and its slot.
    bool compact_when_sparse(const std::function<void(Key, std::uint32_t)>& moved);

    std::uint32_t slots() const { return static_cast<std::uint32_t>(keys_.size()); }
    std::size_t live() const { return live_; }
    bool is_live(std::uint32_t slot) const { return documents_[slot] != nullptr; }
    Key key(std::uint32_t slot) const { return keys_[slot]; }
    std::int64_t time_ms(std::uint32_t slot) const { return times_[slot]; }
    TermId speaker(std::uint32_t slot) const { return speakers_[slot]; }
    // How many terms of that kind each document has, with repetitions.
    std::span<const std::uint32_t> lengths(Kind kind) const { return field(kind).lengths; }
    std::uint64_t length_sum(Kind kind) const { return field(kind).length_sum; }
    // nullptr: no document has one.
    const VectorRows* vectors() const { return vectors_.get(); }
    void take_graph(Graph graph) { vectors_->take(std::move(graph)); }
    std::size_t bytes() const;

    // Where the query's terms are. Lives until the partition changes.
    Occurrences find(Kind kind, const QueryTerms& terms) const;
    // The query's terms in one document.
    template <class Visit>  // void(std::size_t term, std::uint32_t count)
    void for_each_match(Kind kind, const QueryTerms& terms, std::uint32_t slot, Visit visit) const;

    template <class Visit>  // void(TermId term, std::uint32_t count)
    void for_each_term(Kind kind, std::uint32_t slot, Visit visit) const {
        const auto [begin, end] = terms(kind, slot);
        for_each_packed(begin, end, visit);
    }

    // The order in time: all below need order() after a change.
    void order(const Tuning& tuning);
    bool is_ordered() const { return ordered_ == keys_.size(); }
    std::span<const std::uint32_t> by_time() const { return by_time_; }
    // An episode is a run of documents without a long pause.
    std::uint32_t episode(std::uint32_t slot) const { return episode_of_[slot]; }
    std::size_t episodes() const { return episode_lengths_.size(); }
    // Words in each episode.
    std::span<const std::uint32_t> episode_lengths() const { return episode_lengths_; }
    // Where each episode begins in by_time(); they follow one another.
    std::span<const std::uint32_t> episode_starts() const { return episode_starts_; }
    std::size_t episode_end(std::size_t episode) const {
        return episode + 1 < episode_starts_.size() ? episode_starts_[episode + 1]
                                                    : by_time_.size();
    }
    // The slots are in order of time themselves.
    bool is_sequential() const { return is_sequential_; }
    // False: the word names nobody who says a document.
    bool may_speak(TermId word) const { return all_speakers_.contains(word); }

  private:
    struct Field {
        std::vector<std::uint32_t> lengths;
        std::uint64_t length_sum = 0;
        Postings postings;
    };
    // Packed: bytes of the words' part, the words, the forms. Null: the document is dead.
    using Packed = std::unique_ptr<std::uint8_t[]>;
    struct Bytes {
        const std::uint8_t* begin;
        const std::uint8_t* end;
    };

    const Field& field(Kind kind) const { return kind == Kind::word ? words_ : forms_; }
    Bytes terms(Kind kind, std::uint32_t slot) const;
    void build_postings();
    void extend_episodes(const Tuning& tuning, std::size_t from);

    std::vector<Key> keys_;
    std::vector<std::int64_t> times_;
    std::vector<TermId> speakers_;
    std::vector<Packed> documents_;
    Field words_;
    Field forms_;
    bool has_postings_ = false;
    std::unique_ptr<VectorRows> vectors_;
    std::size_t live_ = 0;

    std::size_t ordered_ = 0;  // slots that are in what follows
    std::vector<std::uint32_t> by_time_;
    std::vector<std::uint32_t> episode_of_;  // of a slot
    std::vector<std::uint32_t> episode_lengths_;
    std::vector<std::uint32_t> episode_starts_;
    std::unordered_set<TermId> all_speakers_;  // of removed documents too
    bool is_sequential_ = true;
};

// A partition in the row of all that a query reads.
struct Part {
    const Partition* partition = nullptr;
    std::size_t first = 0;        // place of its slot 0 in the row
    std::vector<float> episodes;  // the episodes' own scores
};

template <class Visit>
void Partition::for_each_match(Kind kind, const QueryTerms& terms, std::uint32_t slot,
                               Visit visit) const {
    const auto [begin, end] = this->terms(kind, slot);
    for_each_packed(begin, end, [&](TermId term, std::uint32_t count) {
        if (!terms.may_have(term)) return;
        if (const auto found = terms.find(term)) visit(*found, count);
    });
}

}  // namespace ac::search
