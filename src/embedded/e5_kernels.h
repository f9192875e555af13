#pragma once
// The arithmetic of the encoder, for the processor at hand: AVX-512 with VNNI, AVX2, or neither.
// Matrices are 8 bit with a scale for each row; activations become 8 bit with a scale for each
// token. Every instruction set gives the same result up to rounding.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace ac::embedded {

enum class Isa { generic, avx2, avx512 };
Isa best_isa();
std::string_view to_string(Isa isa);

// rows x columns, rows a multiple of 32 and columns of 4. Stored as [rows/16][columns/4][16][4],
// each value plus 128: what a dot product of bytes wants to load at once.
class ByteMatrix final {
  public:
    // `weights` is row-major; `bias` has a value for each row.
    ByteMatrix(const float* weights, const float* bias, std::size_t rows, std::size_t columns);

    std::size_t rows() const { return rows_; }
    std::size_t columns() const { return columns_; }
    const std::uint8_t* block(std::size_t sixteen) const {
        return weights_.data() + sixteen * 16 * columns_;
    }
    const float* scales() const { return scales_.data(); }
    const float* bias() const { return bias_.data(); }

  private:
    std::size_t rows_;
    std::size_t columns_;
    std::vector<std::uint8_t> weights_;
    std::vector<float> scales_;
    std::vector<float> bias_;
};

// `tokens` rows of bytes with their scales and sums. Reused from call to call.
struct ByteRows {
    std::vector<std::int8_t> values;
    std::vector<float> scales;
    std::vector<std::int32_t> sums;
};

struct Kernels {
    Isa isa;
    void (*quantise)(const float* in, std::size_t tokens, std::size_t columns, ByteRows& out);
    // out[token][row] = matrix * in[token] + bias
    void (*multiply)(const ByteMatrix& matrix, const ByteRows& in, std::size_t tokens, float* out);
    // x = layernorm(x + added); `added` may be null.
    void (*normalise)(float* x, const float* added, const float* weight, const float* bias,
                      std::size_t tokens, std::size_t columns, float epsilon);
    void (*gelu)(float* x, std::size_t count);
    // One head of width `width`, a multiple of 16, in rows of `stride`: out = softmax(q k' /
    // sqrt(width)) v.
    void (*attend)(const float* q, const float* k, const float* v, float* out, std::size_t tokens,
                   std::size_t width, std::size_t stride, float* scratch);
};
// `scratch` of attend: this many floats.
constexpr std::size_t attend_scratch(std::size_t tokens, std::size_t width) {
    const std::size_t padded = (tokens + 15) / 16 * 16;
    return padded * width + padded;
}

// generic when the processor lacks `isa`.
const Kernels& kernels(Isa isa);

}  // namespace ac::embedded
