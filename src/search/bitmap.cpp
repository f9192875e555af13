#include "search/bitmap.h"

#include <immintrin.h>

#include <algorithm>

namespace ac::search {

namespace {

// The 64 slots of one word.
using Add = void (*)(std::uint64_t bits, float weight, const float* values, float* scores);

void add_plain(std::uint64_t bits, float weight, const float* values, float* scores) {
    for (; bits != 0; bits &= bits - 1) {
        const auto i = std::countr_zero(bits);
        scores[i] += weight * values[i];
    }
}

__attribute__((target("avx512f"))) void add_avx512(std::uint64_t bits, float weight,
                                                   const float* values, float* scores) {
    const auto weights = _mm512_set1_ps(weight);
    for (int i = 0; i < 64; i += 16, bits >>= 16) {
        const auto old = _mm512_loadu_ps(scores + i);
        const auto more = _mm512_mul_ps(weights, _mm512_loadu_ps(values + i));
        _mm512_storeu_ps(scores + i,
                         _mm512_mask_add_ps(old, static_cast<__mmask16>(bits), old, more));
    }
}

__attribute__((target("avx2"))) void add_avx2(std::uint64_t bits, float weight, const float* values,
                                              float* scores) {
    const auto weights = _mm256_set1_ps(weight);
    const auto lanes = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    for (int i = 0; i < 64; i += 8, bits >>= 8) {
        const auto byte = _mm256_set1_epi32(static_cast<int>(bits & 0xFF));
        const auto mask = _mm256_cmpeq_epi32(_mm256_and_si256(byte, lanes), lanes);
        const auto more = _mm256_mul_ps(weights, _mm256_loadu_ps(values + i));
        const auto taken = _mm256_and_ps(more, _mm256_castsi256_ps(mask));
        _mm256_storeu_ps(scores + i, _mm256_add_ps(_mm256_loadu_ps(scores + i), taken));
    }
}

Add choose_add() {
    if (__builtin_cpu_supports("avx512f")) return add_avx512;
    return __builtin_cpu_supports("avx2") ? add_avx2 : add_plain;
}

}  // namespace

void Bitmap::add(float weight, std::span<const float> values, std::size_t first,
                 std::span<float> scores) const {
    static const Add wide = choose_add();
    const auto from = first / kBits;
    for (std::size_t i = 0; i * kBits < scores.size() && from + i < words_.size(); ++i) {
        const auto bits = words_[from + i];
        if (bits == 0) continue;
        // The last slots may not fill a word, and the spans end with them.
        const auto at = i * kBits;
        const auto add = at + kBits <= scores.size() ? wide : add_plain;
        add(bits, weight, values.data() + at, scores.data() + at);
    }
}

}  // namespace ac::search
