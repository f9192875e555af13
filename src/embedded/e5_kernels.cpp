#include "embedded/e5_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define AC_AVX2 __attribute__((target("avx2,fma")))
#define AC_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma")))
#endif
#define AC_INLINE inline __attribute__((always_inline))
// Sums may be made in the order that vectors want.
#if defined(__clang__)
#define AC_REASSOCIATE _Pragma("clang fp reassociate(on)")
#else
#define AC_REASSOCIATE
#endif

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace ac::embedded {
namespace {

// AVX2 adds two products of bytes in 16 bits, which 8-bit activations would overflow: 7 bits there.
constexpr float kLevels = 127;
constexpr float kLevelsAvx2 = 63;

// The bodies are inlined into one function for each instruction set, which the compiler then
// vectorises for it. Hence no calls into the standard library that are not inlined themselves.

AC_INLINE float fast_exp(float x) {
    x = std::min(std::max(x, -87.0F), 87.0F);
    const float t = x * 1.44269504F;
    const float n = static_cast<float>(static_cast<std::int32_t>(t + (t < 0 ? -0.5F : 0.5F)));
    const float r = x - n * 0.693147181F;
    const float p =
        1 + r * (1 + r * (0.5F + r * (0.166666667F + r * (0.0416666667F + r * 0.00833333333F))));
    return p * std::bit_cast<float>((static_cast<std::int32_t>(n) + 127) << 23);
}

// Abramowitz and Stegun 7.1.26, good to 1.5e-7.
AC_INLINE float fast_erf(float x) {
    const float a = x < 0 ? -x : x;
    const float t = 1 / (1 + 0.3275911F * a);
    const float p =
        t * (0.254829592F +
             t * (-0.284496736F + t * (1.421413741F + t * (-1.453152027F + t * 1.061405429F))));
    const float y = 1 - p * fast_exp(-a * a);
    return x < 0 ? -y : y;
}

// In sixteen lanes: a maximum of floats is no reduction that a compiler may reorder by itself.
AC_INLINE float largest(const float* x, std::size_t count, bool absolute) {
    float lanes[16];
    for (float& lane : lanes) lane = absolute ? 0.0F : x[0];
    std::size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        for (std::size_t j = 0; j < 16; ++j) {
            const float value = absolute ? std::fabs(x[i + j]) : x[i + j];
            lanes[j] = lanes[j] < value ? value : lanes[j];
        }
    }
    for (; i < count; ++i) {
        const float value = absolute ? std::fabs(x[i]) : x[i];
        lanes[0] = lanes[0] < value ? value : lanes[0];
    }
    float most = lanes[0];
    for (const float lane : lanes) most = most < lane ? lane : most;
    return most;
}

AC_INLINE void quantise_body(const float* in, std::size_t tokens, std::size_t columns, float levels,
                             std::int8_t* values, float* scales, std::int32_t* sums) {
    for (std::size_t token = 0; token < tokens; ++token, in += columns, values += columns) {
        const float most = largest(in, columns, true);
        const float up = most > 0 ? levels / most : 0;
        std::int32_t sum = 0;
        for (std::size_t i = 0; i < columns; ++i) {
            const float scaled = in[i] * up;
            const auto value = static_cast<std::int32_t>(scaled + (scaled < 0 ? -0.5F : 0.5F));
            values[i] = static_cast<std::int8_t>(value);
            sum += value;
        }
        scales[token] = most / levels;
        sums[token] = sum;
    }
}

AC_INLINE void normalise_body(float* x, const float* added, const float* weight, const float* bias,
                              std::size_t tokens, std::size_t columns, float epsilon) {
    for (std::size_t token = 0; token < tokens; ++token, x += columns) {
        AC_REASSOCIATE
        float sum = 0;
        if (added != nullptr) {
            const float* more = added + token * columns;
            for (std::size_t i = 0; i < columns; ++i) x[i] += more[i];
        }
        for (std::size_t i = 0; i < columns; ++i) sum += x[i];
        const float mean = sum / static_cast<float>(columns);
        float spread = 0;
        for (std::size_t i = 0; i < columns; ++i) spread += (x[i] - mean) * (x[i] - mean);
        const float scale = 1 / std::sqrt(spread / static_cast<float>(columns) + epsilon);
        for (std::size_t i = 0; i < columns; ++i)
            x[i] = (x[i] - mean) * scale * weight[i] + bias[i];
    }
}

AC_INLINE void gelu_body(float* x, std::size_t count) {
    constexpr float kHalfRoot = 0.70710678F;
    for (std::size_t i = 0; i < count; ++i) x[i] = 0.5F * x[i] * (1 + fast_erf(x[i] * kHalfRoot));
}

// Sixteen sums at a time, which stay in a register: sum over i of factors[i] * rows[i][0..16].
AC_INLINE void weigh(const float* factors, const float* rows, std::size_t count, std::size_t stride,
                     float* out) {
    float sums[16] = {};
    for (std::size_t i = 0; i < count; ++i, rows += stride)
        for (std::size_t j = 0; j < 16; ++j) sums[j] += factors[i] * rows[j];
    for (std::size_t j = 0; j < 16; ++j) out[j] = sums[j];
}

AC_INLINE void attend_body(const float* q, const float* k, const float* v, float* out,
                           std::size_t tokens, std::size_t width, std::size_t stride,
                           float* scratch) {
    AC_REASSOCIATE
    const std::size_t padded = (tokens + 15) / 16 * 16;
    float* const keys = scratch;  // transposed: sixteen tokens lie side by side
    float* const weights = scratch + padded * width;
    for (std::size_t i = 0; i < padded * width; ++i) keys[i] = 0;
    const float scale = 1 / std::sqrt(static_cast<float>(width));
    for (std::size_t s = 0; s < tokens; ++s)
        for (std::size_t e = 0; e < width; ++e) keys[e * padded + s] = k[s * stride + e] * scale;
    for (std::size_t t = 0; t < tokens; ++t) {
        for (std::size_t s = 0; s < padded; s += 16)
            weigh(q + t * stride, keys + s, width, padded, weights + s);
        const float most = largest(weights, tokens, false);
        float sum = 0;
        for (std::size_t s = 0; s < tokens; ++s) weights[s] = fast_exp(weights[s] - most);
        for (std::size_t s = 0; s < tokens; ++s) sum += weights[s];
        for (std::size_t s = 0; s < tokens; ++s) weights[s] /= sum;
        for (std::size_t e = 0; e < width; e += 16)
            weigh(weights, v + e, tokens, stride, out + t * stride + e);
    }
}

// The offset of 128 in the weights is taken out by the sum of the activations.
AC_INLINE float finish(const ByteMatrix& matrix, std::size_t row, std::int32_t dot,
                       const ByteRows& in, std::size_t token) {
    const auto exact = static_cast<float>(dot - 128 * in.sums[token]);
    return exact * matrix.scales()[row] * in.scales[token] + matrix.bias()[row];
}

void multiply_generic(const ByteMatrix& matrix, const ByteRows& in, std::size_t tokens,
                      float* out) {
    const std::size_t columns = matrix.columns();
    for (std::size_t block = 0; block < matrix.rows() / 16; ++block) {
        for (std::size_t token = 0; token < tokens; ++token) {
            const std::uint8_t* w = matrix.block(block);
            const std::int8_t* const x = in.values.data() + token * columns;
            std::int32_t dots[16] = {};
            for (std::size_t c = 0; c < columns; c += 4)
                for (auto& dot : dots)
                    for (std::size_t i = 0; i < 4; ++i) dot += std::int32_t{*w++} * x[c + i];
            for (std::size_t r = 0; r < 16; ++r)
                out[token * matrix.rows() + block * 16 + r] =
                    finish(matrix, block * 16 + r, dots[r], in, token);
        }
    }
}

void resize(ByteRows& rows, std::size_t tokens, std::size_t columns) {
    rows.values.resize(tokens * columns);
    rows.scales.resize(tokens);
    rows.sums.resize(tokens);
}

void quantise_generic(const float* in, std::size_t tokens, std::size_t columns, ByteRows& out) {
    resize(out, tokens, columns);
    quantise_body(in, tokens, columns, kLevels, out.values.data(), out.scales.data(),
                  out.sums.data());
}
void normalise_generic(float* x, const float* added, const float* weight, const float* bias,
                       std::size_t tokens, std::size_t columns, float epsilon) {
    normalise_body(x, added, weight, bias, tokens, columns, epsilon);
}
void gelu_generic(float* x, std::size_t count) {
    gelu_body(x, count);
}
void attend_generic(const float* q, const float* k, const float* v, float* out, std::size_t tokens,
                    std::size_t width, std::size_t stride, float* scratch) {
    attend_body(q, k, v, out, tokens, width, stride, scratch);
}

#if defined(__x86_64__)

AC_INLINE std::int32_t four_bytes(const std::int8_t* at) {
    std::int32_t value = 0;
    std::memcpy(&value, at, sizeof value);
    return value;
}

// A tile of Tokens x 16 in registers.
template <std::size_t Tokens>
AC_AVX2 void tile_avx2(const ByteMatrix& matrix, const ByteRows& in, std::size_t block,
                       std::size_t token, float* out) {
    const std::size_t columns = matrix.columns();
    const std::uint8_t* w = matrix.block(block);
    const std::int8_t* const x = in.values.data() + token * columns;
    __m256i dots[Tokens][2];
    for (auto& pair : dots) pair[0] = pair[1] = _mm256_setzero_si256();
    const __m256i ones = _mm256_set1_epi16(1);
    for (std::size_t c = 0; c < columns; c += 4, w += 64) {
        const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w));
        const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w + 32));
        for (std::size_t t = 0; t < Tokens; ++t) {
            const __m256i four = _mm256_set1_epi32(four_bytes(x + t * columns + c));
            dots[t][0] = _mm256_add_epi32(dots[t][0],
                                          _mm256_madd_epi16(_mm256_maddubs_epi16(low, four), ones));
            dots[t][1] = _mm256_add_epi32(
                dots[t][1], _mm256_madd_epi16(_mm256_maddubs_epi16(high, four), ones));
        }
    }
    for (std::size_t t = 0; t < Tokens; ++t) {
        std::int32_t values[16];
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(values), dots[t][0]);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(values + 8), dots[t][1]);
        for (std::size_t r = 0; r < 16; ++r)
            out[(token + t) * matrix.rows() + block * 16 + r] =
                finish(matrix, block * 16 + r, values[r], in, token + t);
    }
}

