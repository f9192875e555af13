#include "search/score_line.h"

#include <algorithm>
#include <array>

namespace ac::search {

namespace {

// Side by side, so that the compiler makes wide instructions of it.
constexpr std::size_t kLanes = 16;

float largest_in_lanes(const float* scores, std::size_t count) {
    std::array<float, kLanes> best{};
    std::size_t i = 0;
    for (; i + kLanes <= count; i += kLanes)
        for (std::size_t lane = 0; lane < kLanes; ++lane)
            best[lane] = best[lane] < scores[i + lane] ? scores[i + lane] : best[lane];
    float out = *std::ranges::max_element(best);
    for (; i < count; ++i) out = std::max(out, scores[i]);
    return out;
}

void add(const ScoreLine::Part& part, std::size_t first, std::size_t count, float* to) {
    if (part.weight == 0 || part.scores.empty()) return;
    const float* from = part.scores.data() + first;
    for (std::size_t i = 0; i < count; ++i)
        to[i] += part.weight * (from[i] < part.floor ? 0.0F : from[i]);
}

}  // namespace

float largest(std::span<const float> scores) {
    return largest_in_lanes(scores.data(), scores.size());
}

void ScoreLine::join(const Part& first, const Part& second, const Part& third, std::size_t count) {
    scores_.resize(count);
    block_best_.resize((count + kBlock - 1) / kBlock);
    for (std::size_t block = 0; block < block_best_.size(); ++block) {
        const auto at = block * kBlock;
        const auto size = std::min(kBlock, count - at);
        auto* to = scores_.data() + at;
        std::fill_n(to, size, 0.0F);
        for (const auto* part : {&first, &second, &third}) add(*part, at, size, to);
        block_best_[block] = largest_in_lanes(to, size);
    }
}

float ScoreLine::best() const {
    return largest(block_best_);
}

std::vector<std::uint32_t> ScoreLine::top(std::size_t count) const {
    if (count == 0) return {};
    // As many blocks reach the floor as places are wanted, so as many scores do, and no lower
    // score is among the best.
    std::vector<float> reached(block_best_);
    std::erase(reached, 0.0F);
    float floor = 0;
    if (reached.size() > count) {
        const auto nth = reached.begin() + static_cast<std::ptrdiff_t>(count - 1);
        std::ranges::nth_element(reached, nth, std::greater<>());
        floor = *nth;
    }
    std::vector<std::uint32_t> out;
    for (std::size_t block = 0; block < block_best_.size(); ++block) {
        if (block_best_[block] <= 0 || block_best_[block] < floor) continue;
        const auto end = std::min((block + 1) * kBlock, scores_.size());
        for (auto i = block * kBlock; i < end; ++i)
            if (scores_[i] > 0 && scores_[i] >= floor) out.push_back(static_cast<std::uint32_t>(i));
    }
    if (out.size() <= count) return out;
    const auto better = [&](std::uint32_t a, std::uint32_t b) {
        return scores_[a] != scores_[b] ? scores_[a] > scores_[b] : a > b;
    };
    std::ranges::nth_element(out, out.begin() + static_cast<std::ptrdiff_t>(count - 1), better);
    out.resize(count);
    std::ranges::sort(out);
    return out;
}

}  // namespace ac::search
