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

}  // namespace

float largest(std::span<const float> scores) {
    return largest_in_lanes(scores.data(), scores.size());
}

ScoreLine::ScoreLine(std::initializer_list<Part> parts) {
    for (const auto& part : parts) *this = with(part);
}

ScoreLine ScoreLine::with(const Part& part) const {
    auto out = *this;
    if (part.is_something()) out.parts_.at(out.count_++) = part;
    return out;
}

ScoreLine::Extent ScoreLine::extent(std::size_t first, std::size_t count) const {
    constexpr std::size_t kFew = 4;  // runs are short
    std::array<float, kFew> best{};
    std::array<float, kFew> sum{};
    std::size_t i = 0;
    for (; i + kFew <= count; i += kFew) {
        std::array<float, kFew> scores{};
        for (std::size_t part = 0; part < count_; ++part) {
            const auto [row, weight, floor] = parts_[part];
            const float* from = row.data() + first + i;
            for (std::size_t lane = 0; lane < kFew; ++lane)
                scores[lane] += weight * (from[lane] < floor ? 0.0F : from[lane]);
        }
        for (std::size_t lane = 0; lane < kFew; ++lane) {
            best[lane] = best[lane] < scores[lane] ? scores[lane] : best[lane];
            sum[lane] += scores[lane];
        }
    }
    Extent out;
    for (std::size_t lane = 0; lane < kFew; ++lane) {
        out.best = std::max(out.best, best[lane]);
        out.sum += sum[lane];
    }
    for (; i < count; ++i) {
        const float score = at(first + i);
        out.best = std::max(out.best, score);
        out.sum += score;
    }
    return out;
}

void ScoreLine::join(std::span<float> to) const {
    std::ranges::fill(to, 0.0F);
    for (std::size_t part = 0; part < count_; ++part)
        for (std::size_t i = 0; i < to.size(); ++i) to[i] += parts_[part].at(i);
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