AC_AVX2 void multiply_avx2(const ByteMatrix& matrix, const ByteRows& in, std::size_t tokens,
                           float* out) {
    for (std::size_t block = 0; block < matrix.rows() / 16; ++block) {
        std::size_t token = 0;
        for (; token + 4 <= tokens; token += 4) tile_avx2<4>(matrix, in, block, token, out);
        for (; token < tokens; ++token) tile_avx2<1>(matrix, in, block, token, out);
    }
}

// A tile of Tokens x 32 in registers: 12 tokens take 24 of the 32.
template <std::size_t Tokens>
AC_AVX512 void tile_avx512(const ByteMatrix& matrix, const ByteRows& in, std::size_t pair,
                           std::size_t token, float* out) {
    const std::size_t columns = matrix.columns();
    const std::uint8_t* w0 = matrix.block(pair * 2);
    const std::uint8_t* w1 = matrix.block(pair * 2 + 1);
    const std::int8_t* const x = in.values.data() + token * columns;
    __m512i dots[Tokens][2];
    for (auto& both : dots) both[0] = both[1] = _mm512_setzero_si512();
    for (std::size_t c = 0; c < columns; c += 4, w0 += 64, w1 += 64) {
        const __m512i low = _mm512_loadu_si512(w0);
        const __m512i high = _mm512_loadu_si512(w1);
        for (std::size_t t = 0; t < Tokens; ++t) {
            const __m512i four = _mm512_set1_epi32(four_bytes(x + t * columns + c));
            dots[t][0] = _mm512_dpbusd_epi32(dots[t][0], low, four);
            dots[t][1] = _mm512_dpbusd_epi32(dots[t][1], high, four);
        }
    }
    for (std::size_t t = 0; t < Tokens; ++t) {
        const __m512i offset = _mm512_set1_epi32(128 * in.sums[token + t]);
        const __m512 scale = _mm512_set1_ps(in.scales[token + t]);
        for (std::size_t half = 0; half < 2; ++half) {
            const std::size_t row = pair * 32 + half * 16;
            const __m512 exact = _mm512_cvtepi32_ps(_mm512_sub_epi32(dots[t][half], offset));
            const __m512 scaled =
                _mm512_mul_ps(exact, _mm512_mul_ps(scale, _mm512_loadu_ps(matrix.scales() + row)));
            _mm512_storeu_ps(out + (token + t) * matrix.rows() + row,
                             _mm512_add_ps(scaled, _mm512_loadu_ps(matrix.bias() + row)));
        }
    }
}

