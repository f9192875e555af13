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

}  // namespace

void Bitmap::add(float weight, std::span<const float> values, std::size_t first, std::size_t end,
                 std::span<float> scores) const {
    static const Add wide = __builtin_cpu_supports("avx512f") ? add_avx512 : add_plain;
    const auto last = std::min(words_.size(), (end + kBits - 1) / kBits);
    for (auto i = first / kBits; i < last; ++i) {
        const auto at = i * kBits;
        if (words_[i] == 0) continue;
        // The last slots may not fill a word, and the spans end with them.
        const auto add = at + kBits <= scores.size() ? wide : add_plain;
        add(words_[i], weight, values.data() + at, scores.data() + at);
    }
}

}  // namespace ac::search
