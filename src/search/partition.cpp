#include "search/partition.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace ac::search {

namespace {

constexpr std::size_t kDeadShare = 4;  // compact when one slot in four is dead
constexpr std::size_t kDeadMin = 64;
constexpr std::size_t kEpisodeDocumentsMax = 256;  // what never pauses must not become one episode
constexpr std::size_t kHeaderBytes = 2 * sizeof(std::uint32_t);

std::uint8_t* pack_all(std::span<const Counted> terms, std::uint8_t* to) {
    std::uint32_t before = ~0U;
    for (const auto& term : terms) {
        to = pack(term, before, to);
        before = term.number;
    }
    return to;
}

std::uint32_t length_of(std::span<const Counted> terms) {
    std::uint32_t sum = 0;
    for (const auto& term : terms) sum += term.count;
    return sum;
}

std::unique_ptr<std::uint8_t[]> pack_document(std::span<const Counted> words,
                                              std::span<const Counted> forms) {
    std::vector<std::uint8_t> room((words.size() + forms.size()) * kPackedBytesMax);
    auto* middle = pack_all(words, room.data());
    auto* end = pack_all(forms, middle);
    const std::uint32_t sizes[] = {static_cast<std::uint32_t>(middle - room.data()),
                                   static_cast<std::uint32_t>(end - middle)};
    auto out = std::make_unique_for_overwrite<std::uint8_t[]>(kHeaderBytes + sizes[0] + sizes[1]);
    std::memcpy(out.get(), sizes, kHeaderBytes);
    std::copy_n(room.data(), sizes[0] + sizes[1], out.get() + kHeaderBytes);
    return out;
}

// Keeps the items whose slot is kept.
template <class Item>
void keep_only(std::vector<Item>& items, const std::vector<std::uint32_t>& new_slot) {
    for (std::size_t from = 0; from < items.size(); ++from)
        if (new_slot[from] != VectorRows::kGone && new_slot[from] != from)
            items[new_slot[from]] = std::move(items[from]);
    items.resize(items.size() -
                 static_cast<std::size_t>(std::ranges::count(new_slot, VectorRows::kGone)));
}

}  // namespace

Occurrences::Occurrences(std::vector<Match> matches, std::size_t terms) : starts_(terms + 1) {
    std::ranges::sort(matches, {}, [](const Match& match) {
        return std::pair(match.term, match.posting.number);
    });
    postings_.reserve(matches.size());
    for (const auto& match : matches) {
        postings_.push_back(match.posting);
        ++starts_[match.term + 1];
    }
    for (std::size_t i = 0; i < terms; ++i) starts_[i + 1] += starts_[i];
}

std::uint32_t Partition::add(const Added& document) {
    const auto slot = slots();
    keys_.push_back(document.key);
    times_.push_back(document.time_ms);
    speakers_.push_back(document.speaker);
    if (document.speaker != kNobody) all_speakers_.insert(document.speaker);
    documents_.push_back(pack_document(document.words, document.forms));
    for (auto [own, terms] : {std::pair(&words_, &document.words), {&forms_, &document.forms}}) {
        const auto length = length_of(*terms);
        own->lengths.push_back(length);
        own->length_sum += length;
        if (has_postings_) own->postings.add(slot, *terms);
    }
    if (!has_postings_ && slots() >= kPostingsFrom) build_postings();
    ++live_;
    return slot;
}

void Partition::attach(std::uint32_t slot, std::span<const float> vector) {
    if (!vectors_) vectors_ = std::make_unique<VectorRows>(vector.size());
    vectors_->append(slot, vector);
}

bool Partition::link(std::size_t most, std::size_t graph_from) {
    return vectors_ && (vectors_->has_graph() || vectors_->size() >= graph_from) &&
           vectors_->link(most);
}

Partition::Bytes Partition::terms(Kind kind, std::uint32_t slot) const {
    const auto* document = documents_[slot].get();
    if (document == nullptr) return {nullptr, nullptr};
    std::uint32_t sizes[2];
    std::memcpy(sizes, document, kHeaderBytes);
    const auto* middle = document + kHeaderBytes + sizes[0];
    if (kind == Kind::word) return {document + kHeaderBytes, middle};
    return {middle, middle + sizes[1]};
}

void Partition::build_postings() {
    has_postings_ = true;
    words_.postings = Postings();
    forms_.postings = Postings();
    std::vector<Counted> all;
    for (std::uint32_t slot = 0; slot < slots(); ++slot) {
        for (auto [own, kind] : {std::pair(&words_, Kind::word), {&forms_, Kind::form}}) {
            all.clear();
            const auto [begin, end] = terms(kind, slot);
            for_each_packed(begin, end, [&](TermId term, std::uint32_t count) {
                all.push_back({term, count});
            });
            own->postings.add(slot, all);
        }
    }
}