AC_AVX512 void multiply_avx512(const ByteMatrix& matrix, const ByteRows& in, std::size_t tokens,
                               float* out) {
    for (std::size_t pair = 0; pair < matrix.rows() / 32; ++pair) {
        std::size_t token = 0;
        for (; token + 12 <= tokens; token += 12) tile_avx512<12>(matrix, in, pair, token, out);
        for (; token + 4 <= tokens; token += 4) tile_avx512<4>(matrix, in, pair, token, out);
        for (; token < tokens; ++token) tile_avx512<1>(matrix, in, pair, token, out);
    }
}

AC_AVX2 void quantise_avx2(const float* in, std::size_t tokens, std::size_t columns,
                           ByteRows& out) {
    resize(out, tokens, columns);
    quantise_body(in, tokens, columns, kLevelsAvx2, out.values.data(), out.scales.data(),
                  out.sums.data());
}
AC_AVX512 void quantise_avx512(const float* in, std::size_t tokens, std::size_t columns,
                               ByteRows& out) {
    resize(out, tokens, columns);
    quantise_body(in, tokens, columns, kLevels, out.values.data(), out.scales.data(),
                  out.sums.data());
}
AC_AVX2 void normalise_avx2(float* x, const float* added, const float* weight, const float* bias,
                            std::size_t tokens, std::size_t columns, float epsilon) {
    normalise_body(x, added, weight, bias, tokens, columns, epsilon);
}
AC_AVX512 void normalise_avx512(float* x, const float* added, const float* weight,
                                const float* bias, std::size_t tokens, std::size_t columns,
                                float epsilon) {
    normalise_body(x, added, weight, bias, tokens, columns, epsilon);
}
AC_AVX2 void gelu_avx2(float* x, std::size_t count) {
    gelu_body(x, count);
}
AC_AVX512 void gelu_avx512(float* x, std::size_t count) {
    gelu_body(x, count);
}
AC_AVX2 void attend_avx2(const float* q, const float* k, const float* v, float* out,
                         std::size_t tokens, std::size_t width, std::size_t stride,
                         float* scratch) {
    attend_body(q, k, v, out, tokens, width, stride, scratch);
}
AC_AVX512 void attend_avx512(const float* q, const float* k, const float* v, float* out,
                             std::size_t tokens, std::size_t width, std::size_t stride,
                             float* scratch) {
    attend_body(q, k, v, out, tokens, width, stride, scratch);
}

