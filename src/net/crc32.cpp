#include <array>
#include <cstdint>
#include <string_view>

#include "net/event_stream.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace ac::net {
namespace {

constexpr std::array<std::uint32_t, 256> make_table() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        std::uint32_t c = i;
        for (int k = 0; k < 8; ++k) c = (c & 1) ? 0xEDB88320U ^ (c >> 1) : c >> 1;
        table[i] = c;
    }
    return table;
}
constexpr auto kTable = make_table();

#if defined(__x86_64__)

constexpr std::size_t kLaneBytes = 16;
constexpr std::size_t kFoldBytes = 64;

__attribute__((target("pclmul,sse4.1"))) __m128i fold(__m128i lane, __m128i keys, __m128i next) {
    const __m128i low = _mm_clmulepi64_si128(lane, keys, 0x00);
    const __m128i high = _mm_clmulepi64_si128(lane, keys, 0x11);
    return _mm_xor_si128(_mm_xor_si128(high, low), next);
}

// V. Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction"
// (Intel, 2009), with its constants for the reflected polynomial. `size` is a multiple of 16 and
// at least 64.
__attribute__((target("pclmul,sse4.1"))) std::uint32_t fold_all(const char* at, std::size_t size,
                                                                std::uint32_t crc) {
    const auto load = [](const char* from) __attribute__((target("pclmul,sse4.1"))) {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    };
    const __m128i by_64 = _mm_set_epi64x(0x01c6e41596, 0x0154442bd4);
    const __m128i by_16 = _mm_set_epi64x(0x00ccaa009e, 0x01751997d0);
    __m128i a = _mm_xor_si128(load(at), _mm_cvtsi32_si128(static_cast<int>(crc)));
    __m128i b = load(at + kLaneBytes);
    __m128i c = load(at + 2 * kLaneBytes);
    __m128i d = load(at + 3 * kLaneBytes);
    for (at += kFoldBytes, size -= kFoldBytes; size >= kFoldBytes;
         at += kFoldBytes, size -= kFoldBytes) {
        a = fold(a, by_64, load(at));
        b = fold(b, by_64, load(at + kLaneBytes));
        c = fold(c, by_64, load(at + 2 * kLaneBytes));
        d = fold(d, by_64, load(at + 3 * kLaneBytes));
    }
    a = fold(fold(fold(a, by_16, b), by_16, c), by_16, d);
    for (; size >= kLaneBytes; at += kLaneBytes, size -= kLaneBytes) a = fold(a, by_16, load(at));
    // 128 bits to 64, to 32 by Barrett's reduction. Without _mm_srli_si128(): g++ 12 behind a
    // precompiled header takes it for a function, whose immediate it then does not see.
    const __m128i zero = _mm_setzero_si128();
    const __m128i low_words = _mm_setr_epi32(-1, 0, -1, 0);
    a = _mm_xor_si128(_mm_unpackhi_epi64(a, zero), _mm_clmulepi64_si128(a, by_16, 0x10));
    const __m128i by_8 = _mm_set_epi64x(0, 0x0163cd6124);
    const __m128i without_32 =
        _mm_or_si128(_mm_srli_epi64(a, 32), _mm_slli_epi64(_mm_unpackhi_epi64(a, zero), 32));
    a = _mm_xor_si128(without_32, _mm_clmulepi64_si128(_mm_and_si128(a, low_words), by_8, 0x00));
    const __m128i barrett = _mm_set_epi64x(0x01f7011641, 0x01db710641);
    __m128i quotient = _mm_clmulepi64_si128(_mm_and_si128(a, low_words), barrett, 0x10);
    quotient = _mm_clmulepi64_si128(_mm_and_si128(quotient, low_words), barrett, 0x00);
    return static_cast<std::uint32_t>(_mm_extract_epi32(_mm_xor_si128(a, quotient), 1));
}

bool can_fold() {
    static const bool kCan =
        __builtin_cpu_supports("pclmul") != 0 && __builtin_cpu_supports("sse4.1") != 0;
    return kCan;
}

#endif

}  // namespace

std::uint32_t crc32(std::string_view bytes) {
    std::uint32_t crc = 0xFFFFFFFFU;
#if defined(__x86_64__)
    if (bytes.size() >= kFoldBytes && can_fold()) {
        const std::size_t whole = bytes.size() / kLaneBytes * kLaneBytes;
        crc = fold_all(bytes.data(), whole, crc);
        bytes.remove_prefix(whole);
    }
#endif
    for (const unsigned char c : bytes) crc = kTable[(crc ^ c) & 255] ^ (crc >> 8);
    return crc ^ 0xFFFFFFFFU;
}

}  // namespace ac::net
