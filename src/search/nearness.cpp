#include "search/nearness.h"

#include <algorithm>

namespace ac::search {

namespace {

constexpr std::size_t kFewShare = 16;  // few are one in so many

bool has_vectors(const Partition& partition, std::size_t dimensions) {
    const auto* rows = partition.vectors();
    return rows != nullptr && rows->dimensions() == dimensions;
}

}  // namespace

Nearness::~Nearness() {
    if (!is_sparse_) std::ranges::fill(row_, 0.0F);
    for (const auto place : places_) row_[place] = 0;
}

void Nearness::set(std::size_t place, float score) {
    if (score <= 0) return;
    row_[place] = score;
    is_sparse_ = is_sparse_ && places_.size() < few_;
    if (is_sparse_) places_.push_back(static_cast<std::uint32_t>(place));
}

void Nearness::find(std::span<const float> question, std::size_t count) {
    if (question.empty()) return;
    question_ = Vectors::rounded(question);
    const auto size = parts_.empty() ? 0 : parts_.back().first + parts_.back().partition->slots();
    row_.resize(size);
    few_ = size / kFewShare;
    found_.resize(parts_.size());
    for (std::size_t i = 0; i < parts_.size(); ++i) {
        const auto& partition = *parts_[i].partition;
        if (!has_vectors(partition, question.size())) continue;
        std::function<bool(std::uint32_t)> accept;
        if (partition.live() < partition.slots())
            accept = [&](std::uint32_t slot) { return partition.is_live(slot); };
        const auto near = partition.vectors()->nearest(question_, count, accept);
        found_[i] = {near.noise, near.is_all};
        for (const auto& one : near.found) {
            const float score = one.similarity - near.noise;
            best_ = std::max<double>(best_, score);
            set(parts_[i].first + one.slot, score);
        }
    }
}

std::span<const float> Nearness::scores() const {
    return best_ > 0 ? std::span<const float>(row_) : std::span<const float>();
}

const Nearness::Found& Nearness::found_in(const Part& part) const {
    return found_[static_cast<std::size_t>(&part - parts_.data())];
}

bool Nearness::is_partial(const Part& part) const {
    return best_ > 0 && !found_in(part).is_all;
}

void Nearness::look_at(const Part& part, std::span<const std::uint32_t> slots, Best best) {
    const auto& partition = *part.partition;
    const auto noise = found_in(part).noise;
    partition.vectors()->compare(question_, slots, [&](VectorRows::Found one) {
        const auto place = part.first + one.slot;
        if (row_[place] > 0 || !partition.is_live(one.slot)) return;
        const float score = one.similarity - noise;
        set(place, score);
        if (best == Best::follows) best_ = std::max<double>(best_, score);
    });
}

}  // namespace ac::search
