#include <immintrin.h>

#include "search/vectors.h"

namespace ac::search {

namespace {

using Dot = std::int32_t (*)(const std::int8_t*, const std::int8_t*, std::size_t);

std::int32_t dot_plain(const std::int8_t* a, const std::int8_t* b, std::size_t count) {
    std::int32_t sum = 0;
    for (std::size_t i = 0; i < count; ++i) sum += a[i] * b[i];
    return sum;
}

__attribute__((target("avx2"))) std::int32_t dot_avx2(const std::int8_t* a, const std::int8_t* b,
                                                      std::size_t count) {
    __m256i sums = _mm256_setzero_si256();
    std::size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        const auto x =
            _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(a + i)));
        const auto y =
            _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(b + i)));
        sums = _mm256_add_epi32(sums, _mm256_madd_epi16(x, y));
    }
    const auto half =
        _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    alignas(16) std::int32_t lanes[4];
    _mm_store_si128(reinterpret_cast<__m128i*>(lanes), half);
    return lanes[0] + lanes[1] + lanes[2] + lanes[3] + dot_plain(a + i, b + i, count - i);
}

__attribute__((target("avx512bw"))) std::int32_t dot_avx512(const std::int8_t* a,
                                                            const std::int8_t* b,
                                                            std::size_t count) {
    __m512i sums = _mm512_setzero_si512();
    std::size_t i = 0;
    for (; i + 32 <= count; i += 32) {
        const auto x =
            _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(a + i)));
        const auto y =
            _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + i)));
        sums = _mm512_add_epi32(sums, _mm512_madd_epi16(x, y));
    }
    return _mm512_reduce_add_epi32(sums) + dot_plain(a + i, b + i, count - i);
}

// The instruction takes bytes without a sign on one side: 128 more in each component of `a`, which
// is taken off again as 128 times the sum of `b`.
__attribute__((target("avx512bw,avx512vnni"))) std::int32_t dot_vnni(const std::int8_t* a,
                                                                     const std::int8_t* b,
                                                                     std::size_t count) {
    const auto flip = _mm512_set1_epi8(static_cast<char>(0x80));
    __m512i sums = _mm512_setzero_si512();
    __m512i of_b = _mm512_setzero_si512();
    std::size_t i = 0;
    for (; i + 64 <= count; i += 64) {
        const auto x = _mm512_loadu_si512(a + i);
        const auto y = _mm512_loadu_si512(b + i);
        sums = _mm512_dpbusd_epi32(sums, _mm512_xor_si512(x, flip), y);
        of_b = _mm512_dpbusd_epi32(of_b, flip, y);
    }
    return _mm512_reduce_add_epi32(_mm512_sub_epi32(sums, of_b)) +
           dot_plain(a + i, b + i, count - i);
}

Dot best_dot() {
    if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw")) return dot_vnni;
    if (__builtin_cpu_supports("avx512bw")) return dot_avx512;
    if (__builtin_cpu_supports("avx2")) return dot_avx2;
    return dot_plain;
}

}  // namespace

std::int32_t dot_int8(const std::int8_t* a, const std::int8_t* b, std::size_t count) {
    static const Dot dot = best_dot();
    return dot(a, b, count);
}

}  // namespace ac::search