void Partition::remove(std::uint32_t slot) {
    if (!is_live(slot)) return;
    documents_[slot].reset();
    --live_;
}

bool Partition::compact_when_sparse(const std::function<void(Key, std::uint32_t)>& moved) {
    const auto dead = keys_.size() - live_;
    if (dead < kDeadMin || dead * kDeadShare < keys_.size()) return false;
    std::vector<std::uint32_t> new_slot(keys_.size(), VectorRows::kGone);
    std::uint32_t kept = 0;
    for (std::uint32_t slot = 0; slot < slots(); ++slot) {
        if (!is_live(slot)) continue;
        new_slot[slot] = kept++;
    }
    if (vectors_) vectors_->renumber(new_slot);
    keep_only(keys_, new_slot);
    keep_only(times_, new_slot);
    keep_only(speakers_, new_slot);
    keep_only(documents_, new_slot);
    for (auto* own : {&words_, &forms_}) {
        keep_only(own->lengths, new_slot);
        own->length_sum = 0;
        for (const auto length : own->lengths) own->length_sum += length;
        own->postings = Postings();
    }
    has_postings_ = false;
    if (slots() >= kPostingsFrom) build_postings();
    by_time_.clear();
    ordered_ = 0;
    for (std::uint32_t slot = 0; slot < slots(); ++slot) moved(keys_[slot], slot);
    return true;
}

Occurrences Partition::find(Kind kind, const QueryTerms& terms) const {
    if (has_postings_) {
        std::vector<const Postings::List*> lists(terms.size());
        for (std::size_t i = 0; i < lists.size(); ++i)
            lists[i] = field(kind).postings.find(terms.id(i));
        return Occurrences(std::move(lists));
    }
    std::vector<Occurrences::Match> matches;
    for (std::uint32_t slot = 0; slot < slots(); ++slot)
        for_each_match(kind, terms, slot, [&](std::size_t term, std::uint32_t count) {
            matches.push_back({static_cast<std::uint32_t>(term), {slot, count}});
        });
    return Occurrences(std::move(matches), terms.size());
}

void Partition::order(const Tuning& tuning) {
    if (is_ordered()) return;
    const auto earlier = [&](std::uint32_t a, std::uint32_t b) {
        return std::pair(times_[a], a) < std::pair(times_[b], b);
    };
    const auto before = by_time_.size();
    for (auto slot = static_cast<std::uint32_t>(ordered_); slot < slots(); ++slot)
        by_time_.push_back(slot);
    ordered_ = keys_.size();
    const auto middle = by_time_.begin() + static_cast<std::ptrdiff_t>(before);
    std::sort(middle, by_time_.end(), earlier);
    const bool appended = before == 0 || !earlier(*middle, *std::prev(middle));
    // Where the order changes at all; a lone late arrival moves only what comes after it.
    const auto first =
        appended ? middle : std::upper_bound(by_time_.begin(), middle, *middle, earlier);
    if (!appended) {
        std::vector<std::uint32_t> merged;
        std::merge(first, middle, middle, by_time_.end(), std::back_inserter(merged), earlier);
        std::ranges::copy(merged, first);
    }
    const auto from = static_cast<std::size_t>(first - by_time_.begin());
    if (from == 0) is_sequential_ = true;
    for (auto i = from; i < by_time_.size() && is_sequential_; ++i)
        is_sequential_ = by_time_[i] == i;
    extend_episodes(tuning, appended ? from : 0);
}

// From that position on; what is before it stays.
void Partition::extend_episodes(const Tuning& tuning, std::size_t from) {
    episode_of_.resize(slots());
    if (from == 0) {
        episode_lengths_.clear();
        episode_starts_.clear();
    }
    for (auto i = from; i < by_time_.size(); ++i) {
        const auto slot = by_time_[i];
        const bool pause =
            i > 0 && times_[slot] - times_[by_time_[i - 1]] > tuning.episode_gap.count();
        if (i == 0 || pause || i - episode_starts_.back() == kEpisodeDocumentsMax) {
            episode_lengths_.push_back(0);
            episode_starts_.push_back(static_cast<std::uint32_t>(i));
        }
        episode_of_[slot] = static_cast<std::uint32_t>(episode_lengths_.size() - 1);
        episode_lengths_.back() += words_.lengths[slot];
    }
}

std::size_t Partition::bytes() const {
    std::size_t documents = 0;
    for (std::uint32_t slot = 0; slot < slots(); ++slot)
        if (is_live(slot))
            documents +=
                static_cast<std::size_t>(terms(Kind::form, slot).end - documents_[slot].get());
    const auto each =
        sizeof(Key) + sizeof(std::int64_t) + sizeof(Packed) + 5 * sizeof(std::uint32_t);
    return documents + keys_.capacity() * each + words_.postings.bytes() + forms_.postings.bytes() +
           (vectors_ ? vectors_->bytes() : 0);
}

}  // namespace ac::search
