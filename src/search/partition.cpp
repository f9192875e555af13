#include "search/partition.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace ac::search {

namespace {

constexpr std::size_t kDeadShare = 4;  // compact when one slot in four is dead
constexpr std::size_t kDeadMin = 64;
constexpr std::size_t kEpisodeDocumentsMax = 256;  // what never pauses must not become one episode

double saturated(double count, double length, Saturation saturation) {
    const auto& [k1, b] = saturation;
    return count * (k1 + 1) / (count + k1 * (1 - b + b * length));
}

}  // namespace

void Postings::add(std::uint32_t slot, std::vector<TermId> terms) {
    lengths_.push_back(static_cast<std::uint32_t>(terms.size()));
    length_sum_ += terms.size();
    std::ranges::sort(terms);
    for (std::size_t i = 0; i < terms.size();) {
        auto end = i;
        while (end < terms.size() && terms[end] == terms[i]) ++end;
        lists_[terms[i]].push_back({slot, static_cast<std::uint32_t>(end - i)});
        i = end;
    }
}

void Postings::renumber(const std::vector<std::uint32_t>& new_slot) {
    for (auto it = lists_.begin(); it != lists_.end();) {
        auto& list = it->second;
        std::erase_if(list, [&](const Posting& p) { return new_slot[p.slot] == kGone; });
        for (auto& posting : list) posting.slot = new_slot[posting.slot];
        it = list.empty() ? lists_.erase(it) : std::next(it);
    }
    length_sum_ = 0;
    std::size_t to = 0;
    for (std::size_t from = 0; from < lengths_.size(); ++from) {
        if (new_slot[from] == kGone) continue;
        lengths_[to++] = lengths_[from];
        length_sum_ += lengths_[from];
    }
    lengths_.resize(to);
}

std::size_t Postings::frequency(TermId term) const {
    const auto found = lists_.find(term);
    return found == lists_.end() ? 0 : found->second.size();
}

void Postings::score(std::span<const WeightedTerm> terms, Saturation saturation,
                     double length_average, std::span<float> scores) const {
    for (const auto& [term, weight] : terms) {
        const auto found = lists_.find(term);
        if (found == lists_.end()) continue;
        for (const auto& [slot, count] : found->second)
            scores[slot] += static_cast<float>(
                weight * saturated(count, lengths_[slot] / length_average, saturation));
    }
}

std::vector<float> Postings::score_groups(std::span<const WeightedTerm> terms,
                                          Saturation saturation,
                                          std::span<const std::uint32_t> group_of,
                                          std::size_t groups) const {
    std::vector<double> lengths(groups);
    for (std::size_t slot = 0; slot < lengths_.size(); ++slot)
        lengths[group_of[slot]] += lengths_[slot];
    const double average = std::max(1.0, static_cast<double>(length_sum_) /
                                             static_cast<double>(std::max<std::size_t>(1, groups)));
    std::vector<float> out(groups);
    std::vector<std::uint32_t> counts(groups);
    std::vector<std::uint32_t> touched;
    for (const auto& [term, weight] : terms) {
        const auto found = lists_.find(term);
        if (found == lists_.end()) continue;
        touched.clear();
        for (const auto& [slot, count] : found->second) {
            const auto group = group_of[slot];
            if (counts[group] == 0) touched.push_back(group);
            counts[group] += count;
        }
        const double rarity = std::log(1 + (static_cast<double>(groups - touched.size()) + 0.5) /
                                               (static_cast<double>(touched.size()) + 0.5));
        for (const auto group : touched) {
            out[group] += static_cast<float>(
                rarity * saturated(counts[group], lengths[group] / average, saturation));
            counts[group] = 0;
        }
    }
    return out;
}

std::size_t Postings::bytes() const {
    std::size_t sum = lengths_.capacity() * sizeof(std::uint32_t);
    for (const auto& [term, list] : lists_)
        sum += sizeof(list) + 2 * sizeof(void*) + list.capacity() * sizeof(Posting);
    return sum;
}

