#include "base/base64.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace ac {

#if defined(__x86_64__)

namespace {

// The method of W. Mula and D. Lemire, "Faster Base64 Encoding and Decoding using AVX2
// Instructions" (ACM Transactions on the Web 12(3), 2018).

__attribute__((target("avx2"))) std::size_t encode_avx2(std::string_view in, char* out) {
    const __m256i spread = _mm256_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10, 1, 0,
                                            2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10);
    const __m256i shifts =
        _mm256_setr_epi8(65, 71, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -19, -16, 0, 0, 65, 71, -4,
                         -4, -4, -4, -4, -4, -4, -4, -4, -4, -19, -16, 0, 0);
    std::size_t at = 0;
    // Two loads of 16 bytes, of which 12 are used.
    for (; at + 28 <= in.size(); at += 24, out += 32) {
        const char* from = in.data() + at;
        const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
        const __m128i high = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + 12));
        __m256i bytes = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
        bytes = _mm256_shuffle_epi8(bytes, spread);
        const __m256i odd = _mm256_mulhi_epu16(
            _mm256_and_si256(bytes, _mm256_set1_epi32(0x0fc0fc00)), _mm256_set1_epi32(0x04000040));
        const __m256i even = _mm256_mullo_epi16(
            _mm256_and_si256(bytes, _mm256_set1_epi32(0x003f03f0)), _mm256_set1_epi32(0x01000010));
        const __m256i sextets = _mm256_or_si256(odd, even);
        const __m256i above = _mm256_cmpgt_epi8(sextets, _mm256_set1_epi8(25));
        const __m256i range =
            _mm256_sub_epi8(_mm256_subs_epu8(sextets, _mm256_set1_epi8(51)), above);
        const __m256i letters = _mm256_add_epi8(sextets, _mm256_shuffle_epi8(shifts, range));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), letters);
    }
    return at;
}

__attribute__((target("avx2"))) std::size_t decode_avx2(std::string_view in, char* out) {
    const __m256i bad_low =
        _mm256_setr_epi8(0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x13, 0x1a,
                         0x1b, 0x1b, 0x1b, 0x1a, 0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
                         0x11, 0x11, 0x13, 0x1a, 0x1b, 0x1b, 0x1b, 0x1a);
    const __m256i bad_high =
        _mm256_setr_epi8(0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10, 0x10, 0x10,
                         0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08,
                         0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10);
    const __m256i rolls =
        _mm256_setr_epi8(0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 19, 4,
                         -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m256i packed = _mm256_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1,
                                            2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1);
    const __m256i slash = _mm256_set1_epi8(0x2f);
    std::size_t at = 0;
    for (; at + 32 <= in.size(); at += 32, out += 24) {
        const __m256i letters =
            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in.data() + at));
        const __m256i high = _mm256_and_si256(_mm256_srli_epi32(letters, 4), slash);
        const __m256i low = _mm256_and_si256(letters, slash);
        if (_mm256_testz_si256(_mm256_shuffle_epi8(bad_low, low),
                               _mm256_shuffle_epi8(bad_high, high)) == 0)
            break;
        const __m256i roll =
            _mm256_shuffle_epi8(rolls, _mm256_add_epi8(_mm256_cmpeq_epi8(letters, slash), high));
        const __m256i sextets = _mm256_add_epi8(letters, roll);
        const __m256i pairs = _mm256_maddubs_epi16(sextets, _mm256_set1_epi32(0x01400140));
        const __m256i triples = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00011000));
        const __m256i bytes = _mm256_permutevar8x32_epi32(
            _mm256_shuffle_epi8(triples, packed), _mm256_setr_epi32(0, 1, 2, 4, 5, 6, -1, -1));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), bytes);
    }
    return at;
}

bool has_avx2() {
    static const bool kHas = __builtin_cpu_supports("avx2") != 0;
    return kHas;
}

}  // namespace

std::size_t encode_base64_vectors(std::string_view in, char* out) {
    return has_avx2() ? encode_avx2(in, out) : 0;
}

std::size_t decode_base64_vectors(std::string_view in, char* out) {
    return has_avx2() ? decode_avx2(in, out) : 0;
}

#else

std::size_t encode_base64_vectors(std::string_view, char*) {
    return 0;
}

std::size_t decode_base64_vectors(std::string_view, char*) {
    return 0;
}

#endif

}  // namespace ac
