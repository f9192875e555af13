#include "search/partition.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace ac::search {

namespace {

constexpr std::size_t kDeadShare = 4;  // compact when one slot in four is dead
constexpr std::size_t kDeadMin = 64;
constexpr std::uint32_t kGone = ~0U;
constexpr std::size_t kEpisodeDocumentsMax = 256;  // what never pauses must not become one episode

}  // namespace

std::uint32_t Partition::add(const Added& document) {
    const auto slot = static_cast<std::uint32_t>(entries_.size());
    Entry entry{.key = document.key,
                .time_ms = document.time_ms,
                .length = static_cast<std::uint32_t>(document.terms.size())};
    std::vector<TermId> sorted(document.terms.begin(), document.terms.end());
    std::ranges::sort(sorted);
    for (std::size_t i = 0; i < sorted.size();) {
        auto end = i;
        while (end < sorted.size() && sorted[end] == sorted[i]) ++end;
        auto& postings = postings_[sorted[i]];
        postings.list.push_back({slot, static_cast<std::uint32_t>(end - i)});
        ++postings.live;
        entry.terms.push_back(sorted[i]);
        i = end;
    }
    entry.terms.shrink_to_fit();
    if (!document.vector.empty()) vectors_.append(document.vector);
    if (!by_time_.empty() && entries_[by_time_.back()].time_ms > document.time_ms) ordered_ = false;
    by_time_.push_back(slot);
    ++live_;
    length_sum_ += entry.length;
    entries_.push_back(std::move(entry));
    return slot;
}

void Partition::remove(std::uint32_t slot) {
    auto& entry = entries_[slot];
    if (!entry.live) return;
    entry.live = false;
    --live_;
    length_sum_ -= entry.length;
    for (const auto term : entry.terms) --postings_[term].live;
    entry.terms = {};
}

bool Partition::compact_when_sparse(const std::function<void(Key, std::uint32_t)>& moved) {
    const auto dead = entries_.size() - live_;
    if (dead < kDeadMin || dead * kDeadShare < entries_.size()) return false;
    std::vector<std::uint32_t> new_slot(entries_.size(), kGone);
    std::vector<bool> keep(entries_.size());
    std::vector<Entry> entries;
    entries.reserve(live_);
    for (std::uint32_t slot = 0; slot < entries_.size(); ++slot) {
        if (!entries_[slot].live) continue;
        keep[slot] = true;
        new_slot[slot] = static_cast<std::uint32_t>(entries.size());
        entries.push_back(std::move(entries_[slot]));
    }
    entries_ = std::move(entries);
    if (vectors_.size() == keep.size()) vectors_.compact(keep);
    drop_dead_postings(new_slot);
    std::erase_if(by_time_, [&](std::uint32_t slot) { return new_slot[slot] == kGone; });
    for (auto& slot : by_time_) slot = new_slot[slot];
    for (std::uint32_t slot = 0; slot < entries_.size(); ++slot) moved(entries_[slot].key, slot);
    return true;
}

void Partition::drop_dead_postings(const std::vector<std::uint32_t>& new_slot) {
    for (auto it = postings_.begin(); it != postings_.end();) {
        auto& list = it->second.list;
        std::erase_if(list, [&](const Posting& p) { return new_slot[p.slot] == kGone; });
        for (auto& posting : list) posting.slot = new_slot[posting.slot];
        it = list.empty() ? postings_.erase(it) : std::next(it);
    }
}

std::size_t Partition::frequency(TermId term) const {
    const auto found = postings_.find(term);
    return found == postings_.end() ? 0 : found->second.live;
}

void Partition::score_terms(std::span<const WeightedTerm> terms, const Tuning& tuning,
                            double length_average, std::span<float> scores) const {
    for (const auto& [term, weight] : terms) {
        const auto found = postings_.find(term);
        if (found == postings_.end()) continue;
        for (const auto& [slot, count] : found->second.list) {
            const auto& entry = entries_[slot];
            if (!entry.live) continue;
            const double length = entry.length / length_average;
            const double saturation =
                count * (tuning.k1 + 1) / (count + tuning.k1 * (1 - tuning.b + tuning.b * length));
            scores[slot] += static_cast<float>(weight * saturation);
        }
    }
}

void Partition::order() {
    if (ordered_) return;
    std::ranges::sort(by_time_, {},
                      [&](std::uint32_t slot) { return std::pair(entries_[slot].time_ms, slot); });
    ordered_ = true;
}

// Moments that are equal have no order, so such documents are no neighbours of each other: facts
// stored in one batch stay apart.
std::vector<float> Partition::spread(const Tuning& tuning, std::span<const float> scores) const {
    std::vector<float> out(scores.begin(), scores.end());
    const auto time = [&](std::size_t at) { return entries_[by_time_[at]].time_ms; };
    const auto& weights = tuning.neighbour_weights;
    for (std::size_t start = 0; start < by_time_.size();) {
        auto end = start + 1;
        while (end < by_time_.size() && end - start < kEpisodeDocumentsMax &&
               time(end) - time(end - 1) <= tuning.episode_gap.count())
            ++end;
        double squares = 0;
        for (auto i = start; i < end; ++i) {
            const float score = scores[by_time_[i]];
            if (score <= 0) continue;
            squares += static_cast<double>(score) * score;
            for (std::size_t d = 1; d <= weights.size(); ++d) {
                const auto share = static_cast<float>(weights[d - 1]) * score;
                if (i >= start + d && time(i - d) != time(i)) out[by_time_[i - d]] += share;
                if (i + d < end && time(i + d) != time(i)) out[by_time_[i + d]] += share;
            }
        }
        const auto common = static_cast<float>(tuning.episode_weight * std::sqrt(squares));
        if (common > 0)
            for (auto i = start; i < end; ++i) out[by_time_[i]] += common;
        start = end;
    }
    return out;
}

std::size_t Partition::bytes() const {
    std::size_t sum = vectors_.bytes() + entries_.capacity() * sizeof(Entry) +
                      by_time_.capacity() * sizeof(std::uint32_t);
    for (const auto& entry : entries_) sum += entry.terms.capacity() * sizeof(TermId);
    for (const auto& [term, postings] : postings_)
        sum += sizeof(Postings) + postings.list.capacity() * sizeof(Posting);
    return sum;
}

}  // namespace ac::search