std::uint32_t Partition::add(Added document) {
    const auto slot = static_cast<std::uint32_t>(entries_.size());
    words_.add(slot, std::move(document.words));
    grams_.add(slot, std::move(document.grams));
    if (!document.vector.empty()) vectors_.append(document.vector);
    if (!by_time_.empty() && entries_[by_time_.back()].time_ms > document.time_ms) ordered_ = false;
    by_time_.push_back(slot);
    ++live_;
    entries_.push_back({.key = document.key, .time_ms = document.time_ms});
    return slot;
}

void Partition::remove(std::uint32_t slot) {
    auto& entry = entries_[slot];
    if (!entry.live) return;
    entry.live = false;
    --live_;
}

bool Partition::compact_when_sparse(const std::function<void(Key, std::uint32_t)>& moved) {
    const auto dead = entries_.size() - live_;
    if (dead < kDeadMin || dead * kDeadShare < entries_.size()) return false;
    std::vector<std::uint32_t> new_slot(entries_.size(), Postings::kGone);
    std::vector<bool> keep(entries_.size());
    std::vector<Entry> entries;
    entries.reserve(live_);
    for (std::uint32_t slot = 0; slot < entries_.size(); ++slot) {
        if (!entries_[slot].live) continue;
        keep[slot] = true;
        new_slot[slot] = static_cast<std::uint32_t>(entries.size());
        entries.push_back(entries_[slot]);
    }
    entries_ = std::move(entries);
    if (vectors_.size() == keep.size()) vectors_.compact(keep);
    words_.renumber(new_slot);
    grams_.renumber(new_slot);
    std::erase_if(by_time_, [&](std::uint32_t slot) { return new_slot[slot] == Postings::kGone; });
    for (auto& slot : by_time_) slot = new_slot[slot];
    for (std::uint32_t slot = 0; slot < entries_.size(); ++slot) moved(entries_[slot].key, slot);
    return true;
}

void Partition::order() {
    if (ordered_) return;
    std::ranges::sort(by_time_, {},
                      [&](std::uint32_t slot) { return std::pair(entries_[slot].time_ms, slot); });
    ordered_ = true;
}

std::vector<std::uint32_t> Partition::episodes(const Tuning& tuning, std::size_t& count) const {
    std::vector<std::uint32_t> out(entries_.size());
    count = 0;
    std::size_t documents = 0;
    for (std::size_t i = 0; i < by_time_.size(); ++i) {
        const auto slot = by_time_[i];
        const bool pause = i > 0 && entries_[slot].time_ms - entries_[by_time_[i - 1]].time_ms >
                                        tuning.episode_gap.count();
        if (i > 0 && (pause || documents == kEpisodeDocumentsMax)) {
            ++count;
            documents = 0;
        }
        ++documents;
        out[slot] = static_cast<std::uint32_t>(count);
    }
    if (!by_time_.empty()) ++count;
    return out;
}

// Moments that are equal have no order, so such documents are no neighbours of each other: facts
// stored in one batch stay apart.
std::vector<float> Partition::spread(const Tuning& tuning,
                                     std::span<const std::uint32_t> episode_of,
                                     std::span<const float> scores) const {
    std::vector<float> out(scores.begin(), scores.end());
    const auto& weights = tuning.neighbour_weights;
    const auto give = [&](std::uint32_t from, std::uint32_t to, double weight) {
        if (episode_of[from] == episode_of[to] && entries_[from].time_ms != entries_[to].time_ms)
            out[to] += static_cast<float>(weight) * scores[from];
    };
    for (std::size_t i = 0; i < by_time_.size(); ++i) {
        const auto slot = by_time_[i];
        if (scores[slot] <= 0) continue;
        for (std::size_t d = 1; d <= weights.size(); ++d) {
            if (i >= d) give(slot, by_time_[i - d], weights[d - 1]);
            if (i + d < by_time_.size()) give(slot, by_time_[i + d], weights[d - 1]);
        }
    }
    return out;
}

std::size_t Partition::bytes() const {
    return vectors_.bytes() + words_.bytes() + grams_.bytes() +
           entries_.capacity() * sizeof(Entry) + by_time_.capacity() * sizeof(std::uint32_t);
}

}  // namespace ac::search
