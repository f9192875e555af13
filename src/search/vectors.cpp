#include "search/vectors.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/result.h"

namespace ac::search {

namespace {

constexpr float kSteps = 32'512;            // 127 * 256: the high byte cannot overflow
constexpr std::size_t kRescoredFactor = 5;  // candidates scored again, a result
constexpr std::size_t kRescoredMin = 50;

float largest(std::span<const float> vector) {
    float out = 0;
    for (const float x : vector) out = std::max(out, std::abs(x));
    return out;
}

}  // namespace

void Vectors::append(std::span<const float> vector) {
    AC_ASSERT(vector.size() == dimensions_);
    const float peak = largest(vector);
    const float to_steps = peak > 0 ? kSteps / peak : 0;
    const auto at = high_.size();
    high_.resize(at + dimensions_);
    low_.resize(at + dimensions_);
    for (std::size_t i = 0; i < dimensions_; ++i) {
        const float exact = vector[i] * to_steps;
        // Rounded without a call, so that many are done at once.
        const auto steps = static_cast<std::int32_t>(exact + std::copysign(0.5F, exact));
        const auto high = (steps + 128) >> 8;
        high_[at + i] = static_cast<std::int8_t>(high);
        low_[at + i] = static_cast<std::int8_t>(steps - high * 256);
    }
    scales_.push_back(peak / kSteps);
}

Vectors::Rounded Vectors::rounded(std::span<const float> query) {
    const float peak = largest(query);
    const float to_steps = peak > 0 ? 127 / peak : 0;
    Rounded out{.components = std::vector<std::int8_t>(query.size()), .scale = peak / 127 * 256};
    for (std::size_t i = 0; i < query.size(); ++i)
        out.components[i] = static_cast<std::int8_t>(std::lround(query[i] * to_steps));
    return out;
}

Vectors::Rounded Vectors::rounded(std::uint32_t slot) const {
    const auto* row = high_.data() + slot * dimensions_;
    return {.components = std::vector<std::int8_t>(row, row + dimensions_),
            .scale = scales_[slot] * 256 * 256};
}

float Vectors::rough_between(std::uint32_t a, std::uint32_t b) const {
    const auto* of_a = high_.data() + a * dimensions_;
    const auto* of_b = high_.data() + b * dimensions_;
    return static_cast<float>(dot_int8(of_a, of_b, dimensions_)) * scales_[a] * scales_[b] * 256 *
           256;
}

std::uint64_t Vectors::fingerprint(std::uint32_t slot) const {
    constexpr std::uint64_t kFactor = 0x9E3779B97F4A7C15;
    std::uint64_t out = std::bit_cast<std::uint32_t>(scales_[slot]);
    for (const auto* plane : {&high_, &low_}) {
        const auto* row = plane->data() + slot * dimensions_;
        for (std::size_t at = 0; at < dimensions_; at += sizeof(std::uint64_t)) {
            std::uint64_t word = 0;
            std::memcpy(&word, row + at, std::min(sizeof word, dimensions_ - at));
            out = (out ^ word) * kFactor;
            out ^= out >> 32;
        }
    }
    return out;
}

void Vectors::scan(std::span<const float> query, std::span<float> out) const {
    AC_ASSERT(out.size() == size() && query.size() == dimensions_);
    const auto wanted = rounded(query);
    for (std::uint32_t slot = 0; slot < size(); ++slot) out[slot] = rough(wanted, slot);
}

float Vectors::similarity(std::span<const float> query, std::size_t slot) const {
    const auto* high = high_.data() + slot * dimensions_;
    const auto* low = low_.data() + slot * dimensions_;
    float sum = 0;
    for (std::size_t i = 0; i < dimensions_; ++i)
        sum += query[i] * static_cast<float>(high[i] * 256 + low[i]);
    return sum * scales_[slot];
}

std::vector<Vectors::Neighbour> Vectors::nearest(std::span<const float> query,
                                                 std::size_t count) const {
    std::vector<float> rough(size());
    scan(query, rough);
    std::vector<std::uint32_t> slots(size());
    for (std::size_t i = 0; i < slots.size(); ++i) slots[i] = static_cast<std::uint32_t>(i);
    const auto wanted = std::min(slots.size(), std::max(count * kRescoredFactor, kRescoredMin));
    const auto better = [&](std::uint32_t a, std::uint32_t b) { return rough[a] > rough[b]; };
    std::ranges::nth_element(slots, slots.begin() + static_cast<std::ptrdiff_t>(wanted), better);
    std::vector<Neighbour> out;
    for (std::size_t i = 0; i < wanted; ++i) out.push_back({slots[i], similarity(query, slots[i])});
    std::ranges::sort(out, [](const Neighbour& a, const Neighbour& b) {
        return a.similarity != b.similarity ? a.similarity > b.similarity : a.slot < b.slot;
    });
    out.resize(std::min(out.size(), count));
    return out;
}

void Vectors::compact(const std::vector<bool>& keep) {
    std::size_t to = 0;
    for (std::size_t from = 0; from < size(); ++from) {
        if (!keep[from]) continue;
        if (to != from) {
            std::copy_n(high_.begin() + static_cast<std::ptrdiff_t>(from * dimensions_),
                        dimensions_, high_.begin() + static_cast<std::ptrdiff_t>(to * dimensions_));
            std::copy_n(low_.begin() + static_cast<std::ptrdiff_t>(from * dimensions_), dimensions_,
                        low_.begin() + static_cast<std::ptrdiff_t>(to * dimensions_));
            scales_[to] = scales_[from];
        }
        ++to;
    }
    high_.resize(to * dimensions_);
    low_.resize(to * dimensions_);
    scales_.resize(to);
}

std::size_t Vectors::bytes() const {
    return high_.capacity() + low_.capacity() + scales_.capacity() * sizeof(float);
}

}  // namespace ac::search
