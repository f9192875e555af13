#include "search/score_line.h"

#include <algorithm>
#include <array>

namespace ac::search {

namespace {

// Side by side, so that the compiler makes wide instructions of it.
constexpr std::size_t kLanes = 16;
constexpr std::size_t kBlock = 64;

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
    for (std::size_t at = 0; at < count; at += kBlock) {
        const auto size = std::min(kBlock, count - at);
        auto* to = scores_.data() + at;
        std::fill_n(to, size, 0.0F);
        for (const auto* part : {&first, &second, &third}) add(*part, at, size, to);
    }
}

std::vector<std::uint32_t> best_places(std::span<const float> scores, std::size_t count) {
    if (count == 0) return {};
    std::vector<float> block_best((scores.size() + kBlock - 1) / kBlock);
    for (std::size_t block = 0; block < block_best.size(); ++block) {
        const auto at = block * kBlock;
        block_best[block] =
            largest_in_lanes(scores.data() + at, std::min(kBlock, scores.size() - at));
    }
    // As many blocks reach the floor as places are wanted, so as many scores do, and no lower
    // score is among the best.
    std::vector<float> reached(block_best);
    std::erase(reached, 0.0F);
    float floor = 0;
    if (reached.size() > count) {
        const auto nth = reached.begin() + static_cast<std::ptrdiff_t>(count - 1);
        std::ranges::nth_element(reached, nth, std::greater<>());
        floor = *nth;
    }
    std::vector<std::uint32_t> out;
    for (std::size_t block = 0; block < block_best.size(); ++block) {
        if (block_best[block] <= 0 || block_best[block] < floor) continue;
        const auto end = std::min((block + 1) * kBlock, scores.size());
        for (auto i = block * kBlock; i < end; ++i)
            if (scores[i] > 0 && scores[i] >= floor) out.push_back(static_cast<std::uint32_t>(i));
    }
    if (out.size() <= count) return out;
    const auto better = [&](std::uint32_t a, std::uint32_t b) {
        return scores[a] != scores[b] ? scores[a] > scores[b] : a > b;
    };
    std::ranges::nth_element(out, out.begin() + static_cast<std::ptrdiff_t>(count - 1), better);
    out.resize(count);
    std::ranges::sort(out);
    return out;
}

}  // namespace ac::search