#endif

}  // namespace

ByteMatrix::ByteMatrix(const float* weights, const float* bias, std::size_t rows,
                       std::size_t columns)
    : rows_(rows),
      columns_(columns),
      weights_(rows * columns),
      scales_(rows),
      bias_(bias, bias + rows) {
    for (std::size_t row = 0; row < rows; ++row, weights += columns) {
        float most = 0;
        for (std::size_t c = 0; c < columns; ++c) most = std::max(most, std::fabs(weights[c]));
        scales_[row] = most / kLevels;
        const float up = most > 0 ? kLevels / most : 0;
        std::uint8_t* const to = weights_.data() + row / 16 * 16 * columns + row % 16 * 4;
        for (std::size_t c = 0; c < columns; ++c)
            to[c / 4 * 64 + c % 4] =
                static_cast<std::uint8_t>(static_cast<int>(weights[c] * up + 128.5F));
    }
}

Isa best_isa() {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return Isa::avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return Isa::avx2;
#endif
    return Isa::generic;
}

std::string_view to_string(Isa isa) {
    switch (isa) {
        case Isa::generic:
            return "generic";
        case Isa::avx2:
            return "avx2";
        case Isa::avx512:
            return "avx512";
    }
    return "generic";
}

const Kernels& kernels(Isa isa) {
    static constexpr Kernels kGeneric{Isa::generic,      quantise_generic, multiply_generic,
                                      normalise_generic, gelu_generic,     attend_generic};
#if defined(__x86_64__)
    static constexpr Kernels kAvx2{Isa::avx2,      quantise_avx2, multiply_avx2,
                                   normalise_avx2, gelu_avx2,     attend_avx2};
    static constexpr Kernels kAvx512{Isa::avx512,      quantise_avx512, multiply_avx512,
                                     normalise_avx512, gelu_avx512,     attend_avx512};
    const Isa best = best_isa();
    if (isa == Isa::avx512 && best == Isa::avx512) return kAvx512;
    if (isa == Isa::avx2 && best != Isa::generic) return kAvx2;
#endif
    (void)isa;
    return kGeneric;
}

}  // namespace ac::embedded
